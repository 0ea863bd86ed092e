"""The apartment once more, in plain Python: the oracle for rules and values. One class, no arrays, no kernels."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

LR, K, B1, B2, DOCK = range(5)
DOORS = {(LR, K), (LR, B1), (K, B1), (K, B2), (B1, B2)}
PAYS = {LR: 0, K: 1, B1: 0, B2: 2}

State = tuple  # (rooms, charges, docked, dirty rooms), all tuples but the last, a frozenset


def begin(robots: int, battery: int) -> State:
    return (LR,) * robots, (battery,) * robots, (False,) * robots, frozenset({K, B2})


def possible(rules: str, state: State, a: int, action: int) -> bool:
    rooms, charges, _, _ = state
    if charges[a] == 0:
        return action == rooms[a]
    if action == rooms[a]:
        return len(rooms) > 1
    return rules == "dock" if action == DOCK else bool({(rooms[a], action), (action, rooms[a])} & DOORS)


def step(rules: str, state: State, actions: tuple[int, ...]) -> tuple[State, list[float], bool]:
    """Return the next state, what each robot is paid, and whether the session is over."""
    rooms, charges, docked, dirty = map(list, state)
    paid = [0.0] * len(rooms)
    going = [a if possible(rules, state, i, a) else rooms[i] for i, a in enumerate(actions)]
    arriving: list[int] = []
    for i, action in enumerate(going):
        if charges[i] == 0:
            continue
        if action == DOCK:
            charges[i], docked[i] = 0, True
            arriving.append(i)
            continue
        charges[i] -= 1
        if action != rooms[i]:
            rooms[i] = action
            paid[i] += PAYS[action] if action in dirty else -1
            dirty = [room for room in dirty if room != action]
    share = 0 if dirty else 2 / len(rooms)
    for i in range(len(rooms)):
        if rules == "visits" or i in arriving:
            paid[i] += share
        elif charges[i] == 0 and state[1][i] > 0:
            paid[i] -= 1
    over = not any(charges) or (rules == "visits" and not dirty)
    return (tuple(rooms), tuple(charges), tuple(docked), frozenset(dirty)), paid, over


@lru_cache(maxsize=100_000)
def best(rules: str, state: State) -> float:
    """Return the most that the team can still get."""
    return max(value(rules, state, actions) for actions in choices(rules, state))


def choices(rules: str, state: State) -> list[tuple[int, ...]]:
    return list(product(*([a for a in range(5) if possible(rules, state, i, a)] for i in range(len(state[0])))))


def value(rules: str, state: State, actions: tuple[int, ...]) -> float:
    """Return Q* of the team, undiscounted."""
    after, paid, over = step(rules, state, actions)
    return sum(paid) + (0.0 if over else best(rules, after))


def number(state: State, a: int, battery: int) -> int:
    """Return what "tabular" shows robot `a`."""
    rooms, charges, _, dirty = state
    found = sum(1 << room for room in dirty)
    for i in [a, *(i for i in range(len(rooms)) if i != a)]:
        found = (found * 4 + rooms[i]) * (battery + 1) + charges[i]
    return found
