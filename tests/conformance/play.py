"""What the checks share: environments with short episodes, random actions, and exact comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import marl_envs
from marl_envs.core.parallel import ParallelEnv
from marl_envs.core.registry import SPECS
from marl_envs.core.vector import VectorEnv

# Worlds so small that two episodes may begin alike, and whose rules may end one before `max_cycles`.
SMALL = ("marl_envs.vacuum_v0", "marl_envs.matrix_v0", "marl_envs.gridworld_v0")

SEED = 7
EPISODE = 20  # steps: a walk crosses several ends
STEPS = 50


def single(name: str, **parameters: Any) -> ParallelEnv:
    """Return the PettingZoo face with short episodes."""
    return marl_envs.make(name, **{"max_cycles": EPISODE, **parameters})


def batch(name: str, num_envs: int, num_threads: int = 1, **parameters: Any) -> VectorEnv:
    """Return a batch with short episodes."""
    return marl_envs.make_vec(name, num_envs, num_threads, **{"max_cycles": EPISODE, **parameters})


def is_small(name: str) -> bool:
    """Return whether the environment is one of the small worlds, of which less can be asked: see SMALL."""
    return SPECS[name].module in SMALL


def plan(vec: VectorEnv, steps: int = STEPS, seed: int = 0) -> NDArray[np.int64]:
    """Return random actions [steps, E, A] of each agent's own, forbidden ones among them."""
    shape = (steps, vec.num_envs, vec.num_agents)
    own = vec.simulation.own_spaces
    limits: Any = int(vec.action_space.n) if own is None else [int(own[agent][1].n) for agent in vec.agents]  # type: ignore[attr-defined]
    return np.random.default_rng(seed).integers(0, limits, shape)


def joint(env: ParallelEnv, row: NDArray[np.int64]) -> dict[str, int]:
    """Return one row of actions as the dictionary that `env` wants."""
    return dict(zip(env.possible_agents, row.tolist(), strict=True))


def walk(env: ParallelEnv, steps: int = STEPS, seed: int = 0) -> Iterator[tuple[Any, ...]]:
    """Yield what each of `steps` random steps returns; after an end, the next reset comes before the next step."""
    for row in plan(env.vec, steps, seed)[:, 0]:
        if not env.agents:
            env.reset()
        yield env.step(joint(env, row))


def play_out(env: ParallelEnv, seed: int = 0) -> None:
    """Take random steps to the end of the episode."""
    for row in plan(env.vec, EPISODE, seed)[:, 0]:
        if env.agents:
            env.step(joint(env, row))
    assert env.agents == []


def course(env: ParallelEnv, steps: int = STEPS, seed: int = 0) -> list[Any]:
    """Return everything that a walk shows: results of steps and of resets, states and metrics."""
    shown: list[Any] = []
    for row in plan(env.vec, steps, seed)[:, 0]:
        if not env.agents:
            shown.append(env.reset())
        shown.append((env.step(joint(env, row)), env.state(), env.metrics()))
    return shown


def batch_course(vec: VectorEnv, actions: NDArray[np.int64]) -> list[Any]:
    """Return copies of everything that a batch shows under `actions`."""
    shown: list[Any] = []
    for chosen in actions:
        *arrays, info = vec.step(chosen)
        shown.append(([a.copy() for a in arrays], valid(info), vec.state(), vec.metrics()))
    return shown


def valid(info: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of what is valid in `info`: final observations and metrics only where an episode ended."""
    ended = info["ended"].copy()
    kept: dict[str, Any] = {k: v.copy() for k, v in info.items() if isinstance(v, np.ndarray)}
    for key in {"final_obs", "final_action_mask"} & kept.keys():
        kept[key] = kept[key][ended]
    kept["metrics"] = {name: value[ended] for name, value in info["metrics"].items()}
    return kept


def assert_same(one: Any, other: Any, where: str = "") -> None:
    """Fail unless both are equal to the last bit, types included; NaN equals NaN."""
    assert type(one) is type(other), f"{where}: {type(one)} is not {type(other)}"
    if isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}[{key!r}]")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for k, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{k}]")
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, where
        # Most are equal to the last bit, which is seen many times faster than what differs is found
        if one.shape != other.shape or one.tobytes() != other.tobytes():
            np.testing.assert_array_equal(one, other, err_msg=where)
    else:
        assert one == other or (one != one and other != other), f"{where}: {one!r} is not {other!r}"


def alone(env: Any) -> bool:
    """Return whether agents of an environment (of either face) may finish before the episode ends."""
    simulation = env.vec.simulation if hasattr(env, "vec") else env.simulation
    return bool(simulation.family.finish_alone)


def assert_begins(own: Any, row: NDArray[Any]) -> None:
    """Fail unless a row of a batch is what an agent has of its own, with nothing but zeros behind it."""
    row = np.asarray(row)
    own = np.asarray(own)
    np.testing.assert_array_equal(own, row[: len(own)] if own.ndim else row)
    assert not own.ndim or not row[len(own) :].any()


def differ(one: Any, other: Any) -> bool:
    """Return whether `assert_same` would fail."""
    try:
        assert_same(one, other)
    except AssertionError:
        return True
    return False


def masks_of(env: ParallelEnv, obs: dict[str, Any], infos: dict[str, Any]) -> dict[str, Any]:
    """Return the action masks, wherever the environment puts them; empty if nowhere."""
    source = {"info": infos, "obs": obs, None: {}}[env.params.mask]
    return {agent: source[agent]["action_mask"] for agent in source}
