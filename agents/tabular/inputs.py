"""Checks of what a tabular learner is given, before anything changes."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError


def table_sizes(vec: Any) -> tuple[int, int]:
    """Return the numbers of observations and actions of one agent.

    Raises:
        ParameterError: a space that is not Discrete from 0: a table needs numbered observations and actions.
    """
    space = vec.observation_space
    if not isinstance(space, Discrete) or space.start != 0:
        raise ParameterError(
            f"a table needs Discrete observations from 0, but this environment has {space}: "
            'build it with observation="tabular"'
        )
    return int(space.n), count_actions(vec)


def count_actions(vec: Any) -> int:
    """Return the number of actions of one agent; raise ParameterError if they are not numbered from 0."""
    actions = vec.action_space
    if not isinstance(actions, Discrete) or actions.start != 0:
        raise ParameterError(f"values of actions need Discrete actions from 0, but this environment has {actions}")
    return int(actions.n)


def expect(name: str, value: Any, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return `value` as a contiguous array of `shape` and `dtype`, without a copy where it is one.

    Raises:
        ValueError: another shape, or values that `dtype` cannot hold.
    """
    if type(value) is np.ndarray and value.shape == shape and value.dtype == dtype and value.flags.c_contiguous:
        return value
    array = np.asarray(value)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, not {array.shape}")
    if not np.can_cast(array.dtype, dtype, "same_kind"):
        raise ValueError(f"{name} must be an array of {np.dtype(dtype)}, not {array.dtype}")
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(array, dtype)
    if np.dtype(dtype).kind == "i" and not np.array_equal(converted, array):
        raise ValueError(f"{name} has values outside {np.dtype(dtype)}")
    return converted


def refuse_sample(index: int, num_agents: int, num_obs: int, num_actions: int, step: int, **arrays: Any) -> NoReturn:
    """Raise ValueError for the sample at flat `index` of the [E, A] arrays, showing its values."""
    raise ValueError(
        f"{show_sample(index, num_agents, step, **arrays)}; observations must be in [0, {num_obs}), actions in "
        f"[0, {num_actions}), rewards finite numbers, and every mask must allow an action"
    )


def show_sample(index: int, num_agents: int, step: int, **arrays: Any) -> str:
    """Return in words the sample of a `step` at flat `index` of the [E, A] arrays."""
    e, a = divmod(index, num_agents)
    values = ", ".join(f"{name} {np.asarray(array)[e, a].tolist()}" for name, array in arrays.items())
    return f"step {step}, environment {e}, agent {a}: {values}"
