"""Who waits for whom, as a graph."""

from __future__ import annotations


def in_circles(waiting: dict[int, int]) -> set[int]:
    """Return who waits, over others, for itself; `waiting` says for whom each one waits."""
    caught = set()
    for first in waiting:
        seen, other = [first], waiting[first]
        while other in waiting and other not in seen:
            seen.append(other)
            other = waiting[other]
        if other == first:
            caught.update(seen)
    return caught
