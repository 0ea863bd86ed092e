"""Kernels as plain Python (`NUMBA_DISABLE_JIT=1`): the same bits, with every index checked."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import marl_envs
from marl_envs.core.jit import ENABLED
from tests.conformance.play import batch_course, plan
from tests.core.processes import run_python

PLAIN = {"NUMBA_DISABLE_JIT": "1"}
SMALL: dict[str, dict[str, Any]] = {
    "flattened": {"observation": "flattened", "message_bits": 1, "max_cycles": 20},
    "goal": {"observation": "goal", "shaping": 0.5, "max_cycles": 20},
    "tabular": {"observation": "tabular", "reward": "team", "num_robots": 3, "max_cycles": 20},
    "tabular push": {"observation": "tabular_push", "num_robots": 6, "request_queue_size": 3, "max_cycles": 20},
    "image": {"observation": "image", "image_layers": ("agent_load", "agent_direction", "shelves"), "max_cycles": 20},
    "two stage": {"observation": "flattened", "reward": "two_stage", "max_inactivity": 15, "sensor_range": 2},
}


def digests() -> list[str]:
    """Return a digest of everything that 50 random steps on small floors show, observation by observation."""
    import hashlib

    found = []
    for parameters in SMALL.values():
        vec = marl_envs.make_vec("marl_envs/warehouse-5x5-2ag-goal-v0", 2, **parameters)
        vec.reset(seed=4)
        with np.printoptions(threshold=10**9, floatmode="unique"):
            shown = repr([vec.get_state(), *batch_course(vec, plan(vec, 50)), vec.get_state()])
        found.append(hashlib.sha256(shown.encode()).hexdigest())
    return found


@pytest.mark.skipif(not ENABLED, reason="nothing is compiled")
def test_compiled_and_plain_kernels_give_the_same_bits():
    code = "from tests.core.test_plain import digests; print(*digests())"
    # Unsigned integers wrap around on purpose, and 0 / 0 is how a metric says that it is undefined.
    quiet = ("-W", "ignore::RuntimeWarning")
    compiled = digests()
    assert len(set(compiled)) == len(SMALL)
    assert run_python(code, options=quiet, **PLAIN).split() == compiled


@pytest.mark.skipif(not ENABLED, reason="nothing is compiled")
def test_the_tests_of_the_foundations_pass_without_compilation():
    files = [str(Path(__file__).with_name(name)) for name in ("test_random.py", "test_pack.py")]
    code = f"import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', *{files!r}]))"
    assert " passed" in run_python(code, **PLAIN)
    assert os.environ.get("NUMBA_DISABLE_JIT", "0") != "1"
    assert sys.modules["numba"]
