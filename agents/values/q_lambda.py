"""Watkins's Q(lambda): Q-learning whose surprises also reach the steps before, back to the last one that explored.

d = r + gamma * max Q(s', .) - Q(s, b); the trace of (s, b) grows by 1, or becomes 1; every value moves by alpha * d *
its trace; traces shrink by gamma * lambda, and are dropped if the next action is not a best one. With lambda 0 that is
Q-learning, bit for bit. Watkins 1989; Sutton and Barto 1998, 7.6; replacing traces: Singh and Sutton 1996.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.kernels import OK, table_of
from agents.values.kernels import Step, first_bad, greedy_target, is_best
from agents.values.traces import KINDS, TraceLearner, Traces, credit, fade, make_traces, mark
from marl_envs.core.jit import jit


class Memory(NamedTuple):
    """Traces, and what was allowed where the agents now are."""

    traces: Traces
    allowed: Annotated[NDArray[np.int8], "E A N"]


class WatkinsQLambda(TraceLearner):
    """Q-learning with eligibility traces. Steps must come one after the other."""

    usual = ("accumulating", 256)

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
            target = greedy_target(q, t, step, e, a, gamma)
            mark(memory.traces, e, a, s, b, kind)
            credit(q, t, memory.traces, e, a, alpha * (target - np.float64(q[t, s, b])))
            fade(memory.traces, e, a, 0.0 if step.ended[e] or step.terminated[e, a] else decay)
            memory.allowed[e, a] = step.mask[e, a]
    return OK
