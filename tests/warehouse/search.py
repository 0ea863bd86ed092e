"""Shortest routes and assignments once more, slow and plain: what the distance tables and targets are held against."""

from __future__ import annotations

from collections import deque
from functools import lru_cache

from tests.warehouse.oracle import AHEAD, LEFT, RIGHT, Cell, Picture, char


@lru_cache(maxsize=20_000)
def steps_from(rows: tuple[str, ...], start: Cell, heading: int, laden: bool) -> dict[Cell, int]:
    """Return the steps, turns included, to every cell that can be reached; laden robots drive through no home."""
    seen, frontier = {(start, heading): 0}, deque([(start, heading)])
    steps: dict[Cell, int] = {}
    while frontier:
        cell, facing = place = frontier.popleft()
        steps.setdefault(cell, seen[place])
        if laden and char(rows, cell) == "x" and cell != start:
            continue
        onward = (cell[0] + AHEAD[facing][0], cell[1] + AHEAD[facing][1])
        for after in ((cell, LEFT[facing]), (cell, RIGHT[facing]), (onward, facing)):
            if after not in seen and char(rows, after[0]) != " ":
                seen[after] = seen[place] + 1
                frontier.append(after)
    return steps


def phases(seen: Picture, pay_again: bool) -> list[str]:
    """Return what each robot is about, by what it carries alone."""
    result = []
    for load, has_delivered in zip(seen.loads, seen.has_delivered, strict=True):
        wanted = load in seen.queue and (pay_again or not has_delivered)
        result.append("fetch" if load < 0 else "to goal" if wanted else "return")
    return result


def assign(seen: Picture, robots: list[int], places: list[Cell], laden: bool) -> dict[int, tuple[Cell, int]]:
    """Return (target, steps) by robot: the nearest pair first; ties: the lowest robot, then the first place."""
    pairs = []
    for a in robots:
        steps = steps_from(seen.rows, seen.cells[a], seen.headings[a], laden)
        pairs += [(steps[cell], a, i) for i, cell in enumerate(places) if cell in steps]
    chosen: dict[int, tuple[Cell, int]] = {}
    taken: set[int] = set()
    for steps_to, a, i in sorted(pairs):
        if a not in chosen and i not in taken:
            chosen[a] = places[i], steps_to
            taken.add(i)
    return chosen
