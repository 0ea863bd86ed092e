"""Without the extra, the error says how to install it."""

from __future__ import annotations

import sys

import pytest

from marl_envs.traffic.signals.controllers import MaxPressure
from marl_envs.traffic.sumo import compare, evaluate


@pytest.mark.parametrize("missing", ["libsumo", "sumo"])
def test_the_error_says_what_to_install(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delenv("SUMO_HOME", raising=False)
    with pytest.raises(ImportError, match=r'SUMO is not installed here: pip install "marl-envs\[sumo\]"'):
        evaluate(MaxPressure(), "rilsa", "rilsa")


def test_so_does_the_comparison_before_it_plays(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "libsumo", None)
    monkeypatch.setattr(compare, "ours", lambda *_, **__: pytest.fail("played"))
    with pytest.raises(SystemExit) as stop:
        compare.main(["rilsa", "rilsa"])
    assert stop.value.code == 2
    assert 'error: SUMO is not installed here: pip install "marl-envs[sumo]"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rilsa", "rilsa", "--seeds", "0"], "--seeds must be an integer from 1 to 10000, not 0"),
        (["rilsa", "rilsa", "--yellow", "nan"], "yellow must be a number"),
        (["cross", "uniform"], "network must be rilsa or a file of SUMO's"),
    ],
)
def test_bad_arguments_of_the_comparison(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(compare, "library", lambda: None)  # so that it gets as far where SUMO is not installed
    with pytest.raises(SystemExit):
        compare.main(arguments)
    assert f"error: {message}" in capsys.readouterr().err
