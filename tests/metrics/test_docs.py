"""docs/metrics.md names every function, and its example says what it gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from marl_envs import metrics

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
RESULT_TYPES = {"Coupling", "CrossPlay", "Influence", "Interval", "Labour", "Price", "Rate", "Reached", "Retention"}
RESULT_TYPES |= {"Shapley", "World"}
HELPERS = {"action_values", "common", "draw", "entropy", "equilibria", "greedy_policy", "information_of"}
HELPERS |= {"policy_distances", "total_variation", "garwood"}


def test_every_metric_is_in_the_table() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert set(metrics.__all__) - RESULT_TYPES - HELPERS <= named
    assert set(metrics.__all__) >= RESULT_TYPES | HELPERS


def test_the_example_gives_what_it_says() -> None:
    block = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    lines = [line.partition("#")[::2] for line in block[1].splitlines() if line.startswith("metrics.")]
    scope: dict[str, Any] = {}
    exec(block[1], scope)
    values = [eval(code, scope) for code, _ in lines]
    said = [[float(eval(x)) for x in comment.partition(":")[0].split(",")] for _, comment in lines]
    assert len(lines) == 3
    for value, wanted in zip(values, said, strict=True):
        assert value == pytest.approx(wanted if len(wanted) > 1 else wanted[0])
