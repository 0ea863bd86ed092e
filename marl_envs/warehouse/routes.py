"""Distance tables: how many steps, turns included, from any cell and heading to a home or to the nearest goal.

Built once a floor, before the first step that needs them. An unloaded robot may pass under standing shelves; a loaded
one is routed along highways only (shelves may stand on any home), leaving the home it is on and entering its target.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.warehouse.types import HOME_CELL, OUTSIDE, UNREACHABLE, Settings


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
def _fill(
    settings: Settings, free_steps: Any, laden_steps: Any, goal_steps: Any, nearest_goal: Any, queue: Any
) -> None:
    """Fill all four tables."""
    source = np.zeros_like(nearest_goal)
    for h in range(settings.homes.shape[0]):
        _spread(settings, settings.homes[h : h + 1], False, free_steps[h], queue, source)
        _spread(settings, settings.homes[h : h + 1], True, laden_steps[h], queue, source)
    _spread(settings, settings.goals, True, goal_steps, queue, nearest_goal)


def with_routes(settings: Settings) -> Settings:
    """Return `settings` with its distance tables filled."""
    if settings.goal_steps.size:
        return settings
    states, homes = settings.kind.size * 4, settings.homes.size
    free_steps = np.empty((homes, states), np.uint16)
    laden_steps = np.empty((homes, states), np.uint16)
    goal_steps = np.empty(states, np.uint16)
    nearest_goal = np.zeros(states, np.uint32)
    _fill(settings, free_steps, laden_steps, goal_steps, nearest_goal, np.empty(states, np.int64))
    reached = [t[t != UNREACHABLE].max() for t in (free_steps, laden_steps, goal_steps)]
    return settings._replace(
        free_steps=free_steps,
        laden_steps=laden_steps,
        goal_steps=goal_steps,
        nearest_goal=nearest_goal,
        longest=float(max(reached)),
    )
