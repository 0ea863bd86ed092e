"""Distance tables: how many steps, turns included, from any cell and heading to a home or to the nearest goal.

Built once a floor, before the first step that needs them. An unloaded robot may pass under standing shelves; a loaded
one is routed along highways only (shelves may stand on any home), leaving the home it is on and entering its target.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.params import ParameterError
from marl_envs.warehouse.types import AHEAD_BIT, HOME_CELL, LEFT_BIT, OUTSIDE, RIGHT_BIT, UNREACHABLE, Settings

MOST_BYTES = 2 * 2**30  # for all distance and guide tables


@jit(inline=True)
def enterable(settings: Settings, cell: Int, target: Int, laden: Bool) -> Bool:
    """Return whether a route to `target` may enter `cell`."""
    kind = settings.kind[cell]
    return kind != OUTSIDE and (not laden or kind != HOME_CELL or cell == target)


@jit
def _spread(settings: Settings, targets: Any, laden: Bool, steps: Any, queue: Any, source: Any) -> None:
    """Search breadth-first backwards from the target cells; fill `steps` and `source` (the nearest target)."""
    head: Int = 0
    tail: Int = 0
    for k in range(steps.shape[0]):
        steps[k] = UNREACHABLE
    for target in targets:
        for heading in range(4):
            i = np.int64(target) * 4 + heading
            steps[i] = 0
            source[i] = target
            queue[tail] = i
            tail += 1
    while head < tail:
        i = queue[head]
        head += 1
        cell, heading = i >> 2, i & 3
        before = cell - settings.ahead[heading]
        for k in range(3):
            if k == 0:
                j = (cell << 2) + settings.left_of[heading]
            elif k == 1:
                j = (cell << 2) + settings.right_of[heading]
            else:
                j = (before << 2) + heading
                if settings.kind[before] == OUTSIDE or not enterable(settings, cell, np.int64(source[i]), laden):
                    continue
            if steps[j] == UNREACHABLE:
                steps[j] = steps[i] + 1
                source[j] = source[i]
                queue[tail] = j
                tail += 1


@jit
def _point(settings: Settings, targets: Any, laden: Bool, steps: Any, guide: Any) -> None:
    """Write which of forward, left and right shorten the way to the targets."""
    for k in range(steps.shape[0]):
        guide[k] = 0
        cell, heading = np.int64(k) >> 2, k & 3
        if settings.kind[cell] == OUTSIDE or steps[k] == 0 or steps[k] == UNREACHABLE:
            continue
        bits: Int = 0
        ahead = cell + settings.ahead[heading]
        # Only routes to a single home end on one; goals are highway.
        if enterable(settings, ahead, np.int64(targets[0]), laden) and steps[(ahead << 2) + heading] < steps[k]:
            bits += AHEAD_BIT
        if steps[(cell << 2) + settings.left_of[heading]] < steps[k]:
            bits += LEFT_BIT
        if steps[(cell << 2) + settings.right_of[heading]] < steps[k]:
            bits += RIGHT_BIT
        guide[k] = np.uint8(bits)


@jit
def _fill(settings: Settings, cells: Any, laden: Bool, steps: Any, guide: Any, queue: Any, source: Any) -> None:
    """Fill the tables of the ways to each of the cells."""
    for h in range(cells.shape[0]):
        target = cells[h : h + 1]
        _spread(settings, target, laden, steps[h], queue, source)
        _point(settings, target, laden, steps[h], guide[h])


def ways_to(settings: Settings, cells: NDArray[np.uint32], laden: bool) -> tuple[Any, Any]:
    """Return (steps, guide) of the ways to each of the cells, uint16 and uint8 [len(cells), 4 * C]."""
    states = settings.kind.size * 4
    steps, guide = np.empty((len(cells), states), np.uint16), np.empty((len(cells), states), np.uint8)
    if len(cells):
        queue, source = np.empty(states, np.int64), np.zeros(states, np.uint32)
        _fill(settings, cells, laden, steps, guide, queue, source)
    return steps, guide


def with_routes(settings: Settings) -> Settings:
    """Return `settings` with its distance and guide tables filled.

    Raises:
        ParameterError: they would take more than MOST_BYTES.
    """
    if settings.goal_steps.size:
        return settings
    states, homes = settings.kind.size * 4, settings.homes.size
    if (size := states * homes * 6) > MOST_BYTES:
        raise ParameterError(
            f"the distance tables of {homes} homes on {settings.height}x{settings.width} cells would take "
            f"{size / 2**30:.1f} GiB, more than {MOST_BYTES / 2**30:g} GiB; this floor works only without guidance: "
            'observation="flattened", shaping=0, no planner and no pictures'
        )
    queue, source = np.empty(states, np.int64), np.zeros(states, np.uint32)
    steps, guide = zip(*(ways_to(settings, settings.homes, laden) for laden in (False, True)), strict=True)
    goal_steps, goal_guide, nearest_goal = (
        np.empty(states, np.uint16),
        np.empty(states, np.uint8),
        np.zeros_like(source),
    )
    _spread(settings, settings.goals, True, goal_steps, queue, nearest_goal)
    _point(settings, settings.goals, True, goal_steps, goal_guide)
    return settings._replace(
        free_steps=steps[0],
        laden_steps=steps[1],
        goal_steps=goal_steps,
        nearest_goal=nearest_goal,
        free_guide=guide[0],
        laden_guide=guide[1],
        goal_guide=goal_guide,
        longest=float(max(t[t != UNREACHABLE].max(initial=0) for t in (*steps, goal_steps, settings.charger_steps))),
    )
