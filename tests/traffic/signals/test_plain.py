"""Kernels of signals as plain Python (`NUMBA_DISABLE_JIT=1`): the same bits, with every index checked."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from marl_envs import traffic_signals_v0
from marl_envs.core.jit import ENABLED
from tests.conformance.play import batch_course, plan
from tests.core.processes import run_python

CASES: tuple[dict[str, Any], ...] = (
    {"observation": "sumo_rl", "reward": "neighbours"},
    {"observation": "drq", "actions": "next", "max_green": 30.0},
    {"observation": "pressure", "actions": "duration", "neighbours": True},
    {"observation": "counts", "all_red": 2.0, "rng": "mt19937"},
    {"observation": "summary", "reward": "team"},
    {"observation": "tabular", "actions": "fullest"},
    {"observation": "tiles", "actions": "fullest"},
    {"observation": "tabular_load", "actions": "fullest"},
)


def digests() -> list[str]:
    """Return a digest of everything that some random decisions show, case by case."""
    weights = {"vehicles": 1.0, "delay": 0.5, "speed": 0.25, "wait_change": 0.1}
    found = []
    for case in CASES:
        vec = traffic_signals_v0.vector_env(
            2, network="grid-1x2", demand_sets=2, warmup=30.0, max_cycles=6, reward_weights=weights, **case
        )
        vec.reset(seed=4)
        found.append(digest([*batch_course(vec, plan(vec, 9)), vec.get_state().arrays]))
    return found


def digest(shown: Any) -> str:
    """Return a digest of nested lists, tuples and dicts of arrays."""
    total = hashlib.sha256()
    for part in shown.values() if isinstance(shown, dict) else shown:
        total.update(part.tobytes() if isinstance(part, np.ndarray) else digest(part).encode())
    return total.hexdigest()


@pytest.mark.skipif(not ENABLED, reason="nothing is compiled")
def test_compiled_and_plain_kernels_give_the_same_bits():
    code = "from tests.traffic.signals.test_plain import digests; print(*digests())"
    quiet = ("-W", "ignore::RuntimeWarning")  # unsigned integers wrap around; 0 / 0 is an undefined metric
    compiled = digests()
    assert len(set(compiled)) == len(CASES)
    assert run_python(code, options=quiet, NUMBA_DISABLE_JIT="1").split() == compiled


def test_digests_see_a_difference():
    vec = traffic_signals_v0.vector_env(1, network="cross", max_cycles=9)
    vec.reset(seed=0)
    one = digest(batch_course(vec, np.zeros((3, 1, 1), np.int64)))
    vec.reset(seed=0)
    assert one == digest(batch_course(vec, np.zeros((3, 1, 1), np.int64)))
    vec.reset(seed=0)
    assert one != digest(batch_course(vec, np.full((3, 1, 1), 3)))
