"""Rates read from records, by hand; tests/warehouse/test_rates.py has robots that really played."""

from __future__ import annotations

import math

import pytest

from marl_envs.core.params import ParameterError
from marl_envs.metrics import (
    blocked_fraction,
    collision_rate,
    conflict_rate,
    deadlock_rate,
    deadlock_share,
    garwood,
    livelock_rate,
    records,
    waiting_fraction,
)

EPISODES = [
    {
        **{"refused_vertex": 3.0, "refused_swap": 1.0, "refused_blocked": 6.0, "refused_wall": 5.0},
        **{"episode_length": 100.0, "waiting_fraction": 0.5, "deadlocks": 0.0, "deadlock_steps": 0.0},
        "livelock_fraction": 0.1,
    },
    {
        **{"refused_vertex": 0.0, "refused_swap": 0.0, "refused_blocked": 0.0, "refused_wall": 5.0},
        **{"episode_length": 300.0, "waiting_fraction": 0.1, "deadlocks": 2.0, "deadlock_steps": 200.0},
        "livelock_fraction": math.nan,
    },
]


def test_rates_by_hand() -> None:
    assert conflict_rate(EPISODES, agents=2) == 10 / 800
    assert conflict_rate(EPISODES, 2, ["refused_swap"]) == 1 / 800
    assert blocked_fraction(EPISODES, 2) == 20 / 800
    assert waiting_fraction(EPISODES) == pytest.approx((50 + 30) / 400)
    assert deadlock_share(EPISODES) == 0.5
    assert deadlock_rate(EPISODES, 2) == 200 / 800
    assert livelock_rate(EPISODES) == 0.1
    assert math.isnan(livelock_rate(EPISODES[1:]))


def test_of_traffic_by_hand() -> None:
    cars = [
        {"created": 4.0, "waiting": 2.0, "travel_time": 10.0, "deadlock": 0.0, "collisions": 1.0},
        {"created": 0.0, "waiting": math.nan, "travel_time": math.nan, "deadlock": 3.0, "collisions": 0.0},
        {"created": 6.0, "waiting": 5.0, "travel_time": 15.0, "deadlock": 0.0, "collisions": 2.0},
    ]
    assert waiting_fraction(cars) == pytest.approx((8 + 30) / (40 + 90))
    assert deadlock_share(cars) == pytest.approx(1 / 3)
    low, high = garwood(3)
    assert collision_rate(cars) == pytest.approx((3, 10, 300.0, 100 * low, 100 * high))
    assert deadlock_share([{"gridlock": 0.0}, {"gridlock": 40.0}]) == 0.5


def test_what_is_not_recorded_is_refused() -> None:
    with pytest.raises(ParameterError, match="no metric 'collisions'"):
        collision_rate(EPISODES)
    with pytest.raises(ParameterError, match="deadlocks or deadlock or gridlock"):
        deadlock_share([{"return": 1.0}])
    with pytest.raises(ParameterError, match="at least one record"):
        conflict_rate([], 2)


def test_every_name_is_a_familys_metric() -> None:
    from marl_envs.traffic.signals.metrics import METRICS as SIGNALS
    from marl_envs.traffic.vehicles.metrics import METRICS as CARS
    from marl_envs.warehouse.errands.metrics import METRICS as ERRANDS
    from marl_envs.warehouse.metrics import METRICS as SHELVES

    own = {"waiting_fraction", "deadlock_steps", "livelock_fraction", "deadlocks", "episode_length"}
    for family in (SHELVES, ERRANDS):
        assert set(records.CONFLICTS) | own <= set(family)
    assert set(records.REFUSALS) <= set(SHELVES)
    assert {"created", "waiting", "travel_time", "collisions", "deadlock"} <= set(CARS)
    assert {"created", "waiting", "travel_time", "gridlock"} <= set(SIGNALS)
