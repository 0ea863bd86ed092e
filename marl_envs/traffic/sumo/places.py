"""Which of SUMO's lanes are our lanes and lane links."""

from __future__ import annotations

from typing import Any

from marl_envs.traffic.formats.sumo import SumoNetwork

LinkIds = dict[tuple[str, str], int]  # ids of the lanes that a connection joins -> lane link


class Places:
    """Where SUMO's vehicles are, in numbers of our drivables (lanes, then lane links)."""

    def __init__(self, sumo: Any, town: SumoNetwork) -> None:
        """Read the running simulation's connections.

        Args:
            sumo: the module libsumo, with a simulation of the town's file.
            town: as our reader has it.
        """
        ids, network = town.lane_ids, town.network
        lanes = network.num_lanes
        pairs = zip(network.link_start.tolist(), network.link_end.tolist(), strict=True)
        self.links: LinkIds = {(ids[start], ids[end]): k for k, (start, end) in enumerate(pairs)}
        self._place = {name: lane for lane, name in enumerate(ids)}
        for name in ids:
            for target, *_, inner, _, _, _ in _connections(sumo, name):
                if (name, target) in self.links:
                    for part in _through(sumo, inner):
                        self._place[part] = lanes + self.links[name, target]
        self._elsewhere = lanes  # a lane link: who is there is on no lane
        self.first_lane: dict[str, int] = {}
        """Of each road the rightmost lane that cars may use."""
        for road in network.road_ids:
            count = sumo.edge.getLaneNumber(road)
            known = [i for i in range(count) if f"{road}_{i}" in self._place]
            self.first_lane[road] = self._place[f"{road}_{known[0]}"]
            for i in range(count):  # a bus lane counts as the nearest lane for cars
                near = min(known, key=lambda k, i=i: abs(k - i))  # type: ignore[misc]
                self._place.setdefault(f"{road}_{i}", self._place[f"{road}_{near}"])

    def of(self, lane: str) -> int:
        """Return the drivable of a lane of SUMO's; some lane link for one that is not ours."""
        return self._place.get(lane, self._elsewhere)


def _connections(sumo: Any, lane: str) -> Any:
    """Return (lane, priority, open, foe, inner lane, state, direction, length) of each connection."""
    return sumo.lane.getLinks(lane)


def _through(sumo: Any, inner: str) -> list[str]:
    """Return the lanes inside a junction from one on."""
    found: list[str] = []
    while inner and inner not in found:
        found.append(inner)
        inner = next((link[4] for link in _connections(sumo, inner)), "")
    return found
