"""The engine's kernels as plain Python (`NUMBA_DISABLE_JIT=1`): the same bits, with every index checked."""

from pathlib import Path

import pytest

from marl_envs.core.jit import ENABLED
from tests.core.processes import run_python


@pytest.mark.skipif(not ENABLED, reason="nothing is compiled")
def test_golden_cases_pass_without_compilation():
    file = Path(__file__).with_name("test_golden.py")
    code = f"import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', {str(file)!r}]))"
    assert " passed" in run_python(code, NUMBA_DISABLE_JIT="1")
