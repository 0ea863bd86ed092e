"""Eligibility traces: which values a later surprise still concerns, and how much. A list for each agent.

The list holds the traced places of a table that are not zero, so its length is what counts and not the table's size.
When it is full, the faintest place is forgotten; of equally faint ones that which was visited longest ago, and never
one of this step, whose own update would be lost.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.values.base import ValueLearner
from marl_envs.core.jit import jit
from marl_envs.core.params import check_choice, check_float, check_int

KINDS = ("accumulating", "replacing")
ACCUMULATING, REPLACING = range(2)


class Traces(NamedTuple):
    """Lists of places (row, action) with their weights; L is the longest."""

    length: Annotated[NDArray[np.int64], "E A"]  # how many
    rows: Annotated[NDArray[np.int32], "E A L"]
    actions: Annotated[NDArray[np.int32], "E A L"]
    weights: Annotated[NDArray[np.float64], "E A L"]
    ages: Annotated[NDArray[np.int32], "E A L"]  # [steps] since the last visit


def make_traces(num_envs: int, num_agents: int, longest: int) -> Traces:
    """Return empty lists of at most `longest` places."""
    shape = (num_envs, num_agents, longest)
    arrays = (np.zeros(shape, dtype) for dtype in (np.int32, np.int32, np.float64, np.int32))
    return Traces(np.zeros(shape[:2], np.int64), *arrays)


class TraceLearner(ValueLearner):
    """What learners with traces share: how much of a trace is left, of which kind they are, how many there may be."""

    usual: ClassVar[tuple[str, int]] = ("replacing", 512)  # kind, longest list

    def __init__(
        self,
        vec: Any,
        *,
        lam: float = 0.9,
        traces: str | None = None,
        longest_trace: int | None = None,
        **settings: Any,
    ) -> None:
        """Make a learner for `vec`; the other settings are those of Q-learning.

        Args:
            vec: VectorEnv with Discrete observations (with `Linear` in the learner's name: MultiDiscrete ones).
            lam: lambda in [0, 1], how much of a trace is left after a step, beside gamma.
            traces: "accumulating" or "replacing"; `usual` unless given.
            longest_trace: places that are remembered at most; the faintest is forgotten. `usual` unless given.
            settings: of `TabularQLearning`.

        Raises:
            ParameterError: a value that is not allowed, or an environment that does not fit.
        """
        kind, longest = self.usual
        self.lam = check_float("lam", lam, 0.0, 1.0)
        self.traces = kind if traces is None else traces
        check_choice("traces", self.traces, KINDS)
        self.longest_trace = check_int("longest_trace", longest if longest_trace is None else longest_trace, 1)
        super().__init__(vec, **settings)

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        own = {"lam": self.lam, "traces": self.traces, "longest_trace": self.longest_trace}
        return {**super().settings(), **own}


@jit(inner=True)
def mark(traces: Traces, e: int, a: int, row: int, action: int, kind: int) -> None:
    """Add 1 to the weight of a place, or set it to 1 (REPLACING). The list has room for all places of one step."""
    count, i = traces.length[e, a], 0
    for k in range(count):
        if traces.rows[e, a, k] == row and traces.actions[e, a, k] == action:
            traces.weights[e, a, k] = 1.0 if kind == REPLACING else traces.weights[e, a, k] + 1.0
            traces.ages[e, a, k] = 0
            return
        if goes_before(traces, e, a, k, i):
            i = k
    if count < traces.rows.shape[2]:
        i = count
        traces.length[e, a] = count + 1
    traces.rows[e, a, i] = row
    traces.actions[e, a, i] = action
    traces.weights[e, a, i] = 1.0
    traces.ages[e, a, i] = 0


@jit(inline=True)
def goes_before(traces: Traces, e: int, a: int, k: int, i: int) -> Any:
    """Return whether entry `k` is to be forgotten rather than entry `i`."""
    if traces.ages[e, a, k] == 0 or traces.ages[e, a, i] == 0:
        return traces.ages[e, a, k] > 0
    if traces.weights[e, a, k] != traces.weights[e, a, i]:
        return traces.weights[e, a, k] < traces.weights[e, a, i]
    return traces.ages[e, a, k] > traces.ages[e, a, i]


@jit(inner=True)
def credit(q: Any, t: int, traces: Traces, e: int, a: int, change: float) -> None:
    """Add `change` times its weight to every traced value."""
    for i in range(traces.length[e, a]):
        row, action = traces.rows[e, a, i], traces.actions[e, a, i]
        q[t, row, action] = np.float32(np.float64(q[t, row, action]) + change * traces.weights[e, a, i])


@jit(inner=True)
def fade(traces: Traces, e: int, a: int, factor: float) -> None:
    """Multiply all weights by `factor`, at the end of a step; 0 empties the list."""
    if factor == 0.0:
        traces.length[e, a] = 0
    for i in range(traces.length[e, a]):
        traces.weights[e, a, i] *= factor
        traces.ages[e, a, i] += 1
