"""SARSA(lambda) on tables and on sums of tables (tile coding), with eligibility traces.

d = r + gamma * Q(s', b') - Q(s, b) for the action b' really taken next, so a step later; at a time limit the mean over
the behaviour stands in for b'. The traces of the K active weights of (s, b) grow by 1, or become 1; every weight moves
by alpha / K * d * its trace; traces shrink by gamma * lambda. With lambda 0 that is semi-gradient SARSA.
Sutton and Barto 2018, 10.1 and 12.7; replacing traces: Singh and Sutton 1996.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.linear.kernels import add_up, first_bad_sample
from agents.linear.tiles import Tiles
from agents.tabular.kernels import OK, table_of
from agents.values.kernels import Step, policy_value
from agents.values.sarsa import NOTHING
from agents.values.traces import KINDS, TraceLearner, Traces, credit, fade, make_traces, mark
from marl_envs.core.jit import jit


class Memory(NamedTuple):
    """Traces, and the steps whose next action is not known yet."""

    traces: Traces
    pending_obs: Annotated[NDArray[np.int32], "E A K"]  # NOTHING first: none
    pending_action: Annotated[NDArray[np.int64], "E A"]
    pending_reward: Annotated[NDArray[np.float32], "E A"]


class SarsaLambda(TraceLearner):
    """SARSA(lambda) on a table. Steps must come one after the other."""

    needs_policy = True

    def _make_memory(self) -> Memory:
        self._sizes = np.array(self.layout, np.int64)
        self._first = np.cumsum(self._sizes) - self._sizes
        batch, tables = (self.num_envs, self.num_agents), len(self._sizes)
        longest = min(max(self.longest_trace, tables), self.q.shape[1] * self.q.shape[2])
        waiting = np.full((*batch, tables), NOTHING, np.int32), np.zeros(batch, np.int64), np.zeros(batch, np.float32)
        return Memory(make_traces(*batch, longest), *waiting)

    def _improve(self, alpha: float, step: Step) -> int:
        rows = (*step.actions.shape, len(self._sizes))  # a table is a sum of one
        step = step._replace(obs=step.obs.reshape(rows), after=step.after.reshape(rows))
        rates = alpha, self.gamma, self.gamma * self.lam
        values, kind = np.zeros((1, 1, self.num_actions), np.float32), KINDS.index(self.traces)
        tables = self._first, self._sizes, values
        bad: int = update_sarsa_lambda(self.q, *tables, self.memory, step, *rates, kind, *self.behaviour)
        return bad


class LinearSarsaLambda(SarsaLambda):
    """SARSA(lambda) on sums of tables; needs MultiDiscrete observations, such as those of `TileCoder`."""

    reads = Tiles


@jit(inner=True)
def sum_of(q: Any, t: int, first: Any, obs: Any, e: int, a: int, b: int) -> Any:
    """Return Q(s, b), float64."""
    total = 0.0
    for k in range(len(first)):
        total += np.float64(q[t, first[k] + obs[e, a, k], b])
    return total


@jit(inner=True)
def move(
    q: Any, t: int, first: Any, memory: Memory, obs: Any, e: int, a: int, b: int, target: float, alpha: float, kind: int
) -> None:
    """Mark the active weights of (s, b) and move all traced ones."""
    change = alpha / len(first) * (target - sum_of(q, t, first, obs, e, a, b))
    for k in range(len(first)):
        mark(memory.traces, e, a, first[k] + obs[e, a, k], b, kind)
    credit(q, t, memory.traces, e, a, change)


@jit
def update_sarsa_lambda(
    q: Any,
    first: Any,
    sizes: Any,
    values: Any,
    memory: Memory,
    step: Step,
    alpha: float,
    gamma: float,
    decay: float,
    kind: int,
    behaviour: int,
    strength: float,
) -> Any:
    """Learn the step before this one and, if the episode ended, this one; return OK or the first bad sample.

    obs and after are [E, A, K]; the tables and `values` are as in agents.linear.kernels.
    """
    after, mask, wait = step.after, step.mask, memory.pending_obs
    bad = first_bad_sample(sizes, step.obs, step.actions, step.reward, after, mask, after, mask, step.ended)
    if bad != OK:
        return bad
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, b = table_of(q, step.obs, e, a), step.actions[e, a]
            if wait[e, a, 0] != NOTHING:
                target = np.float64(memory.pending_reward[e, a]) + gamma * sum_of(q, t, first, step.obs, e, a, b)
                move(q, t, first, memory, wait, e, a, memory.pending_action[e, a], target, alpha, kind)
                fade(memory.traces, e, a, decay)
                wait[e, a, 0] = NOTHING
            if step.ended[e] or step.terminated[e, a]:
                target = np.float64(step.reward[e, a])
                if not step.terminated[e, a]:
                    add_up(q, t, first, after, e, a, values)
                    target += gamma * policy_value(values, 0, 0, mask, e, a, behaviour, strength)
                move(q, t, first, memory, step.obs, e, a, b, target, alpha, kind)
                fade(memory.traces, e, a, 0.0)
            else:
                wait[e, a] = step.obs[e, a]
                memory.pending_action[e, a] = b
                memory.pending_reward[e, a] = step.reward[e, a]
    return OK
