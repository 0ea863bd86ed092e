"""Quick looks under SUMO's law leave out what cannot bind, and never change what is driven."""

import numpy as np
import pytest

from marl_envs.core.jit import ENABLED, jit
from marl_envs.core.threads import available
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.sumo_law import (
    at_most_behind,
    at_most_slowing,
    at_most_to,
    brake_gap,
    brake_gap_over,
    gap_speed,
    slowing_speed,
    stop_speed,
)
from marl_envs.traffic.engine.types import FINISHED
from marl_envs.traffic.rilsa import rilsa, rilsa_counts

NUMBER = 4000 if ENABLED else 400


@jit
def bound_all(rows, values):
    """Write into values[i]: the three bounded speeds, each by its quick look and without."""
    for i in range(rows.shape[0]):
        bound, gap, lead, tau, dt = rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], rows[i, 4]
        brake, other = rows[i, 5], rows[i, 6]
        values[i, 0] = at_most_behind(bound, gap, lead, other, brake, tau, dt)
        values[i, 1] = min(bound, gap_speed(gap, lead, other, brake, tau, dt))
        values[i, 2] = at_most_to(bound, gap, brake, dt)
        values[i, 3] = min(bound, stop_speed(gap, brake, dt, dt))
        values[i, 4] = at_most_slowing(bound, gap, lead, brake, dt)
        values[i, 5] = min(bound, slowing_speed(gap, lead, brake, dt))
        values[i, 6] = gap > brake_gap_over(gap, bound, brake, dt)
        values[i, 7] = gap > brake_gap(bound, brake, dt)


def test_quick_looks_decide_the_same():
    """Drawn so that gaps are often just as wide as they must be, and a little more or less."""
    random = np.random.default_rng(0)
    rows = np.zeros((NUMBER, 7))
    rows[:, 0] = random.uniform(0.0, 20.0, NUMBER) * (random.random(NUMBER) < 0.95)
    rows[:, 2] = random.uniform(0.0, 20.0, NUMBER) * (random.random(NUMBER) < 0.8)
    rows[:, 3] = random.choice([0.3, 0.5, 1.0, 1.5], NUMBER)
    rows[:, 4] = random.choice([0.2, 0.25, 0.5, 1.0], NUMBER)
    rows[:, 5:] = random.choice([2.0, 4.0, 4.5, 7.5], (NUMBER, 2))
    needed = rows[:, 0] * rows[:, 3] + rows[:, 0] ** 2 / (2.0 * rows[:, 5])
    less = np.where(random.random(NUMBER) < 0.5, rows[:, 2] ** 2 / (2.0 * rows[:, 5]), 0.0)
    rows[:, 1] = needed - less + random.normal(0.0, 3.0, NUMBER)
    values = np.zeros((NUMBER, 8))
    bound_all(rows, values)
    for pair in range(4):
        np.testing.assert_array_equal(values[:, 2 * pair], values[:, 2 * pair + 1])
    bound = rows[:, 0] > 0.0
    assert 0.2 < np.mean(values[bound, 0] < rows[bound, 0]) < 0.8  # both answers are frequent


@pytest.mark.skipif(not ENABLED, reason="too slow without compilation")
def test_who_is_far_need_not_look_inside():
    """Everyone looks at those inside the junction, however far it is: nothing changes."""
    demand = rilsa_counts(rilsa()).demand
    near, always = (Traffic(demand, 900, model="sumo", lane_choice="emptiest", program=True, seed=3) for _ in range(2))
    always.settings.deep[:] = 1e9
    for traffic in (near, always):
        traffic.step(900)
    assert near.state.tally[0, FINISHED] > 300
    np.testing.assert_array_equal(near.state.motion, always.state.motion)
    np.testing.assert_array_equal(near.state.tally, always.state.tally)


@pytest.mark.skipif(not ENABLED, reason="too slow without compilation")
def test_environments_that_share_a_desk_do_not_meet():
    """Notes of a step are kept for one environment at a time, by each thread in rows of its own."""
    demand = rilsa_counts(rilsa()).demand
    options = {"model": "sumo", "lane_choice": "emptiest", "program": True, "seed": 8}
    batch = Traffic(demand, 400, 6, min(2, available()), **options)
    single = Traffic(demand, 400, 1, **options)
    for traffic in (batch, single):
        for _ in range(40):
            traffic.step(10)
    assert len(set(batch.state.desk.tolist())) == min(2, available())
    np.testing.assert_array_equal(batch.state.motion[0], single.state.motion[0])
    assert not np.array_equal(batch.state.motion[0], batch.state.motion[5])
