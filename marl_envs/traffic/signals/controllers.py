"""Reference controllers as policies: they read the state and return actions.

Each chooses a phase for each signal where the mask lets it; `to_actions` says it in the actions of the environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, jit
from marl_envs.core.pack import table_of, unpack
from marl_envs.core.params import ParameterError, check_float, check_int
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import COUNT, END_LANE, START_LANE
from marl_envs.traffic.signals.batch import CONTROL_AT, RULES_AT, SETTINGS_AT
from marl_envs.traffic.signals.types import GREEN, Control, EngineSettings, EngineState, Rules

Choice = NDArray[np.int64]  # [E, A]
# What `scores` can sum for each phase
PRESSURE, STANDING, NEAR, NEAR_STANDING, VEHICLES = range(5)


@jit
def _score(table: Any, what: Int, scores: Any) -> None:
    """Write scores[E, A, P]."""
    state, control = unpack(table, EngineState, 0), unpack(table, Control, CONTROL_AT)
    settings, rules = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Rules, RULES_AT)
    for e in range(scores.shape[0]):
        for a in range(scores.shape[1]):
            for p in range(rules.num_phases[a]):
                if what == PRESSURE:
                    scores[e, a, p] = _pressure(state, settings, rules, e, a, p)
                else:
                    scores[e, a, p] = _served(state, control, rules, e, a, p, what)


@jit(inner=True)
def _pressure(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, a: Int, p: Int) -> Int:
    """Return the vehicles before minus those behind, over all lane links that the phase opens."""
    junction = rules.junction[a]
    first, last = settings.link_first[junction], settings.link_first[junction + 1]
    green = settings.green_first[settings.phase_first[junction] + rules.phase_of[a, p]] - first
    total = np.int64(0)
    for d in range(first, last):
        if settings.green[green + d]:
            before, behind = settings.drivable[d, START_LANE], settings.drivable[d, END_LANE]
            total += state.on[e, before, COUNT] - state.on[e, behind, COUNT]
    return total


@jit(inner=True)
def _served(state: EngineState, control: Control, rules: Rules, e: Int, a: Int, p: Int, what: Int) -> Int:
    """Return the vehicles of a kind on lanes that the phase serves, without lanes that every phase serves."""
    total = np.int64(0)
    for i in range(rules.num_in[a]):
        if rules.counted[a, p, i]:
            lane = rules.in_lane[a, i]
            if what == STANDING:
                total += control.standing[e, lane]
            elif what == NEAR:
                total += control.near[e, lane]
            elif what == NEAR_STANDING:
                total += control.near_standing[e, lane]
            else:
                total += state.on[e, lane, COUNT]
    return total


def scores(vec: VectorEnv, what: int) -> NDArray[np.int64]:
    """Return for each phase [E, A, P] its pressure, or a number of vehicles; very low beyond a signal's phases.

    Args:
        vec: an environment of this family.
        what: PRESSURE (sum over the lane links that the phase opens of vehicles on the lane before minus vehicles on
            the lane behind); or, over the lanes that the phase serves without those that every phase serves, vehicles
            that stand (STANDING), are within the detectors' range (NEAR), both (NEAR_STANDING), or all (VEHICLES).
    """
    rules = vec.simulation.settings
    found = np.full((vec.num_envs, *rules.phase_of.shape), np.iinfo(np.int64).min // 2)
    _score(table_of(vec.arrays, rules), what, found)
    return found


def now(vec: VectorEnv) -> Choice:
    """Return the phase [E, A] that each signal shows or is changing to."""
    chosen: Choice = vec.arrays.pending.astype(np.int64)
    return chosen


def green_time(vec: VectorEnv) -> NDArray[np.float64]:
    """Return how long each signal [E, A] has been green [s]; 0 while it changes."""
    state = vec.arrays
    time: NDArray[np.float64] = np.where(state.stage == GREEN, state.green, 0) * float(vec.simulation.settings.dt)
    return time


def following(vec: VectorEnv) -> Choice:
    """Return the phase after the present one [E, A]."""
    after: Choice = (now(vec) + 1) % vec.simulation.settings.num_phases
    return after


def to_actions(vec: VectorEnv, phase: Choice, allowed: Sequence[str] = ("phase",)) -> Choice:
    """Return the actions that ask for these phases [E, A]; where the mask forbids that, those that it allows.

    A signal that must not keep its phase any longer goes on to the next one.

    Raises:
        ParameterError: the environment's actions are none of `allowed`.
    """
    kind = vec.params.actions
    if kind not in allowed:
        raise ParameterError(f"this controller needs actions={' or '.join(map(repr, allowed))}, not {kind!r}")
    phase = np.where(_must_go_on(vec) & (phase == now(vec)), following(vec), phase)
    actions = phase if kind == "phase" else (phase != now(vec)).astype(np.int64)
    return np.where(_locked(vec), _only(vec), actions)


def _must_go_on(vec: VectorEnv) -> NDArray[np.bool_]:
    """Return where the mask forbids to keep the phase, unless the signal is locked."""
    rules = vec.simulation.settings
    forced: NDArray[np.bool_] = (rules.max_green > 0) & (vec.arrays.green + rules.interval > rules.max_green)
    return forced


def _locked(vec: VectorEnv) -> NDArray[np.bool_]:
    state, rules = vec.arrays, vec.simulation.settings
    locked: NDArray[np.bool_] = (state.stage != GREEN) | (state.green < rules.min_green)
    return locked


def _only(vec: VectorEnv) -> Choice:
    return now(vec) if vec.params.actions == "phase" else np.zeros((vec.num_envs, vec.num_agents), np.int64)


class RandomSignals:
    """Every action that the mask allows with equal probability."""

    def __init__(self, seed: int = 0) -> None:
        """Draw from `seed`."""
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Start over with random numbers from `seed`."""
        self._generator = np.random.default_rng(seed)

    def act(self, vec: VectorEnv, obs: Any) -> Choice:
        """Return actions [E, A]."""
        del obs
        shape = (vec.num_envs, vec.num_agents, int(vec.action_space.n))
        weight = self._generator.random(shape)
        if vec.action_mask is not None:
            weight = np.where(vec.action_mask > 0, weight, -1.0)
        chosen: Choice = weight.argmax(axis=-1)
        return chosen


class _Stateless:
    """A controller that remembers nothing."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""


class FixedTime(_Stateless):
    """Phases in turn, each green for the same time, or for that of the network's own program."""

    def __init__(self, green: float | None = 25.0) -> None:
        """Keep each phase for `green` seconds (rounded up to decisions); None: as long as the network says."""
        self._green = None if green is None else check_float("green", green, 0.0, 1e5)

    def act(self, vec: VectorEnv, obs: Any) -> Choice:
        """Return actions [E, A]."""
        del obs
        rules = vec.simulation.settings
        wanted: Any = self._green
        if wanted is None:
            first = rules.phase_first[rules.junction][:, None]
            wanted = np.take_along_axis(rules.phase_time[first + np.maximum(rules.phase_of, 0)], now(vec).T, 1).T
        phase = np.where(green_time(vec) >= wanted, following(vec), now(vec))
        return to_actions(vec, phase, ("phase", "next"))


class _Greedy(_Stateless):
    """The phase with the highest score, the first one of equal ones."""

    what = PRESSURE

    def act(self, vec: VectorEnv, obs: Any) -> Choice:
        """Return actions [E, A]."""
        del obs
        return to_actions(vec, scores(vec, self.what).argmax(axis=-1))


class MaxPressure(_Greedy):
    """The phase with the most pressure: vehicles before minus vehicles behind, over its lane links (Varaiya 2013)."""


class LongestQueue(_Greedy):
    """The phase with the most vehicles standing on its lanes."""

    what = STANDING


class Threshold(_Stateless):
    """A rule with hysteresis: change to the fullest other phase if it is much fuller, or if the present one is empty.

    S is the number of vehicles near on a phase's lanes. Change if the fullest other one has more than `ratio` times as
    many, or if the present one has at most `empty` and the other more than it.
    """

    def __init__(self, ratio: float = 3.0, empty: int = 2) -> None:
        """Set the thresholds."""
        self._ratio = check_float("ratio", ratio, 1.0, 1e6)
        self._empty = check_int("empty", empty, 0)

    def act(self, vec: VectorEnv, obs: Any) -> Choice:
        """Return actions [E, A]."""
        del obs
        near, present = scores(vec, NEAR), now(vec)
        here = np.take_along_axis(near, present[..., None], -1)[..., 0]
        other = vec.arrays.fullest.astype(np.int64)
        there = np.take_along_axis(near, other[..., None], -1)[..., 0]
        return to_actions(vec, np.where(self.changes(here, there), other, present), ("phase", "fullest"))

    def changes(self, here: NDArray[Any], there: NDArray[Any]) -> NDArray[np.bool_]:
        """Return whether the rule changes, from S of the present phase and of the fullest other one, of any shape."""
        return (there > self._ratio * here) | ((here <= self._empty) & (there > here))


class SOTL(_Stateless):
    """Self-organising lights: the next phase, once few wait at green and many at red.

    Source: Gershenson, "Self-organizing traffic lights" (2005), in the form of LibSignal, of which the published
    figures are.
    """

    def __init__(self, most_at_green: int = 3, least_at_red: int = 6) -> None:
        """Change if at most `most_at_green` vehicles stand before green and more than `least_at_red` before red.

        Also if nobody stands before green and anybody before red.
        """
        self._most_at_green = check_int("most_at_green", most_at_green, 0)
        self._least_at_red = check_int("least_at_red", least_at_red, 0)

    def act(self, vec: VectorEnv, obs: Any) -> Choice:
        """Return actions [E, A]."""
        del obs
        rules, present = vec.simulation.settings, now(vec)
        at_green = np.take_along_axis(scores(vec, STANDING), present[..., None], -1)[..., 0]
        lanes = np.where(rules.in_lane >= 0, vec.arrays.standing[:, np.maximum(rules.in_lane, 0)], 0)
        counted = (rules.in_lane >= 0) & rules.counted.any(axis=1)
        at_red = (lanes * counted).sum(axis=-1) - at_green
        change = (at_green <= self._most_at_green) & (at_red > self._least_at_red)
        change |= (at_green == 0) & (at_red > 0)
        return to_actions(vec, np.where(change, following(vec), present), ("phase", "next"))


class Actuated(_Stateless):
    """Gap-out: a phase stays as long as vehicles come to it, at most `longest`; then the next one that is wanted.

    Detectors see `detector_range` metres before the stop line: choose it as the gap [s] times the speed, and a short
    decision_interval.
    """

    def __init__(self, longest: float = 50.0) -> None:
        """Keep a phase for at most `longest` seconds while somebody waits elsewhere."""
        self._longest = check_float("longest", longest, 0.0, 1e5)

    def act(self, vec: VectorEnv, obs: Any) -> Choice:
        """Return actions [E, A]."""
        del obs
        near, present = scores(vec, NEAR), now(vec)
        after, phases = present.copy(), vec.simulation.settings.num_phases
        for step in range(near.shape[2] - 1, 0, -1):  # the nearest phase that is wanted is written last
            other = (present + step) % phases
            wanted = (np.take_along_axis(near, other[..., None], -1)[..., 0] > 0) & (step < phases)
            after = np.where(wanted, other, after)
        coming = np.take_along_axis(near, present[..., None], -1)[..., 0] > 0
        stay = coming & (green_time(vec) < self._longest)
        return to_actions(vec, np.where(stay, present, after))
