"""One engine, not two: without agents, the loop of vehicles gives the bits of the engine of `Traffic` and signals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core.operations import RESET, STEP
from marl_envs.core.pack import allocate, table_of
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine import batch, simulate
from marl_envs.traffic.engine.types import CREATED, FINISHED, PLACE
from marl_envs.traffic.signals import batch as signals_batch
from marl_envs.traffic.vehicles.types import COLLISIONS, NONE, VEHICLE_STEPS, EngineSettings, EngineState

DECISIONS = 400
# What passes between the parts of one step: beyond what was looked at, old numbers may stand there
SCRATCH = {"plan", "mover", "gap"}
DRIVERS = {"motion", "vehicle", "told", "trip", "came", "route_at", "entered", "priority", "grant"}


def without_agents(interval: float, **params: Any) -> VectorEnv:
    """Return an environment in which the engine drives all, and nobody does on the road yet.

    The environment itself refuses a share of 1, so the number is put into its tables.
    """
    made = intersection_v0.vector_env(1, num_vehicles=1, arrivals="flow", decision_interval=interval, **params)
    simulation = replace(made.simulation, settings=made.simulation.settings._replace(background=1.0))
    vec = VectorEnv(simulation, 1)
    vec.reset(seed=5)
    return vec


def engine_of(vec: VectorEnv) -> tuple[EngineState, Any]:
    """Return the engine alone with the same trips, random stream and rules at step 0, and its table; `vec` follows."""
    settings, state = vec.simulation.settings, vec.arrays
    alone = allocate(EngineState, E=1, **vec.simulation.sizes)
    rules = EngineSettings(*(getattr(settings, name) for name in EngineSettings._fields))
    table = table_of(alone, rules._replace(substeps=1))
    for name in ("rng", "fresh_step", "fresh_route", "fresh_kind", "fresh_speed"):
        getattr(alone, name)[:] = getattr(state, name)
    batch.play_range(table, RESET, 0, 1)
    for name in EngineState._fields:
        getattr(state, name)[:] = getattr(alone, name)
    state.counts[:] = state.ruled[:] = 0
    state.cycle[:] = -DECISIONS  # the episode does not end meanwhile
    return alone, table


def assert_equal(alone: EngineState, state: Any) -> None:
    """Compare every number that has a meaning."""
    there = alone.vehicle[0, :, PLACE] != NONE
    for name in EngineState._fields:
        if name in SCRATCH:
            continue
        one, other = getattr(alone, name)[0], getattr(state, name)[0]
        if name in DRIVERS:
            one, other = one[there], other[there]
        assert np.array_equal(one, other), name


@pytest.mark.parametrize("interval", [0.25, 0.5])
@pytest.mark.parametrize(
    "params",
    [
        {"layout": "cross", "flow": 1500},
        {"layout": "cross-2-turns", "flow": 2500, "right_of_way": "right", "platoon": 2},
        {"layout": "grid-2x2", "flow": 2500},
        {"layout": "roundabout", "flow": 1200},
        {"layout": "rilsa1", "flow": 2000},
        {"layout": "rilsa1", "signals": True},
    ],
    ids=lambda params: params["layout"],
)
def test_vehicles_without_agents_are_the_engine_bit_for_bit(params, interval):
    vec = without_agents(interval, **params)
    alone, table = engine_of(vec)
    steps = 0
    for _ in range(DECISIONS):
        vec.step(np.zeros((1, 1), np.int64))
        for _ in range(round(interval / 0.25)):
            batch.play_range(table, STEP, 0, 1)
            steps += int((alone.vehicle[0, :, PLACE] != NONE).sum())
        assert_equal(alone, vec.arrays)
    counts = vec.arrays.counts[0]
    assert counts[VEHICLE_STEPS] == steps > 1000
    assert counts[COLLISIONS] == 0
    assert alone.tally[0, CREATED] > alone.tally[0, FINISHED] > 3


def test_the_engine_that_it_is_compared_with_is_that_of_traffic_and_signals():
    assert simulate.play_range is batch.play_range
    assert signals_batch.step_engine is batch.step_one


def test_a_difference_is_seen():
    vec = without_agents(0.25, layout="cross", flow=1500)
    alone, table = engine_of(vec)
    for _ in range(40):
        batch.play_range(table, STEP, 0, 1)
        vec.step(np.zeros((1, 1), np.int64))
    assert_equal(alone, vec.arrays)
    slot = int(np.flatnonzero(alone.vehicle[0, :, PLACE] != NONE)[0])
    vec.arrays.motion[0, slot, 0] = np.nextafter(vec.arrays.motion[0, slot, 0], np.inf)
    with pytest.raises(AssertionError, match="motion"):
        assert_equal(alone, vec.arrays)
