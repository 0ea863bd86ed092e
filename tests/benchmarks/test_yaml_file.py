"""Errors in YAML files name the line that they are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.config import load_suite
from benchmarks.errors import InputError
from benchmarks.yaml_file import line_of, located

TEXT = """\
title: Here
seeds: 2
headline: deliveries
reference: greedy
tables: {}
environments:
  floor.5x5:
    env: warehouse_v0
    params:
      layout: 5x5
      num_robots: 2
    train_steps: 10
agents:
  greedy: {kind: greedy}
  learner:
    kind: independent_q
    alpha: 0.1
    gamma: 0.9
    exploration: {schedule: {start: 0.2, end: 0}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good suite."""
    path = tmp_path / "suite.yaml"
    path.write_text(TEXT)
    load_suite(path)
    return path


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("seeds: 2", "sedes: 2", 2, "unknown key 'sedes'"),
        ("seeds: 2", "seeds: 0", 2, "seeds: "),
        ("    train_steps", "    train_step", 12, "environments.floor.5x5: unknown key 'train_step'"),
        ("    gamma: 0.9", "    gamma: 1.9", 18, "agents.learner.independent_q.gamma: "),
        ("    gamma: 0.9", "    gama: 0.9", 18, "agents.learner.independent_q: unknown key 'gama'"),
        ("    exploration: {schedule", "    exploration: {shedule", 19, "unknown key 'shedule'"),
        ("reference: greedy", "reference: pibt", 4, "reference: no agent 'pibt'"),
        ("    train_steps: 10\n", "", 7, "environments.floor.5x5.train_steps: Field required"),
    ],
)
def test_line_of_what_is_wrong(path: Path, old: str, new: str, line: int, part: str) -> None:
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_suite(path)
    assert str(caught.value).startswith(f"{path}: line {line}: ")
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("environments.floor.5x5.params (for greedy): layout must be something else", 10),
        ("environments.floor.5x5.params (for greedy): unknown parameter 'num_robots'; allowed are layout", 11),
        ("environments.floor.5x5.params (for greedy): too large", 9),
        ("no such thing at all", None),
    ],
)
def test_line_of_what_an_environment_refuses(path: Path, message: str, line: int | None) -> None:
    assert line_of(path, message) == line
    wanted = f"{path}: line {line}: {message}" if line else f"{path}: {message}"
    with pytest.raises(InputError) as caught, located(path):
        raise InputError(f"{path}: {message}")
    assert str(caught.value) == wanted


def test_other_errors_stay_as_they_are(path: Path) -> None:
    with pytest.raises(InputError, match=r"^--seeds must be"), located(path):
        raise InputError("--seeds must be")
