"""Watkins's Q(lambda): Q-learning whose surprises also reach the steps before, back to the last one that explored.

d = r + gamma * max Q(s', .) - Q(s, b); the trace of (s, b) grows by 1, or becomes 1; every value moves by alpha * d *
its trace; traces shrink by gamma * lambda, and are dropped if the next action is not a best one. With lambda 0 that is
Q-learning, bit for bit. Watkins 1989; Sutton and Barto 1998, 7.6; replacing traces: Singh and Sutton 1996.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.kernels import OK, best_value, table_of
from agents.values.base import ValueLearner
from agents.values.kernels import Step, first_bad, is_best
from agents.values.traces import KINDS, Traces, credit, fade, make_traces, mark
from marl_envs.core.jit import jit
from marl_envs.core.params import check_choice, check_float, check_int


class Memory(NamedTuple):
    """Traces, and what was allowed where the agents now are."""

    traces: Traces
    allowed: Annotated[NDArray[np.int8], "E A N"]


class WatkinsQLambda(ValueLearner):
    """Q-learning with eligibility traces. Steps must come one after the other."""

    def __init__(
        self, vec: Any, *, lam: float = 0.9, traces: str = "accumulating", longest_trace: int = 256, **settings: Any
    ) -> None:
        """Make a learner for `vec`; the other settings are those of Q-learning.

        Args:
            vec: VectorEnv with Discrete observations.
            lam: lambda in [0, 1], how much of a trace is left after a step, beside gamma.
            traces: "accumulating" or "replacing".
            longest_trace: places that are remembered at most; the faintest is forgotten.
            settings: of `TabularQLearning`.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        self.lam = check_float("lam", lam, 0.0, 1.0)
        check_choice("traces", traces, KINDS)
        self.traces, self.longest_trace = traces, check_int("longest_trace", longest_trace, 1)
        super().__init__(vec, **settings)

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        own = {"lam": self.lam, "traces": self.traces, "longest_trace": self.longest_trace}
        return {**super().settings(), **own}

    def _make_memory(self) -> Memory:
        longest = min(self.longest_trace, self.q.shape[1] * self.q.shape[2])
        shape = (self.num_envs, self.num_agents, self.num_actions)
        return Memory(make_traces(*shape[:2], longest), np.ones(shape, np.int8))

    def _improve(self, alpha: float, step: Step) -> int:
        kind = KINDS.index(self.traces)
        bad: int = update_q_lambda(self.q, self.memory, step, alpha, self.gamma, self.gamma * self.lam, kind)
        return bad


@jit
def update_q_lambda(q: Any, memory: Memory, step: Step, alpha: float, gamma: float, decay: float, kind: int) -> Any:
    """Learn from a step; return OK or the first bad sample."""
    bad = first_bad(q, step)
    if bad != OK:
        return bad
    # Whether an action was a best one is judged by the values it was chosen by, before anyone of the batch learns
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            t, s = table_of(q, step.obs, e, a), step.obs[e, a]
            if step.alive[e, a] and not is_best(q, t, s, step.actions[e, a], memory.allowed, e, a):
                fade(memory.traces, e, a, 0.0)
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b = table_of(q, step.obs, e, a), step.obs[e, a], step.actions[e, a]
            target = np.float64(step.reward[e, a])
            if not step.terminated[e, a]:
                target += gamma * np.float64(best_value(q, t, step.after[e, a], step.mask, e, a))
            mark(memory.traces, e, a, s, b, kind)
            credit(q, t, memory.traces, e, a, alpha * (target - np.float64(q[t, s, b])))
            fade(memory.traces, e, a, 0.0 if step.ended[e] or step.terminated[e, a] else decay)
            memory.allowed[e, a] = step.mask[e, a]
    return OK
