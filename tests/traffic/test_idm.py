"""The intelligent driver model: its formula, its equilibrium, the flow of a queue, and vehicles that never touch."""

import math
from dataclasses import replace

import numpy as np
import pytest

from marl_envs.core.jit import ENABLED, jit
from marl_envs.core.params import ParameterError
from marl_envs.traffic.demand import URBAN_IDM
from marl_envs.traffic.engine.following import safe_speed, slow_down
from marl_envs.traffic.engine.idm import LONGEST_STEP, idm_speed
from tests.traffic.cases import start
from tests.traffic.discharge import discharge, saturation_flow, start_up_loss

CAR = replace(URBAN_IDM, max_speed=13.89)
A, B, T, S0 = CAR.max_acceleration, CAR.usual_deceleration, CAR.headway, CAR.min_gap
CALM = 2.0 * math.sqrt(A * B)


@jit
def idm_all(rows, values, dt):
    for i in range(rows.shape[0]):
        values[i] = idm_speed(
            rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], 2.0, 3.0, 2.0, 1.0, 2.0 * math.sqrt(6.0), dt
        )


@jit
def safe_all(rows, values, dt):
    for i in range(rows.shape[0]):
        values[i] = safe_speed(rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], rows[i, 4], dt)


@jit
def slow_all(rows, values, dt):
    for i in range(rows.shape[0]):
        values[i] = slow_down(rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], dt)


def called(kernel, rows, dt):
    values = np.zeros(len(rows))
    kernel(np.array(rows, np.float64), values, dt)
    return values


def acceleration(own, lead, gap, wish):
    """Return Treiber's formula, written as he does."""
    wanted = S0 + max(0.0, own * T + own * (own - lead) / (2.0 * math.sqrt(A * B)))
    return A * (1.0 - (own / wish) ** 4 - (wanted / gap) ** 2)


def test_it_is_the_published_formula():
    random = np.random.default_rng(1)
    size = 300 if ENABLED else 30
    rows = random.uniform([0.0, 0.0, 4.0, 12.0], [12.0, 15.0, 80.0, 15.0], (size, 4))
    expected = [max(0.0, own + 0.1 * acceleration(own, lead, gap, wish)) for own, lead, gap, wish in rows]
    np.testing.assert_allclose(called(idm_all, rows, 0.1), expected, rtol=1e-12, atol=1e-12)


def test_long_steps_follow_the_differential_equation():
    """Behind a leader at constant speed, a step of 1 s is near the solution, where one plain step is not."""
    own, lead, gap, wish = 9.0, 5.0, 22.0, 13.89
    speed, room = own, gap
    for _ in range(100_000):
        after = speed + 1e-5 * acceleration(speed, lead, room, wish)
        room += 1e-5 * (lead - (speed + after) / 2)
        speed = after
    found = called(idm_all, [[own, lead, gap, wish]], 1.0)[0]
    assert abs(found - speed) < 0.2
    assert abs(own + acceleration(own, lead, gap, wish) - speed) > 2 * abs(found - speed)
    assert LONGEST_STEP == 0.25


def test_who_is_too_fast_brakes_comfortably():
    assert called(idm_all, [[13.89, 13.89, math.inf, 8.33]], 0.25)[0] == 13.89 - B * 0.25


@pytest.mark.parametrize("dt", [0.25, 1.0])
@pytest.mark.parametrize("v", [2.0, 6.0, 10.0, 13.0])
def test_equilibrium_gap(v, dt):
    """Behind a leader at constant speed v the gap settles at (s0 + v T) / sqrt(1 - (v / v0)^4)."""
    rows = np.array([[v, v, 60.0, CAR.max_speed]])
    for _ in range(int(900 / dt) if ENABLED else 0):
        after = called(idm_all, rows, dt)[0]
        rows[0, 2] += (v - (rows[0, 0] + after) / 2) * dt
        rows[0, 0] = after
    if ENABLED:
        assert rows[0, 2] == pytest.approx((S0 + v * T) / math.sqrt(1 - (v / CAR.max_speed) ** 4), rel=0.002)
    else:  # too slow to settle: there the speed stays
        rows[0, 2] = (S0 + v * T) / math.sqrt(1 - (v / CAR.max_speed) ** 4)
        assert called(idm_all, rows, dt)[0] == pytest.approx(v)


@pytest.mark.skipif(not ENABLED, reason="too slow without compilation")
@pytest.mark.parametrize("dt", [0.05, 0.25, 1.0])
def test_saturation_flow_of_the_urban_set(dt):
    passed = discharge(CAR, "idm", dt)
    flow = saturation_flow(passed)
    if dt < 0.1:
        assert flow == pytest.approx(1876.0, rel=0.02)
    elif dt == 0.25:
        assert 1800.0 < flow < 1900.0
    assert flow == pytest.approx(1876.0, rel=0.06)
    assert 0.0 < start_up_loss(passed) < 3.0


@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0])
def test_a_string_of_vehicles_never_touches(dt):
    """Behind a leader that brakes and starts as hard as it can, at random, with kinds that brake less and harder."""
    random = np.random.default_rng(2)
    lines, length, steps = (200, 8, round(120 / dt)) if ENABLED else (3, 4, 20)
    hard = random.choice([4.0, 6.0, 9.0], (lines, length))
    speed = np.full((lines, length), 8.0)
    gap = np.full((lines, length), 14.0)  # of each to the one ahead; unused for the first
    told = np.full(lines, 8.0)
    for k in range(steps):
        change = random.random(lines) < dt / 6.0
        told = np.where(change, random.choice([0.0, 3.0, 13.0], lines), told)
        lead, lead_hard = speed[:, :-1].ravel(), hard[:, :-1].ravel()
        own, brake, room = speed[:, 1:].ravel(), hard[:, 1:].ravel(), gap[:, 1:].ravel()
        after = called(idm_all, np.stack([own, lead, room, np.full_like(own, 13.89)], 1), dt)
        after = np.minimum(after, called(safe_all, np.stack([lead, lead_hard, own, brake, room], 1), dt))
        next_speed = np.empty_like(speed)
        next_speed[:, 0] = np.clip(told, speed[:, 0] - hard[:, 0] * dt, speed[:, 0] + 2.0 * dt)
        next_speed[:, 1:] = np.maximum(after, own - brake * dt).reshape(lines, -1)
        stops = next_speed < 0
        moved = np.where(stops, speed**2 / (2 * hard), (speed + np.maximum(next_speed, 0)) / 2 * dt)
        speed = np.maximum(next_speed, 0.0)
        gap[:, 1:] += moved[:, :-1] - moved[:, 1:]
        assert (gap[:, 1:] > -1e-9).all(), k
    assert gap[:, 1:].min() < 3.0 or not ENABLED


def test_slowing_down_for_a_turn():
    """Step by step the speed is down to the target when the room is used up, with the braking asked for."""
    for dt in (0.25, 1.0):
        speed, room, hardest = 13.0, 60.0, 0.0
        while room > 0.0:
            after = min(speed, called(slow_all, [[speed, 8.0, 3.0, room]], dt)[0])
            hardest = max(hardest, (speed - after) / dt)
            room -= (speed + after) / 2 * dt
            speed = after
        assert speed == pytest.approx(8.0, abs=0.05)
        assert hardest <= 3.0 + 1e-9


def test_unknown_models_are_refused():
    with pytest.raises(ParameterError, match="model must be one of 'krauss', 'idm'"):
        start("h01_free", model="gipps")
