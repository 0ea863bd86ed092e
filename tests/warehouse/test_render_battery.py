"""Charging cells and batteries in pictures, in text and in replays of both tasks."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import replay
from marl_envs import errands_v0, warehouse_v0
from marl_envs.render import record
from marl_envs.render.theme import LIGHT
from marl_envs.warehouse.planner import RandomPolicy

SHELVES = {"layout": "xxc\n..g", "num_robots": 1, "battery": 50}
ERRANDS = {"floor": "C...\n....", "num_robots": 2, "goals": "anywhere", "battery": 50}


def picture(env, charge: int | None) -> np.ndarray:
    """Return the picture of `env` with all batteries charged so far [percent]; None: as they are."""
    pytest.importorskip("pygame")
    from marl_envs.render.painter import Painter

    painter = Painter(env.vec.simulation.family.scene, env.vec.params, size=(320, 240))
    frame = env.frame()
    if charge is not None:
        frame = {**frame, "charge": np.full(env.vec.num_agents, charge)}
    return painter.picture(frame)


def count(image: np.ndarray, color: tuple) -> int:
    return int((image == color[:3]).all(axis=2).sum())


@pytest.mark.parametrize(("module", "parameters"), [(warehouse_v0, SHELVES), (errands_v0, ERRANDS)])
def test_a_bar_shows_the_charge_and_the_dead_are_grey(module, parameters):
    env = module.parallel_env(**parameters)
    env.reset(seed=2)
    assert env.frame()["charge"].tolist() == [100] * env.vec.num_agents
    full, half, low, dead = (picture(env, charge) for charge in (100, 50, 10, 0))
    assert np.array_equal(full, picture(env, None))
    assert count(full, LIGHT.goal) > count(half, LIGHT.goal) > count(low, LIGHT.goal)
    assert count(low, LIGHT.wanted) > count(dead, LIGHT.wanted) == count(full, LIGHT.wanted)
    assert count(dead, LIGHT.agent) < count(low, LIGHT.agent)


@pytest.mark.parametrize(("module", "parameters"), [(warehouse_v0, SHELVES), (errands_v0, ERRANDS)])
def test_without_a_battery_charging_cells_are_plain_floor(module, parameters):
    plain = module.parallel_env(**{**parameters, "battery": None})
    plain.reset(seed=2)
    assert "charge" not in plain.frame()
    rows = plain.vec.simulation.family.scene
    assert "c" not in "".join(artist_rows(rows, plain)).lower()
    assert "c" in "".join(artist_rows(rows, module.parallel_env(**parameters))).lower()


def artist_rows(scene: str, env) -> tuple[str, ...]:
    from importlib import import_module

    return import_module(scene).artist(env.vec.params).rows


def test_text_says_how_full_batteries_are():
    pytest.importorskip("pygame")
    env = warehouse_v0.parallel_env(render_mode="ansi", **SHELVES)
    env.reset(seed=2)
    assert "battery 100 %" in env.render()
    env.vec.arrays.level[0, 0] = 1
    assert "battery 2 %" in env.render()
    env.vec.arrays.level[0, 0] = 0
    assert "0 delivered, dead" in env.render()


@pytest.mark.parametrize(("module", "parameters"), [(warehouse_v0, SHELVES), (errands_v0, ERRANDS)])
def test_replays_show_where_robots_charge(module, parameters, tmp_path):
    path = tmp_path / "episode.npz"
    record(module.parallel_env(**parameters), RandomPolicy(), str(path), steps=10)
    shown = replay.read(path)
    assert "c" in "".join(shown["rows"]).lower()
    assert len(shown["frames"]) == 11
