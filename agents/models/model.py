"""A model of a deterministic world, a table of what followed last, and learning from it.

Each table of values has a model of its own. Actions that were tried are listed, so that one can be drawn at random.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.kernels import best_value
from marl_envs.core.jit import jit
from marl_envs.core.random import draw_below

UNKNOWN, GOES_ON, TERMINATES = range(3)


class Model(NamedTuple):
    """What followed each (s, b), and the list of those in the model. P = S * N places; a place is s * N + b."""

    outcome: Annotated[NDArray[np.int8], "T S N"]  # UNKNOWN, GOES_ON or TERMINATES
    model_reward: Annotated[NDArray[np.float32], "T S N"]
    leads_to: Annotated[NDArray[np.int32], "T S N"]
    model_mask: Annotated[NDArray[np.int8], "T S N"]  # allowed actions, as last seen; none: not seen yet
    places: Annotated[NDArray[np.int64], "T P"]  # in the order in which they entered the model
    num_places: Annotated[NDArray[np.int64], "T"]
    tried_at: Annotated[NDArray[np.int64], "T S N"]  # when, on the table's clock
    clock: Annotated[NDArray[np.int64], "T"]  # real steps so far


def make_model(shape: tuple[int, int, int]) -> Model:
    """Return an empty model for tables of `shape` [T, S, N]."""
    tables, states, actions = shape
    return Model(
        outcome=np.zeros(shape, np.int8),
        model_reward=np.zeros(shape, np.float32),
        leads_to=np.zeros(shape, np.int32),
        model_mask=np.zeros(shape, np.int8),
        places=np.zeros((tables, states * actions), np.int64),
        num_places=np.zeros(tables, np.int64),
        tried_at=np.zeros(shape, np.int64),
        clock=np.zeros(tables, np.int64),
    )


@jit(inner=True)
def enter(model: Model, t: int, s: int, b: int, reward: float, after: int, outcome: int) -> None:
    """Write what followed (s, b), in place of what followed it before."""
    if model.outcome[t, s, b] == UNKNOWN:
        model.places[t, model.num_places[t]] = s * model.outcome.shape[2] + b
        model.num_places[t] += 1
    model.outcome[t, s, b] = outcome
    model.model_reward[t, s, b] = reward
    model.leads_to[t, s, b] = after


@jit(inner=True)
def expect_nothing(model: Model, t: int, s: int) -> None:
    """Let the untried actions of `s` that were seen to be allowed lead back to it without a reward, until tried."""
    for b in range(model.outcome.shape[2]):
        if model.model_mask[t, s, b] != 0 and model.outcome[t, s, b] == UNKNOWN:
            enter(model, t, s, b, 0.0, s, GOES_ON)


@jit(inner=True)
def model_target(q: Any, model: Model, t: int, s: int, b: int, gamma: float) -> Any:
    """Return reward + gamma * max q(s', .) as the model has it, float64."""
    target = np.float64(model.model_reward[t, s, b])
    if model.outcome[t, s, b] != TERMINATES:
        after = model.leads_to[t, s, b]
        target += gamma * np.float64(best_value(q, t, after, model.model_mask, t, after))
    return target


@jit(inner=True)
def drawn_place(model: Model, t: int, rng: Any, e: int) -> Any:
    """Return a place of the model, all alike."""
    return model.places[t, draw_below(rng, e, model.num_places[t])]
