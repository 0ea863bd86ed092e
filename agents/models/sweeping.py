"""Prioritised sweeping: remembered steps are learned in order of how much they would change a value.

After a real step its pair enters a queue if |d| is above theta. Then `planning` times the most urgent pair is taken and
learned, and pairs that lead to its state enter the queue in turn: news travel backwards from where they happened.
Moore and Atkeson 1993; Peng and Williams 1993; Sutton and Barto 2018, 8.4 (deterministic worlds).
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.checkpoint import Arrays
from agents.models.model import GOES_ON, TERMINATES, UNKNOWN, Model, enter, make_model, model_target
from agents.models.queue import NOWHERE, Queue, make_queue, pop, push
from agents.tabular.kernels import OK, table_of
from agents.values.base import ValueLearner
from agents.values.kernels import Step, first_bad, learn
from marl_envs.core.jit import jit
from marl_envs.core.params import check_float, check_int


class Before(NamedTuple):
    """For each state the list of places that lead to it, linked both ways."""

    head: Annotated[NDArray[np.int64], "T S"]
    behind: Annotated[NDArray[np.int64], "T P"]
    ahead: Annotated[NDArray[np.int64], "T P"]


class Insight(NamedTuple):
    """What the learner knows of the world, and what it has still to think through."""

    model: Model
    queue: Queue
    before: Before


class PrioritizedSweeping(ValueLearner):
    """Learns from a model of a deterministic world, the most surprising remembered steps first.

    Attributes:
        updates: int64 [T], how many values were changed so far, of each table.
    """

    def __init__(self, vec: Any, *, planning: int = 5, theta: float = 1e-4, **settings: Any) -> None:
        """Make a learner for `vec`; the other settings are those of Q-learning.

        Args:
            vec: VectorEnv with Discrete observations.
            planning: remembered steps that are learned after each real one, at most.
            theta: changes up to this size are not worth an entry in the queue.
            settings: of `TabularQLearning`.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        self.planning = check_int("planning", planning, 1, 1_000_000)
        self.theta = check_float("theta", theta, 0.0, 1e9)
        super().__init__(vec, **settings)
        self.updates = np.zeros(self.q.shape[0], np.int64)

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {**super().settings(), "planning": self.planning, "theta": self.theta}

    def course(self) -> Arrays:
        """Return what else decides how the training goes on, and the count of updates; the live arrays."""
        return {**super().course(), "updates": self.updates}

    def _make_insight(self) -> Insight:
        tables, states, actions = self.q.shape
        nowhere = [np.full((tables, n), NOWHERE, np.int64) for n in (states, states * actions, states * actions)]
        return Insight(make_model(self.q.shape), make_queue(tables, states * actions), Before(*nowhere))

    def _improve(self, alpha: float, step: Step) -> int:
        rates = alpha, self.gamma, self.planning, self.theta
        model, queue, before = self.insight
        bad: int = update_sweeping(self.q, model, queue, before, step, self.updates, *rates)
        return bad


@jit(inner=True)
def lead(before: Before, t: int, place: int, old: int, new: int) -> None:
    """Move a place from the list of state `old` (NOWHERE: it was in none) to that of `new`."""
    if old != NOWHERE:
        behind, ahead = before.behind[t, place], before.ahead[t, place]
        if behind == NOWHERE:
            before.head[t, old] = ahead
        else:
            before.ahead[t, behind] = ahead
        if ahead != NOWHERE:
            before.behind[t, ahead] = behind
    first = before.head[t, new]
    before.head[t, new] = place
    before.behind[t, place], before.ahead[t, place] = NOWHERE, first
    if first != NOWHERE:
        before.behind[t, first] = place


@jit(inner=True)
def queue_up(q: Any, model: Model, queue: Queue, t: int, place: int, gamma: float, theta: float) -> None:
    """Put a place into the queue if learning it would change its value by more than theta."""
    s, b = place // q.shape[2], place % q.shape[2]
    surprise = abs(model_target(q, model, t, s, b, gamma) - np.float64(q[t, s, b]))
    if surprise > theta:
        push(queue, t, place, surprise)


@jit(inner=True)
def sweep(
    q: Any,
    model: Model,
    queue: Queue,
    before: Before,
    t: int,
    updates: Any,
    alpha: float,
    gamma: float,
    planning: int,
    theta: float,
) -> None:
    """Learn the most urgent places, and queue up what leads to them."""
    for _ in range(planning):
        place = pop(queue, t)
        if place == NOWHERE:
            return
        s, b = place // q.shape[2], place % q.shape[2]
        learn(q, t, s, b, model_target(q, model, t, s, b, gamma), alpha)
        updates[t] += 1
        earlier = before.head[t, s]
        while earlier != NOWHERE:
            queue_up(q, model, queue, t, earlier, gamma, theta)
            earlier = before.ahead[t, earlier]


@jit
def update_sweeping(
    q: Any,
    model: Model,
    queue: Queue,
    before: Before,
    step: Step,
    updates: Any,
    alpha: float,
    gamma: float,
    planning: int,
    theta: float,
) -> Any:
    """Remember a step and learn from memory; return OK or the first bad sample."""
    bad = first_bad(q, step)
    if bad != OK:
        return bad
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            if not step.alive[e, a]:
                continue
            t, s, b, after = table_of(q, step.obs, e, a), step.obs[e, a], step.actions[e, a], step.after[e, a]
            place = s * q.shape[2] + b
            old = model.leads_to[t, s, b] if model.outcome[t, s, b] != UNKNOWN else NOWHERE
            enter(model, t, s, b, step.reward[e, a], after, TERMINATES if step.terminated[e, a] else GOES_ON)
            model.model_mask[t, after] = step.mask[e, a]
            lead(before, t, place, old, after)
            queue_up(q, model, queue, t, place, gamma, theta)
            sweep(q, model, queue, before, t, updates, alpha, gamma, planning, theta)
    return OK
