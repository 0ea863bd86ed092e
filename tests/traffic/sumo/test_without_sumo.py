"""Without the extra, the error says how to install it."""

from __future__ import annotations

import sys

import pytest

from marl_envs.traffic.signals.controllers import MaxPressure
from marl_envs.traffic.sumo import evaluate


@pytest.mark.parametrize("missing", ["libsumo", "sumo"])
def test_the_error_says_what_to_install(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delenv("SUMO_HOME", raising=False)
    with pytest.raises(ImportError, match=r'SUMO is not installed here: pip install "marl-envs\[sumo\]"'):
        evaluate(MaxPressure(), "rilsa", "rilsa")
