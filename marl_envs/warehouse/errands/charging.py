"""Batteries of errands: the ways to the charging cells, and how robots are sent there and back to their errands.

While a robot is sent to charge, its goal is the charging cell (none while it has to wait for one), and `errand_goal`
keeps the cell of its errand, which is its goal again while tasks are dealt with: an errand on the way counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit
from marl_envs.warehouse.battery import battery_settings, is_dead
from marl_envs.warehouse.dispatch import send
from marl_envs.warehouse.errands.distances import fill
from marl_envs.warehouse.errands.observe import distance
from marl_envs.warehouse.errands.types import UNREACHABLE, Params, Settings, State
from marl_envs.warehouse.images import LAYER_BITS


def with_batteries(settings: Settings, params: Params, chargers: NDArray[np.uint32]) -> Settings:
    """Return settings that know of the batteries these parameters ask for, if any.

    The first distance tables are those of the charging cells, and stay: `slot` and `steps` are changed in place.
    """
    if params.battery is None:
        return settings
    queue = np.empty(settings.kind.size, np.int32)
    nearest = np.full((2, settings.kind.size), UNREACHABLE, np.uint16)
    for h, cell in enumerate(chargers.tolist()):
        fill(settings.kind, settings.ahead, cell, settings.steps[h], queue)
        settings.slot[cell] = h
        np.minimum(nearest, settings.steps[h], out=nearest)
    # A way of n cells takes at most n turns besides the first one or two, which the reserve pays for.
    dearest = params.drain.move + (params.drain.turn if params.moves == "rotate" else 0)
    shown = params.observation == "image" and "chargers" in params.image_layers
    power: dict[str, Any] = battery_settings(params, chargers, settings.kind.size, nearest, (dearest, dearest))
    power["charger_code"] = 1 << LAYER_BITS * params.image_layers.index("chargers") if shown else 0
    return settings._replace(**power)


@jit(inline=True)
def back_to_errands(state: State, e: Int) -> None:
    """Give robots that are sent to charge the goals of their errands."""
    for a in range(state.level.shape[1]):
        if state.sent[e, a]:
            state.goal[e, a] = state.errand_goal[e, a]


@jit(inner=True)
def off_to_charge(state: State, settings: Settings, e: Int) -> None:
    """Decide who is to charge, and give those robots their charging cells as goals; the dead have none."""
    for a in range(state.level.shape[1]):
        state.spot[e, a] = state.pos[e, a]
    send(state, settings, settings.steps, e)
    for a in range(state.level.shape[1]):
        if is_dead(state, e, a):
            state.goal[e, a] = 0
        elif state.sent[e, a]:
            if state.set_out[e, a] == state.step[e]:  # the shortest way of a new errand
                far = distance(state, settings, e, a, np.int64(state.pos[e, a]))
                state.shortest[e, a] = np.int32(0 if far == UNREACHABLE else far)
            state.errand_goal[e, a] = state.goal[e, a]
            state.goal[e, a] = state.charger[e, a]
