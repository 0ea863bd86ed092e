"""What must hold in every state of a warehouse, whatever led to it."""

from __future__ import annotations

import numpy as np

from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.types import EMPTY
from tests.warehouse.arrange import look_of
from tests.warehouse.oracle import char, picture


def check_state(vec: VectorEnv, env: int = 0) -> None:
    """Raise AssertionError if robots, shelves, queue or the maps derived from them contradict each other."""
    _check_positions(vec, env)
    _check_requests(vec, env)
    _check_maps(vec, env)


def _check_positions(vec: VectorEnv, env: int) -> None:
    """One robot a cell, one shelf a cell; carried shelves with their robots, the others on homes."""
    seen = picture(vec, env)
    assert len(set(seen.cells)) == len(seen.cells)
    assert all(char(seen.rows, cell) in ".xg" for cell in seen.cells)
    assert len(set(seen.shelves)) == len(seen.shelves)
    carried = [load for load in seen.loads if load != EMPTY]
    assert len(set(carried)) == len(carried)
    assert all(seen.shelves[load] == cell for cell, load in zip(seen.cells, seen.loads, strict=True) if load != EMPTY)
    assert all(char(seen.rows, cell) == "x" for cell in seen.standing)


def _check_requests(vec: VectorEnv, env: int) -> None:
    """The queue holds distinct shelves; the flags, the count of standing ones and the empty homes agree."""
    seen, state, settings = picture(vec, env), vec.arrays, vec.simulation.settings
    assert len(set(seen.queue)) == len(seen.queue) == vec.params.queue_size
    assert np.flatnonzero(state.requested[env]).tolist() == sorted(seen.queue)
    assert state.standing[env] == sum(s not in seen.loads for s in seen.queue)
    standing = [cell for s, cell in enumerate(state.shelf_pos[env]) if s not in seen.loads]
    loaded = state.load[env] != EMPTY
    assert sorted(state.gap[env][loaded]) == sorted(set(settings.homes) - set(standing))
    assert (state.gap[env][~loaded] == 0).all()
    assert (state.released[env] <= state.step[env]).all()


def _check_maps(vec: VectorEnv, env: int) -> None:
    """`robot_at`, `shelf_at` and `look` are what the positions say, in every cell."""
    state, settings = vec.arrays, vec.simulation.settings
    robot_at, shelf_at = np.full(settings.kind.size, EMPTY), np.full(settings.kind.size, EMPTY)
    robot_at[state.pos[env]] = np.arange(state.pos.shape[1])
    shelf_at[state.shelf_pos[env]] = np.arange(state.shelf_pos.shape[1])
    assert np.array_equal(state.robot_at[env], robot_at)
    assert np.array_equal(state.shelf_at[env], shelf_at)
    of_env = {"robot_at": robot_at, "shelf_at": shelf_at}
    of_env |= {name: getattr(state, name)[env] for name in ("heading", "message", "requested")}
    assert state.look[env].tolist() == [look_of(vec, of_env, cell) for cell in range(settings.kind.size)]
