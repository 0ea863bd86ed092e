"""Whether lanes lead where routes go: vehicles keep to their lane on a road."""

from __future__ import annotations

from marl_envs.traffic.network import Network


def lanes_that_strand(network: Network) -> list[tuple[str, str, str]]:
    """Return a lane, the next road and the one after it where the lane leads to the one, but not on to the other."""
    follows: dict[int, set[int]] = {}  # lane -> roads
    ends: dict[tuple[int, int], set[int]] = {}  # lane, next road -> lanes
    for a, b in zip(network.link_start.tolist(), network.link_end.tolist(), strict=True):
        road = int(network.lane_road[b])
        follows.setdefault(a, set()).add(road)
        ends.setdefault((a, road), set()).add(b)
    stranded = []
    for (lane, road), reached in ends.items():
        after = {
            r for other in range(network.first_lane[road], network.first_lane[road + 1]) for r in follows.get(other, ())
        }
        missing = after - {r for other in reached for r in follows.get(other, ())}
        stranded += [(network.drivable_ids[lane], network.road_ids[road], network.road_ids[r]) for r in missing]
    return stranded
