"""Webster's signal timing: from arrival flows to a cycle and its green times; and a controller that measures them.

Source: Webster, "Traffic signal settings", Road Research Technical Paper 39 (1958).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import check_float
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import COUNT
from marl_envs.traffic.signals.controllers import Choice, green_time, now, to_actions

Reals = NDArray[np.float64]

MOST_LOAD = 0.95  # sum of flow ratios above which the formula makes no sense


def cycle_time(ratios: Reals, lost: float) -> float:
    """Return the cycle with the least delay [s].

    Args:
        ratios: flow over saturation flow of each stage's busiest lane; their sum counts as 0.95 at most.
        lost: time of a cycle in which nothing goes [s].
    """
    return (1.5 * lost + 5.0) / (1.0 - min(float(np.sum(ratios)), MOST_LOAD))


def green_times(ratios: Reals, cycle: float, lost: float) -> Reals:
    """Return each stage's green time [s]: shares of what is left of the cycle, as the flow ratios are."""
    total = float(np.sum(ratios))
    shares = np.asarray(ratios, np.float64) / total if total > 0 else np.full(len(ratios), 1.0 / len(ratios))
    return shares * (cycle - lost)


def stages_of(counted: NDArray[np.uint8]) -> tuple[list[int], NDArray[np.bool_]]:
    """Return phases that together serve every lane, in order, and which lanes [stages, I] each is the first to serve.

    Args:
        counted: [P, I] which lanes a phase serves.
    """
    covered = np.zeros(counted.shape[1], np.bool_)
    stages, lanes = [], []
    for p, row in enumerate(counted.astype(bool)):
        if (row & ~covered).any():
            stages.append(p)
            lanes.append(row & ~covered)
            covered |= row
    return stages, np.array(lanes, np.bool_).reshape(len(stages), counted.shape[1])


class Webster:
    """Fixed times by Webster's formula, from the flows measured so far in the episode, anew every `period` seconds.

    Until the first measurement the greens are equal. Stages are the first phases that together serve every lane.
    """

    def __init__(
        self, period: float = 600.0, saturation: float = 1458.0, shortest: float = 30.0, longest: float = 150.0
    ) -> None:
        """Set the time between measurements [s], the saturation flow [veh/h] of a lane, and bounds of the cycle [s].

        Raises:
            ParameterError: a number is out of range.
        """
        self._period = check_float("period", period, 1.0, 1e6)
        self._saturation = check_float("saturation", saturation, 1.0, 1e5) / 3600.0
        self._shortest = check_float("shortest", shortest, 1.0, 1e4)
        self._longest = check_float("longest", longest, shortest, 1e4)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget all plans."""
        del seed
        self._greens: Reals = np.zeros((0, 0, 0))  # [E, A, P] of each phase; 0: it is no stage
        self._made: NDArray[np.int64] = np.zeros(0, np.int64)  # [E] number of the period that each plan is from

    def act(self, vec: VectorEnv, obs: Any) -> Choice:
        """Return actions [E, A]."""
        del obs
        rules, state = vec.simulation.settings, vec.arrays
        if self._greens.shape != (vec.num_envs, *rules.phase_of.shape):
            self._greens = np.zeros((vec.num_envs, *rules.phase_of.shape))
            self._made = np.full(vec.num_envs, -1)
        period = (state.step * rules.dt // self._period).astype(np.int64)
        for e in np.flatnonzero(period != self._made).tolist():
            for a in range(vec.num_agents):
                self._plan(vec, e, a, measured=period[e] > 0)
        self._made = period
        phase = now(vec)
        wanted = np.take_along_axis(self._greens, phase[..., None], -1)[..., 0]
        return to_actions(vec, np.where(green_time(vec) >= wanted, self._following(phase), phase))

    def _following(self, phase: Choice) -> Choice:
        """Return the next stage after each signal's phase [E, A]."""
        phases = self._greens.shape[2]
        after = phase.copy()
        for step in range(phases, 0, -1):  # the nearest one is written last
            p = (phase + step) % phases
            after = np.where(np.take_along_axis(self._greens, p[..., None], -1)[..., 0] > 0, p, after)
        return after

    def _plan(self, vec: VectorEnv, e: int, a: int, measured: bool) -> None:
        rules, state = vec.simulation.settings, vec.arrays
        lanes = rules.in_lane[a, : rules.num_in[a]]
        stages, served = stages_of(rules.counted[a, : rules.num_phases[a], : len(lanes)])
        ratios = np.zeros(len(stages))
        if measured:
            arrived = state.passed[e, lanes] + state.on[e, lanes, COUNT] + state.outside[e, lanes]
            flow = arrived / (float(state.step[e]) * rules.dt)
            ratios = np.array([flow[row].max() for row in served]) / self._saturation
        lost = len(stages) * (rules.yellow + rules.all_red) * rules.dt
        cycle = min(max(cycle_time(ratios, lost), self._shortest, lost + 5.0 * len(stages)), self._longest)
        self._greens[e, a] = 0.0
        self._greens[e, a, stages] = np.maximum(green_times(ratios, cycle, lost), rules.min_green * rules.dt)
        self._greens[e, a, stages] = np.maximum(self._greens[e, a, stages], rules.dt)
