"""PettingZoo's own tests where agents leave one by one, and where actions are numbers; files as layouts."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import api_test, parallel_api_test

DATA = Path(os.environ.get("MARL_ENVS_DATA", Path(__file__).parents[4] / "shared" / "data")) / "traffic"


@pytest.mark.parametrize(
    "chosen",
    [
        {"agents_leave": True},
        {"agents_leave": True, "actions": "continuous"},
        {"actions": "continuous", "arrivals": "flow"},
        {"agents_leave": True, "observation": "tabular", "mask_unsafe": True, "mask": "obs"},
    ],
)
def test_pettingzoos_tests_pass(chosen: dict[str, Any]):
    common: dict[str, Any] = {"num_vehicles": 4, "within": 3.0, "max_cycles": 40, **chosen}
    parallel_api_test(intersection_v0.parallel_env(**common), num_cycles=120)
    with warnings.catch_warnings():  # advice: who has not begun to drive sees zeros
        warnings.simplefilter("ignore", UserWarning)
        api_test(intersection_v0.env(**common), num_cycles=120)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data that MARL_ENVS_DATA names")
@pytest.mark.parametrize(
    ("layout", "demand"),
    [
        ("hangzhou_1x1/roadnet.json", "hangzhou_1x1/kn-hz_18041607_1h.flow.json"),
        ("cologne1/cologne1.net.xml", "cologne1/cologne1.rou.xml"),
    ],
)
def test_other_peoples_files_are_driven(layout: str, demand: str):
    """Half of the cars are agents that drive at random, and crash; the engine's never do so among themselves."""
    vec = intersection_v0.vector_env(
        2, layout=str(DATA / layout), demand=str(DATA / demand), arrivals="flow", num_vehicles=20, background=0.5
    )
    vec.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(190):
        vec.step(rng.choice(4, (2, 20), p=[0.3, 0.5, 0.1, 0.1]))
    metrics = vec.metrics()
    assert (metrics["created"] > 10).all()
    assert (metrics["background_collisions"] == 0).all()
    rest = metrics["arrived"] + metrics["driving"] + metrics["outside"] + metrics["removed"]
    np.testing.assert_array_equal(metrics["created"], rest)
