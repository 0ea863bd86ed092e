"""Dyna: every real step is also remembered, and `planning` steps out of memory are learned after it.

Dyna-Q draws from the state-action pairs that were tried, all alike, and learns from what followed them last. Dyna-Q+
adds kappa * sqrt(steps since the action was last tried) to remembered rewards, so that it looks again where the world
may have changed; and it also draws actions never tried in states it knows, which it takes to change nothing.
Sutton 1990; Sutton and Barto 2018, 8.2 and 8.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.models.model import GOES_ON, TERMINATES, Model, drawn_place, enter, expect_nothing, make_model, model_target
from agents.tabular.kernels import OK, table_of
from agents.values.base import ValueLearner
from agents.values.kernels import Step, first_bad, greedy_target, learn
from marl_envs.core.jit import jit
from marl_envs.core.params import check_float, check_int


class DynaQ(ValueLearner):
    """Q-learning that also learns from a model of a deterministic world. With `planning=0` it is Q-learning."""

    kappa, curious = 0.0, False

    def __init__(self, vec: Any, *, planning: int = 5, **settings: Any) -> None:
        """Make a learner for `vec` that learns `planning` remembered steps after each real one.

        The other settings are those of Q-learning.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        self.planning = check_int("planning", planning, 0, 1_000_000)
        super().__init__(vec, **settings)

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {**super().settings(), "planning": self.planning}

    def _make_insight(self) -> Model:
        return make_model(self.q.shape)

    def _improve(self, alpha: float, step: Step) -> int:
        settings = alpha, self.gamma, self.planning, self.curious, self.kappa
        bad: int = update_dyna(self.q, self.insight, step, self.rng, *settings)
        return bad


class DynaQPlus(DynaQ):
    """Dyna-Q with a bonus for what was not tried for long; for worlds that change."""

    curious = True

    def __init__(self, vec: Any, *, kappa: float = 1e-3, **settings: Any) -> None:
        """Make a learner for `vec`; `kappa` >= 0 weighs the bonus, the other settings are those of `DynaQ`.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        self.kappa = check_float("kappa", kappa, 0.0, 1e6)
        super().__init__(vec, **settings)

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {**super().settings(), "kappa": self.kappa}

    def act(
        self, obs: NDArray[np.int32], mask: NDArray[np.int8] | None = None, explore: bool = True
    ) -> NDArray[np.int64]:
        """Return actions as every learner; exploring, also note what is allowed where an episode starts.

        `update` sees only the masks of what steps lead to, and nothing forbidden may be imagined.
        """
        actions = super().act(obs, mask, explore)
        if explore:
            note_masks(self.insight.model_mask, obs, self._all_allowed if mask is None else mask)
        return actions


@jit
def note_masks(model_mask: Any, obs: Any, mask: Any) -> None:
    """Remember what is allowed where agents are."""
    for e in range(obs.shape[0]):
        for a in range(obs.shape[1]):
            t, s = table_of(model_mask, obs, e, a), obs[e, a]
            for b in range(mask.shape[2]):
                model_mask[t, s, b] = mask[e, a, b]


@jit
def update_dyna(
    q: Any,
    model: Model,
    step: Step,
    rng: Any,
    alpha: float,
    gamma: float,
    planning: int,
    curious: bool,
    kappa: float,
) -> Any:
    """Learn from a step, remember it, and learn `planning` remembered ones; return OK or the first bad sample."""
    bad = first_bad(q, step)
    if bad != OK:
        return bad
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b, after = table_of(q, step.obs, e, a), step.obs[e, a], step.actions[e, a], step.after[e, a]
            learn(q, t, s, b, greedy_target(q, t, step, e, a, gamma), alpha)
            enter(model, t, s, b, step.reward[e, a], after, TERMINATES if step.terminated[e, a] else GOES_ON)
            model.model_mask[t, after] = step.mask[e, a]
            model.clock[t] += 1
            model.tried_at[t, s, b] = model.clock[t]
            if curious:
                expect_nothing(model, t, s)
            plan(q, model, t, rng, e, alpha, gamma, planning, kappa)
    return OK


@jit(inner=True)
def plan(
    q: Any, model: Model, t: int, rng: Any, e: int, alpha: float, gamma: float, planning: int, kappa: float
) -> None:
    """Learn `planning` steps drawn from the model, with kappa * sqrt(steps since they were tried) added to rewards."""
    for _ in range(planning):
        place = drawn_place(model, t, rng, e)
        s, b = place // q.shape[2], place % q.shape[2]
        bonus = kappa * np.sqrt(np.float64(model.clock[t] - model.tried_at[t, s, b]))
        learn(q, t, s, b, model_target(q, model, t, s, b, gamma) + bonus, alpha)
