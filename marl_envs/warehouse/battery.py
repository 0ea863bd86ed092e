"""Batteries in both tasks: what steps cost, charging, and death; dispatch.py says who is sent where.

A step costs by what became of it (Settings.drain_of). Whoever stands on a charging cell at the end of a step, sent or
not, then gains `charge_rate`; a level never exceeds the capacity. A robot whose level is 0 is dead until the episode
ends: it only takes the no-op, and nobody enters its cell. As charging follows paying, nobody dies on a charging cell.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.core.out import Out
from marl_envs.warehouse.energy import Drain
from marl_envs.warehouse.types import EMPTY, MASKED, MOVED, NUM_COUNTERS, TOGGLED, TURNED, UNREACHABLE

# What State.energy[e, :] counts
USED, CHARGED, QUEUED, LOWEST, FIRST_DEATH = range(5)
NUM_TALLIES = 5
NEVER = -1  # no death
NO_WAY = -(2**40)  # no level is that low, so nobody is sent

BATTERY_METRICS: dict[str, tuple[str, str]] = {
    "energy_used": ("units", "energy that the team's steps cost; NaN without batteries, as the next five"),
    "charging_fraction": ("1", "share of robot-steps in which a battery was charged"),
    "dead_robots": ("robots", "robots whose battery ran out"),
    "first_death": ("steps", "step in which the first battery ran out; NaN if none did"),
    "charger_wait": (
        "robot-steps",
        "steps of robots sent to charge in which they neither moved nor turned and were not on their charging cell",
    ),
    "lowest_battery": ("units", "lowest level of any robot at the end of any step"),
}
"""Name -> (unit, definition), of both tasks."""
NUM_METRICS = len(BATTERY_METRICS)


class Batteries(Protocol):
    """What the rules of batteries read and write: these arrays of the State of either task."""

    @property
    def step(self) -> NDArray[np.int32]:
        """Steps since the reset [E]."""

    @property
    def pos(self) -> NDArray[np.uint32]:
        """Cell of each robot [E, A]."""

    @property
    def robot_at(self) -> NDArray[np.int16]:
        """Robot in each cell, or EMPTY [E, C]."""

    @property
    def actions(self) -> NDArray[np.int32]:
        """Actions of this step [E, A]."""

    @property
    def outcome(self) -> NDArray[np.uint8]:
        """Counter of each robot's last step [E, A]."""

    @property
    def tally(self) -> NDArray[np.int32]:
        """Robot-steps by kind [E, A, K]."""

    @property
    def level(self) -> NDArray[np.int32]:
        """Energy left [E, B]; B is A with batteries, else 0."""

    @property
    def sent(self) -> NDArray[np.uint8]:
        """1: sent to charge, until full [E, B]."""

    @property
    def charger(self) -> NDArray[np.uint32]:
        """Charging cell that it is sent to, 0: none (yet) [E, B]."""

    @property
    def laden(self) -> NDArray[np.uint8]:
        """1: carries something; the task writes it before `use_energy` [E, B]."""

    @property
    def window_far(self) -> NDArray[np.int32]:
        """Distance to the target when the last window of progress ended, or EMPTY [E, A]."""

    @property
    def spot(self) -> NDArray[np.uint32]:
        """Column of each robot in the tables of ways; the task writes it before dispatch.send [E, B]."""

    @property
    def booked(self) -> NDArray[np.uint8]:
        """1: a robot is sent to this charging cell [E, H]."""

    @property
    def energy(self) -> NDArray[np.int64]:
        """Counters of the episode, by USED and so on [E, G]."""


class Power(Protocol):
    """What they read of the Settings of either task."""

    @property
    def capacity(self) -> int:
        """Energy of a full battery; 0: no batteries."""

    @property
    def charge_rate(self) -> int:
        """Energy that a step on a charging cell gives."""

    @property
    def chargers(self) -> NDArray[np.uint32]:
        """Charging cells [H]."""

    @property
    def charger_at(self) -> NDArray[np.int32]:
        """Which charging cell a cell is, or EMPTY [C]; [0] without batteries."""

    @property
    def drain_of(self) -> NDArray[np.int32]:
        """What a step costs, by whether it was laden, and outcome [2, K]."""

    @property
    def reserve(self) -> int:
        """Energy that shall be left on reaching a charging cell."""

    @property
    def dearest(self) -> NDArray[np.int64]:
        """The most that one step of a way costs, by whether it is laden [2]."""

    @property
    def need(self) -> NDArray[np.int64]:
        """The most that the way to the nearest charging cell costs, by whether laden, and spot [2, P]; or NO_WAY."""


NO_BATTERIES: dict[str, Any] = {
    "capacity": 0,
    "charge_rate": 0,
    "chargers": np.zeros(0, np.uint32),
    "charger_at": np.zeros(0, np.int32),
    "drain_of": np.zeros((2, 0), np.int32),
    "reserve": 0,
    "dearest": np.zeros(2, np.int64),
    "need": np.zeros((2, 0), np.int64),
}
"""The fields of `Power` where robots need no energy."""


def battery_settings(
    params: Any, chargers: NDArray[np.uint32], cells: int, nearest: NDArray[np.uint16], dearest: tuple[int, int]
) -> dict[str, Any]:
    """Return the fields of `Power`.

    Args:
        params: of either task, with a battery.
        chargers: [H] charging cells.
        cells: how many the padded floor has.
        nearest: [2, P] length of the way to the nearest charging cell, without and with a load.
        dearest: the most that a step of this length costs, without and with a load.
    """
    index = np.full(cells, EMPTY, np.int32)
    index[chargers] = np.arange(len(chargers))
    drain: Drain = params.drain
    drain_of = np.full((2, NUM_COUNTERS), drain.wait, np.int32)
    drain_of[:, TURNED] = drain.turn
    drain_of[:, MOVED] = drain.move, drain.laden
    costs = np.array(dearest, np.int64)
    return {
        "capacity": params.battery,
        "charge_rate": params.charge_rate,
        "chargers": chargers,
        "charger_at": index,
        "drain_of": drain_of,
        "reserve": params.battery // 4 if params.reserve is None else params.reserve,
        "dearest": costs,
        "need": np.where(nearest == UNREACHABLE, NO_WAY, nearest * costs[:, None]),
    }


def charge_frame(settings: Power, state: Batteries, e: int) -> dict[str, NDArray[np.int32]]:
    """Return how full the batteries are [percent], rounded up, so that only the dead have 0; nothing without."""
    if not settings.capacity:
        return {}
    return {"charge": -(-100 * state.level[e].astype(np.int64) // settings.capacity).astype(np.int32)}


def allow_toggling(power: dict[str, Any], drain: Drain) -> None:
    """Enter what loading and unloading cost; the number of that outcome means something else in errands."""
    power["drain_of"][:, TOGGLED] = drain.toggle


@jit(inline=True)
def is_dead(state: Batteries, e: Int, a: Int) -> Bool:
    """Return whether robot `a`'s battery has run out."""
    return state.level.shape[1] > 0 and state.level[e, a] == 0


@jit(inline=True)
def is_sent(state: Batteries, e: Int, a: Int) -> Bool:
    """Return whether robot `a` is sent to charge."""
    return state.level.shape[1] > 0 and state.sent[e, a] != 0


@jit(inline=True)
def charge_of(state: Batteries, settings: Power, e: Int, a: Int) -> Real:
    """Return how full robot `a`'s battery is, from 0 to 1."""
    return np.float32(state.level[e, a] / settings.capacity)


@jit(inline=True)
def fill_batteries(state: Batteries, settings: Power, e: Int) -> None:
    """Start an episode: all batteries are full."""
    for a in range(state.level.shape[1]):
        state.level[e, a] = settings.capacity
        state.sent[e, a] = 0
        state.charger[e, a] = 0
    for h in range(state.booked.shape[1]):
        state.booked[e, h] = 0
    for k in range(state.energy.shape[1]):
        state.energy[e, k] = 0
    if state.energy.shape[1]:
        state.energy[e, LOWEST] = settings.capacity
        state.energy[e, FIRST_DEATH] = NEVER


@jit(inline=True)
def still_the_dead(state: Batteries, e: Int) -> None:
    """Replace the actions of dead robots by the no-op, which is counted as for any forbidden action."""
    for a in range(state.level.shape[1]):
        if state.level[e, a] == 0 and state.actions[e, a] != 0:
            state.actions[e, a] = 0
            state.tally[e, a, MASKED] += np.int32(1)


@jit(inline=True)
def mask_the_dead(state: Batteries, mask: Any, e: Int) -> None:
    """Forbid dead robots everything but the no-op."""
    for a in range(state.level.shape[1]):
        if state.level[e, a] == 0:
            for n in range(1, mask.shape[2]):
                mask[e, a, n] = np.int8(0)


@jit(inner=True)
def use_energy(state: Batteries, settings: Power, e: Int) -> None:
    """Let every robot pay for its step, then charge who stands on a charging cell, and count."""
    for a in range(state.level.shape[1]):
        level = np.int64(state.level[e, a])
        if level == 0:
            continue
        outcome = state.outcome[e, a]
        cost = min(np.int64(settings.drain_of[state.laden[e, a], outcome]), level)
        level -= cost
        state.energy[e, USED] += cost
        if settings.charger_at[state.pos[e, a]] != EMPTY:
            gain = min(np.int64(settings.charge_rate), settings.capacity - level)
            level += gain
            state.energy[e, CHARGED] += np.int64(gain > 0)
        away = state.sent[e, a] != 0 and state.charger[e, a] != state.pos[e, a]
        state.energy[e, QUEUED] += np.int64(away and outcome != MOVED and outcome != TURNED)
        state.energy[e, LOWEST] = min(state.energy[e, LOWEST], level)
        if level == 0 and state.energy[e, FIRST_DEATH] == NEVER:
            state.energy[e, FIRST_DEATH] = state.step[e]
        state.level[e, a] = np.int32(level)


@jit(inner=True)
def measure_batteries(state: Batteries, out: Out, e: Int, first: Int) -> None:
    """Write the metrics of batteries into out.metrics[e, first:]; NaN without batteries."""
    robots = state.level.shape[1]
    if robots == 0:
        for m in range(NUM_METRICS):
            out.metrics[e, first + m] = np.nan
        return
    dead = 0
    for a in range(robots):
        dead += state.level[e, a] == 0
    died = state.energy[e, FIRST_DEATH]
    out.metrics[e, first] = state.energy[e, USED]
    out.metrics[e, first + 1] = state.energy[e, CHARGED] / (np.float64(state.step[e]) * robots)
    out.metrics[e, first + 2] = dead
    out.metrics[e, first + 3] = np.float64(died) if died != NEVER else np.nan
    out.metrics[e, first + 4] = state.energy[e, QUEUED]
    out.metrics[e, first + 5] = state.energy[e, LOWEST]
