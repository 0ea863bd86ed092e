"""The further metrics once more, slow and plain, from what was seen of every step of one environment."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.types import BLOCKED, MOVED, SHELF, SWAP, TOGGLED, TURNED, VERTEX, WAITED, WALL

REFUSED, STANDS = (VERTEX, SWAP, BLOCKED), (WAITED, SHELF, WALL)
PATIENCE, WINDOW = 5, 20


class Seen(NamedTuple):
    """One environment after a step; lists by robot."""

    cells: list[int]
    asked: list[int]
    outcome: list[int]
    done: list[int]  # what was got done so far, for windows
    far: list[int]  # distance to the target; -1 without one
    nearer: list[set[int]]  # next cells of the shortest ways


def deadlocks(last: list[Seen]) -> dict[frozenset[int], set[int]]:
    """Return the deadlocks at the end of these steps: ring, or robot at the end of the chain -> robots that ask."""
    now, robots = last[-1], range(len(last[-1].cells))
    at = {cell: a for a, cell in enumerate(now.cells)}
    asks = {a: at.get(now.asked[a], -1) for a in robots if all(s.outcome[a] in REFUSED for s in last)}
    asks = {a: b for a, b in asks.items() if len({s.asked[a] for s in last}) == 1}
    idle = {a for a in robots if all(s.outcome[a] in STANDS for s in last)}
    while loose := [a for a, b in asks.items() if b not in asks and b not in idle]:
        for a in loose:
            del asks[a]
    found: dict[frozenset[int], set[int]] = {}
    for a in asks:
        b, way = a, [a]
        while b in asks and asks[b] not in way:
            b = asks[b]
            way.append(b)
        core = way[way.index(asks[b]) :] if b in asks else [b]
        found.setdefault(frozenset(core), set()).add(a)
    return found


def queue_at(now: Seen, stations: set[int]) -> Counter[int]:
    """Return how many refused robots queue at each station's cell."""
    at = {cell: a for a, cell in enumerate(now.cells)}
    queues: Counter[int] = Counter()
    for a, outcome in enumerate(now.outcome):
        b, visited = a, set()
        while outcome in REFUSED and b in range(len(now.cells)) and now.outcome[b] in REFUSED and b not in visited:
            visited.add(b)
            cell = now.asked[b]
            b = at.get(cell, -1)
            if cell in stations:
                queues[cell] += b not in (-1, a)
                break
    return queues


def standstill(start: Seen, steps: list[Seen]) -> set[int]:
    """Return who stood all these steps with every next cell in the hands of such robots, or of those at rest."""
    now, robots = steps[-1], range(len(start.cells))
    at = {cell: a for a, cell in enumerate(now.cells)}
    stood = {
        a for a in robots if now.done[a] == start.done[a] and not any(s.outcome[a] in (MOVED, TURNED) for s in steps)
    }
    held, rest = {a for a in stood if now.far[a] >= 0}, {a for a in stood if now.far[a] < 0}
    while free := {a for a in held if not now.nearer[a] or any(at.get(c) not in held | rest for c in now.nearer[a])}:
        held -= free
    return held


def livelocked(start: Seen, steps: list[Seen]) -> int:
    """Return how many robots moved in half of these steps or more and got nowhere."""
    now, count = steps[-1], 0
    for a in range(len(now.cells)):
        active = sum(s.outcome[a] in (MOVED, TURNED) for s in steps)
        busy = start.far[a] >= 0 and now.far[a] >= start.far[a]
        count += 2 * active >= WINDOW and now.done[a] == start.done[a] and busy
    return count


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def shared_metrics(seen: list[Seen], stations: set[int], cells: int, service: list[int]) -> dict[str, float]:
    """Return what both tasks count alike; `seen[0]` is the state after the reset."""
    robots, steps = len(seen[0].cells), len(seen) - 1
    known: list[dict[frozenset[int], set[int]]] = [{}] * min(PATIENCE, steps + 1)
    known += [deadlocks(seen[t - PATIENCE + 1 : t + 1]) for t in range(PATIENCE, steps + 1)]
    born = [(t, core) for t in range(1, steps + 1) for core in known[t].keys() - known[t - 1].keys()]
    times = [next((u - t for u in range(t, steps + 1) if core not in known[u]), None) for t, core in born]
    times_over = [time for time in times if time is not None]
    sizes = [len(robots) for sets in known for robots in sets.values()]
    queues = [queue_at(now, stations) for now in seen[1:]]
    heat = Counter(now.asked[a] for now in seen[1:] for a in range(robots) if now.outcome[a] in REFUSED)
    spread = np.array(sorted([*heat.values(), *[0] * (cells - len(heat))]))
    gini = _share(np.abs(spread[:, None] - spread[None]).sum(), 2 * cells * spread.sum())
    ends = range(0, steps + 1, WINDOW)
    held = [len(standstill(seen[i], seen[i + 1 : j + 1])) for i, j in pairwise(ends)]
    live = [livelocked(seen[i], seen[i + 1 : j + 1]) for i, j in pairwise(ends)]
    return {
        "service_time_p95": float(np.percentile(service, 95, method="inverted_cdf")) if service else np.nan,
        "deadlocks": len(born),
        "deadlock_first": born[0][0] if born else np.nan,
        "deadlock_largest": max(sizes, default=0),
        "deadlock_steps": sum(sizes),
        "deadlocks_dissolved": len(times_over),
        "deadlock_time": float(np.mean(times_over)) if times_over else np.nan,
        "standstill_first": next((j for j, n in zip(ends[1:], held, strict=True) if n), np.nan),
        "standstill_largest": max(held, default=np.nan),
        "standstill_fraction": _share(sum(held), robots * len(held)),
        "livelock_fraction": _share(sum(live), robots * len(live)),
        "congestion_peak": _share(max(heat.values(), default=0), sum(heat.values())),
        "congestion_gini": gini,
        "queue_mean": _share(sum(q.total() for q in queues), steps * len(stations)),
        "queue_longest": max((n for q in queues for n in q.values()), default=0) if stations else np.nan,
    }


def see_shelves(vec: VectorEnv) -> Seen:
    """Return the shelves' environment 0 as it stands."""
    state, settings = vec.arrays, vec.simulation.settings
    cells, target = state.pos[0].tolist(), state.target[0].tolist()
    ahead = [cell + int(settings.ahead[h]) for cell, h in zip(cells, state.heading[0], strict=True)]
    forward = [t not in (0, c) and bool(g & 1) for t, c, g in zip(target, cells, state.guide[0], strict=True)]
    return Seen(
        cells,
        state.next[0].tolist(),
        state.outcome[0].tolist(),
        (state.tally[0, :, TOGGLED] + state.tally[0, :, 10]).tolist(),
        [int(n) if t else -1 for n, t in zip(state.steps_to[0], target, strict=True)],
        [{c} if f else set() for c, f in zip(ahead, forward, strict=True)],
    )


def see_errands(vec: VectorEnv) -> Seen:
    """Return the errands' environment 0 as it stands."""
    state, settings = vec.arrays, vec.simulation.settings
    cells, goals = state.pos[0].tolist(), state.goal[0].tolist()
    far, nearer = [], []
    for cell, goal in zip(cells, goals, strict=True):
        table = settings.steps[settings.slot[goal]].astype(int)
        far.append(int(table[cell]) if goal else -1)
        around = {cell + int(step) for step in settings.ahead}
        nearer.append({c for c in around if goal and table[c] < table[cell]})
    return Seen(cells, state.next[0].tolist(), state.outcome[0].tolist(), state.tally[0, :, 10].tolist(), far, nearer)
