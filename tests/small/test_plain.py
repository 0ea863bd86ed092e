"""The small worlds' kernels as plain Python (`NUMBA_DISABLE_JIT=1`): the same bits, with every index checked."""

import hashlib
from typing import Any

import numpy as np
import pytest

from marl_envs import gridworld_v0, matrix_v0, vacuum_v0
from marl_envs.core.jit import ENABLED
from tests.conformance.play import batch_course, plan
from tests.core.processes import run_python

WORLDS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (vacuum_v0, {"rules": "dock", "num_robots": 3, "battery": 4, "reward": "team"}),
    (vacuum_v0, {"num_robots": 2, "observation": "vector"}),
    (matrix_v0, {"game": "climbing_full", "repeated": True, "observation": "tabular_last"}),
    (matrix_v0, {"game": "boutilier", "observation": "vector", "reward": "team"}),
    (matrix_v0, {"payoffs": [[[1, 2, 3], [4, 5, 6]], [[6, 5, 4], [3, 2, 1]]]}),
    (gridworld_v0, {"world": "four_rooms", "bump_reward": -0.1}),
    (gridworld_v0, {"world": "blocking_maze", "change_at": 30, "observation": "vector"}),
    (gridworld_v0, {"world": "t_maze", "corridor": 1}),
    (gridworld_v0, {"world": "cliff"}),
)


def digests() -> list[str]:
    """Return a digest of everything that 40 random steps show, world by world."""
    found = []
    for module, parameters in WORLDS:
        vec = module.vector_env(2, **{"max_cycles": 15, **parameters})
        vec.reset(seed=4)
        with np.printoptions(threshold=10**9, floatmode="unique"):
            shown = repr([vec.get_state(), *batch_course(vec, plan(vec, 40)), vec.get_state()])
        found.append(hashlib.sha256(shown.encode()).hexdigest())
    return found


@pytest.mark.skipif(not ENABLED, reason="nothing is compiled")
def test_compiled_and_plain_kernels_give_the_same_bits():
    code = "from tests.small.test_plain import digests; print(*digests())"
    # Unsigned integers wrap around on purpose, and 0 / 0 is how a metric says that it is undefined.
    quiet = ("-W", "ignore::RuntimeWarning")
    compiled = digests()
    assert len(set(compiled)) == len(WORLDS)
    assert run_python(code, options=quiet, NUMBA_DISABLE_JIT="1").split() == compiled
