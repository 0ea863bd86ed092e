"""Batteries of the shelves task: the ways to its charging cells, and what every step does."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.warehouse.battery import NO_BATTERIES, allow_toggling, battery_settings, is_dead, use_energy
from marl_envs.warehouse.dispatch import send
from marl_envs.warehouse.equipped import floor_of
from marl_envs.warehouse.images import LAYER_BITS
from marl_envs.warehouse.layouts import CHARGER
from marl_envs.warehouse.routes import ways_to
from marl_envs.warehouse.types import CHARGE, EMPTY, IDLE, UNREACHABLE, Params, Settings, State


def no_batteries() -> dict[str, Any]:
    """Return the fields of Settings about batteries, where there are none."""
    tables = {"charger_steps": np.zeros((0, 0), np.uint16), "charger_guide": np.zeros((0, 0), np.uint8)}
    return {**NO_BATTERIES, **tables, "charger_code": 0}


def with_batteries(settings: Settings, params: Params) -> Settings:
    """Return settings that know of the batteries these parameters ask for, if any."""
    if params.battery is None:
        return settings
    cells = floor_of(params).cells(CHARGER)
    pad = int(-settings.row[0])  # rows and columns count from the first ring around the floor
    stride = settings.width + 2 * pad
    chargers = np.array([(row + pad) * stride + col + pad for row, col in cells], np.uint32)
    spots = settings.kind.size * 4
    free, laden = (ways_to(settings, chargers, loaded) for loaded in (False, True))
    steps = np.concatenate([free[0], laden[0]])
    nearest = np.full((2, spots), UNREACHABLE, np.uint16)
    if len(chargers):
        nearest = steps.reshape(2, len(chargers), spots).min(axis=1)
    drain = params.drain
    dearest = max(drain.turn, drain.move), max(drain.turn, drain.laden)
    power = battery_settings(params, chargers, settings.kind.size, nearest, dearest)
    allow_toggling(power, drain)
    shown = params.observation == "image" and "chargers" in params.image_layers
    return settings._replace(
        **power,
        charger_steps=steps,
        charger_guide=np.concatenate([free[1], laden[1]]),
        charger_code=1 << LAYER_BITS * params.image_layers.index("chargers") if shown else 0,
    )


@jit(inline=True)
def attend(state: State, settings: Settings, e: Int) -> None:
    """Decide who goes to which charging cell, as everything stands."""
    for a in range(state.level.shape[1]):
        state.laden[e, a] = np.uint8(state.load[e, a] != EMPTY)
        state.spot[e, a] = state.pos[e, a] * np.uint32(4) + state.heading[e, a]
    send(state, settings, settings.charger_steps, e)


@jit(inner=True)
def run_batteries(state: State, settings: Settings, e: Int) -> None:
    """Let robots pay for the step they made, charge, die, and be sent to charge."""
    for a in range(state.level.shape[1]):
        state.laden[e, a] = np.uint8(state.load[e, a] != EMPTY)
    use_energy(state, settings, e)
    attend(state, settings, e)


@jit(inline=True)
def _row(state: State, settings: Settings, e: Int, a: Int) -> Int:
    """Return the row of the tables of ways to robot `a`'s charging cell."""
    count = settings.chargers.shape[0]
    return (state.load[e, a] != EMPTY) * count + settings.charger_at[state.charger[e, a]]


@jit(inline=True)
def steps_to_charger(state: State, settings: Settings, e: Int, a: Int, spot: Int) -> Int:
    """Return how many steps it is from a spot (cell * 4 + heading) to the charging cell robot `a` is sent to."""
    return np.int64(settings.charger_steps[_row(state, settings, e, a), spot])


@jit(inline=True)
def guide_to_charger(state: State, settings: Settings, e: Int, a: Int, spot: Int) -> Int:
    """Return which of forward, left, right bring it nearer from there, as bits."""
    return settings.charger_guide[_row(state, settings, e, a), spot]


@jit(inline=True)
def head_for_charger(state: State, settings: Settings, e: Int, a: Int) -> None:
    """Give a robot that is sent to charge its phase, target and distance; the dead have nothing to do."""
    if is_dead(state, e, a):
        state.phase[e, a] = IDLE
        return
    state.phase[e, a] = CHARGE
    state.target[e, a] = state.charger[e, a]
    if state.charger[e, a]:
        spot = np.int64(state.pos[e, a]) * 4 + state.heading[e, a]
        state.steps_to[e, a] = np.uint16(steps_to_charger(state, settings, e, a, spot))
