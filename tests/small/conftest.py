"""Kernels run as plain Python, too: then NumPy must be as quiet about wrapping and 0 / 0 as machine code is."""

import numpy as np
import pytest

from marl_envs.core.jit import ENABLED


@pytest.fixture(autouse=True)
def _arithmetic_as_compiled():
    with np.errstate(all="warn" if ENABLED else "ignore"):
        yield
