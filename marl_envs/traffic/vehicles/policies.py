"""Reference controllers as policies: they read the state and return actions for all agents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.pack import table_of
from marl_envs.core.params import check_float, check_int
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.vehicles.control.desk import Desk, Rule
from marl_envs.traffic.vehicles.control.ledger import ACTUATED, FIXED, RANKS, STOP, TILES
from marl_envs.traffic.vehicles.driver import engine_pulls, yielding_pulls
from marl_envs.traffic.vehicles.types import DRIVING, NONE, EngineSettings, EngineState

LEAD = 2.0  # from the detectors of a light to the line, at the limit [s]


class RandomDriver:
    """Any allowed action, or any acceleration, all alike."""

    def __init__(self, seed: int = 0) -> None:
        """Start from a seed."""
        self.reset(check_int("seed", seed, 0, 2**63 - 1))

    def reset(self, seed: int) -> None:
        """Start the random numbers over."""
        self._rng = np.random.default_rng(seed)

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[Any]:
        """Return actions [E, A]."""
        del obs
        shape = (vec.num_envs, vec.num_agents)
        if vec.simulation.continuous:
            space = vec.action_space
            return self._rng.uniform(space.low[0], space.high[0], shape)
        mask = vec.action_mask
        scores = self._rng.random((*shape, int(vec.action_space.n)))
        chosen: NDArray[np.int64] = (scores if mask is None else np.where(mask, scores, -1.0)).argmax(axis=2)
        return chosen


class EngineDriver:
    """What the engine's own driver would do: the intelligent driver model, and gaps accepted by right of way.

    It asks the engine for the acceleration that its rules want now. A discrete action is the fastest that is no faster,
    and what it falls short of while accelerating is added next time; and it reacts at decisions only.
    """

    def __init__(self) -> None:
        """Begin without a memory of who may go."""
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget who was allowed to enter a junction."""
        del seed
        self._grant = self._trip = np.zeros((0, 0), np.int32)
        self._owed = np.zeros((0, 0))  # acceleration that was asked for and not given [m/s2]

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[Any]:
        """Return actions [E, A]."""
        del obs
        if self._grant.shape != (vec.num_envs, vec.num_agents):
            self._grant, self._trip = (np.full((vec.num_envs, vec.num_agents), NONE, np.int32) for _ in range(2))
            self._owed = np.zeros(self._grant.shape)
        state, settings = vec.arrays, vec.simulation.settings
        copied = EngineState(*(getattr(state, name).copy() for name in EngineState._fields))
        engine = EngineSettings(*(getattr(settings, name) for name in EngineSettings._fields))
        slot = np.where(state.status == DRIVING, state.slot, NONE).astype(np.int32)
        pulls = np.zeros(slot.shape)
        engine_pulls(table_of(copied, engine), slot, self._grant, self._trip, pulls, 0, vec.num_envs)
        rules = vec.simulation.settings
        if rules.crosswalks:
            yielding_pulls(table_of(state, settings), slot, pulls, 0, vec.num_envs)
        if rules.continuous:
            return np.clip(pulls, vec.action_space.low[0], vec.action_space.high[0])
        wanted = np.where(pulls > 0.0, pulls + self._owed, pulls)
        levels = np.where(rules.levels <= wanted[..., None] + 1e-9, rules.levels, -np.inf)
        chosen = np.where(np.isinf(levels).all(axis=2), int(rules.levels.argmin()), levels.argmax(axis=2))
        self._owed = np.where(pulls > 0.0, np.clip(wanted - rules.levels[chosen], 0.0, rules.levels.max()), 0.0)
        if vec.action_mask is not None:
            allowed = np.take_along_axis(vec.action_mask, chosen[..., None], axis=2)[..., 0]
            slowest = np.where(vec.action_mask, rules.levels, np.inf).argmin(axis=2)
            chosen = np.where(allowed, chosen, slowest)
        return np.asarray(chosen, np.int64)


class Controller:
    """Who may enter a junction, "cross" or "tee", for all its vehicles; they drive as the engine would.

    Who may not enter stops before its line. Actions are chosen so that every vehicle can still stop for whatever is
    ahead until the next decision. Vehicles for which no agent was free (metric `no_agent`) are let go first.
    """

    def __init__(self, rule: Rule) -> None:
        """Take a rule."""
        self._rule = rule
        self._desk: Desk | None = None

    def reset(self, seed: int) -> None:
        """Forget who was allowed to enter; `seed` has no meaning here."""
        del seed
        self._desk = None

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[Any]:
        """Return actions [E, A].

        Raises:
            ParameterError: the environment is one that the controller cannot work in.
        """
        del obs
        if self._desk is None or self._desk.arrays is not vec.arrays:
            self._desk = Desk(vec, self._rule)
        return self._desk.advise()


class AllWayStop(Controller):
    """Every vehicle stops at its line; who stood there first goes first, and with it all whose ways do not cross."""

    def __init__(self) -> None:
        """Make the controller."""
        super().__init__(Rule("AllWayStop", STOP))


class TwoWayPriority(Controller):
    """The road from west to east goes first; the other gives way, and accepts gaps.

    Ranks as at two-way stops in the Highway Capacity Manual: straight and right turns of the major road; its left turns
    and right turns of the minor road; straight on the minor road; left turns of the minor road.
    """

    def __init__(self, gap: float = 1.0) -> None:
        """Make the controller.

        Args:
            gap: least time between leaving the place where two ways cross and the arrival of who goes first [s].

        Raises:
            ParameterError: the gap is out of range.
        """
        super().__init__(Rule("TwoWayPriority", RANKS, gap=check_float("gap", gap, 0.0, 60.0)))


class Reservation(Controller):
    """First-come first-served reservation of tiles: AIM (Dresner and Stone, JAIR 31, 2008)."""

    def __init__(self, tile: float = 1.0, room: float = 0.25, spare: float = 0.25) -> None:
        """Make the controller.

        Args:
            tile: size of the square tiles [m].
            room: that is kept free around a vehicle [m].
            spare: how long tiles are kept free before and after, rounded up to steps [s].

        Raises:
            ParameterError: a number is out of range.
        """
        check_float("tile", tile, 0.25, 10.0)
        check_float("room", room, 0.0, 5.0)
        check_float("spare", spare, 0.0, 2.0)
        super().__init__(Rule("Reservation", TILES, tile=tile, room=room, spare=spare))


class FixedSignal(Controller):
    """A light of fixed times; or the junction's own with `signals=True`.

    Its phases: the straight ways of two opposite arms and then their left turns where these have lanes; else all of two
    opposite arms, where left turns give way and the first of each lane goes when the green ends.
    """

    def __init__(self, green: float = 30.0, yellow: float = 3.0, red: float = 2.0) -> None:
        """Make the controller.

        Args:
            green: of each phase [s].
            yellow: after it [s].
            red: in all directions after that [s].

        Raises:
            ParameterError: a time is out of range.
        """
        check_float("green", green, 1.0, 600.0)
        check_float("yellow", yellow, 0.0, 60.0)
        check_float("red", red, 0.0, 60.0)
        super().__init__(Rule("FixedSignal", RANKS, FIXED, green_time=green, yellow=yellow, red=red))


class ActuatedSignal(Controller):
    """A light with the phases of `FixedSignal` whose green ends when nobody comes any more.

    Green stays while no other phase is called. Vehicles are detected from 2 s before their line on, at the limit.
    """

    def __init__(
        self,
        least_green: float = 5.0,
        most_green: float = 50.0,
        max_gap: float = 3.0,
        yellow: float = 3.0,
        red: float = 2.0,
    ) -> None:
        """Make the controller; the defaults of green and gap are those of SUMO's actuated lights.

        Args:
            least_green: of each phase [s].
            most_green: of each phase, if another is called [s].
            max_gap: between two vehicles, after which green ends; counted where they are detected first [s].
            yellow: after it [s].
            red: in all directions after that [s].

        Raises:
            ParameterError: a time is out of range.
        """
        check_float("least_green", least_green, 1.0, 600.0)
        check_float("most_green", most_green, least_green, 600.0)
        check_float("max_gap", max_gap, 0.0, 600.0)
        check_float("yellow", yellow, 0.0, 60.0)
        check_float("red", red, 0.0, 60.0)
        rule = Rule("ActuatedSignal", RANKS, ACTUATED, green_time=most_green, least_green=least_green)
        super().__init__(replace(rule, extension=max(0.0, max_gap - LEAD), yellow=yellow, red=red, lead=LEAD))
