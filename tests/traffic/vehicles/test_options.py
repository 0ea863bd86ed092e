"""A choice of route, crosswalks and pictures together keep every promise that registered environments keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core.registry import SPECS, Spec
from marl_envs.traffic.vehicles.policies import EngineDriver, RandomDriver
from marl_envs.traffic.vehicles.types import WALK_HIT
from tests.conformance import batches, determinism, face, refusals, snapshots

COMMON: dict[str, Any] = {"num_vehicles": 4, "within": 3.0, "crosswalks": True, "pedestrians": 900.0}
OPTIONS = {
    "features": {**COMMON, "layout": "grid-1x2", "route_choice": True},
    "image": {**COMMON, "layout": "tee", "observation": "image", "image_size": 6, "image_range": 8.0},
    "tabular": {**COMMON, "layout": "grid-1x2", "route_choice": True, "observation": "tabular", "mask_unsafe": True},
}
MODULES = (batches, determinism, face, refusals, snapshots)
CHECKS = [getattr(module, name) for module in MODULES for name in dir(module) if name.startswith("check_")]
SHORT = (batches.check_shapes_and_types, batches.check_the_finished_stay_with_nothing_to_do)


def _runs() -> Iterator[Any]:
    """Yield all checks for all options: at once for the first, some for the others, the rest if there is time."""
    for option in OPTIONS:
        for check in CHECKS:
            marks = () if option == "features" or check in SHORT else (pytest.mark.slow,)
            yield pytest.param(check, option, marks=marks, id=f"{check.__name__.removeprefix('check_')}-{option}")


@pytest.mark.parametrize(("check", "option"), list(_runs()))
def test_conformance(check: Callable[[str], None], option: str, monkeypatch: pytest.MonkeyPatch):
    name = f"marl_envs/intersection-{option}-test-v0"
    monkeypatch.setitem(SPECS, name, Spec(name, "marl_envs.intersection_v0", OPTIONS[option]))
    check(name)


@pytest.mark.parametrize("actions", ["discrete", "continuous"])
def test_the_engines_driver_yields_to_people(actions: str):
    vec = intersection_v0.vector_env(
        8, num_vehicles=6, within=6.0, actions=actions, crosswalks=True, pedestrians=900.0, max_cycles=150
    )
    obs, _ = vec.reset(seed=0)
    driver, hits = EngineDriver(), 0
    for _ in range(140):
        obs, *_ = vec.step(driver.act(vec, obs))
        hits += int(vec.arrays.counts[:, WALK_HIT].sum())
    assert hits == 0
    assert vec.metrics()["pedestrians"].sum() > 100


def test_random_actions_fit_all_options():
    vec = intersection_v0.vector_env(4, **OPTIONS["features"])
    obs, _ = vec.reset(seed=0)
    driver = RandomDriver()
    for _ in range(20):
        obs, reward, *_ = vec.step(driver.act(vec, obs))
        assert np.isfinite(reward).all()
