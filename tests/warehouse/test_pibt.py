"""PIBT for the shelves task: nothing is ever refused; how much it delivers beside its bound; no deadlock there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import warehouse_v0
from marl_envs.core.jit import ENABLED
from marl_envs.warehouse.pibt import PIBTPolicy
from marl_envs.warehouse.planner import GreedyPolicy
from marl_envs.warehouse.types import BLOCKED, DELIVERED, MASKED, RETURN, SHELF, SWAP, TO_GOAL, VERTEX, WALL
from tests.warehouse.arrange import build
from tests.warehouse.strategies import warehouses

few = settings(max_examples=80 if ENABLED else 4, deadline=None)
compiled = pytest.mark.skipif(not ENABLED, reason="plain Python is too slow")

# Deliveries in 500 steps when this was written (means of 200 teams; 64 are played here), and the share of A times one
# robot alone that picks from as many requests.
DELIVERIES = {
    ("tiny", 2): (30.4, 0.92),
    ("tiny", 4): (60.5, 0.87),
    ("small", 4): (39.5, 0.82),
    ("5x5", 2): (63.3, 0.98),
}


@few
@given(warehouses(), st.integers(0, 2**32))
def test_nothing_is_ever_refused(vec, seed):
    policy, tables = PIBTPolicy(seed), vec.simulation.settings
    for _ in range(40):
        pos, heading, load = vec.arrays.pos[0].astype(int), vec.arrays.heading[0], vec.arrays.load[0].copy()
        actions = policy.act(vec, None)
        asked = np.where(actions[0] == 1, pos + tables.ahead[heading], pos)
        vec.step(actions)
        assert (vec.arrays.pos[0] == asked).all()
        assert ((vec.arrays.load[0] != load) == (actions[0] == 4)).all()
        assert not vec.arrays.tally[0][:, [VERTEX, SWAP, BLOCKED, SHELF, WALL, MASKED]].any()


@few
@given(warehouses(), st.integers(0, 2**32))
def test_nothing_is_refused_after_somebody_else_acted(vec, seed):
    policy, generator = PIBTPolicy(seed), np.random.default_rng(seed)
    for _ in range(20):
        vec.step(generator.integers(0, 5, (1, vec.num_agents)))
        before = vec.arrays.tally[0][:, [VERTEX, SWAP, BLOCKED, SHELF, WALL, MASKED]].copy()
        vec.step(policy.act(vec, None))
        assert (vec.arrays.tally[0][:, [VERTEX, SWAP, BLOCKED, SHELF, WALL, MASKED]] == before).all()


def play(policy, layout: str, robots: int, queue: int) -> tuple[np.ndarray, int]:
    """Return the deliveries of 64 teams in 500 steps, and the longest pause between two of a team [steps]."""
    vec = warehouse_v0.vector_env(64, layout=layout, num_robots=robots, request_queue_size=queue, max_cycles=501)
    obs, _ = vec.reset(seed=0)
    since, longest, done = np.zeros(64), 0.0, np.zeros(64)
    for _ in range(500):
        obs, *_ = vec.step(policy.act(vec, obs))
        now = vec.arrays.tally[:, :, DELIVERED].sum(axis=1)
        since = np.where(now > done, 0, since + 1)
        longest, done = max(longest, since.max()), now
    return done, int(longest)


@compiled
@pytest.mark.parametrize(("layout", "robots"), DELIVERIES)
def test_deliveries(layout, robots):
    mean, share = DELIVERIES[layout, robots]
    done, longest = play(PIBTPolicy(), layout, robots, robots)
    alone, _ = play(GreedyPolicy(), layout, 1, robots)
    dodging, _ = play(GreedyPolicy(sidestep=0.5), layout, robots, robots)
    assert done.mean() == pytest.approx(mean, rel=0.03)
    assert done.mean() >= share * robots * alone.mean()
    assert done.mean() > dodging.mean()
    assert done.min() > 0.7 * done.mean()  # nobody is stuck
    assert longest < 100


@compiled
@pytest.mark.parametrize(("layout", "robots"), [("tiny", 8), ("small", 10)])
def test_crowds_go_on(layout, robots):
    done, longest = play(PIBTPolicy(), layout, robots, robots)
    assert done.min() > 0.7 * done.mean()
    assert longest < 100


def test_who_carries_to_the_goal_pushes_who_puts_back():
    vec = build(">O. <o. . . g \n _ _ x x x", observation="tabular")
    assert vec.arrays.phase[0].tolist() == [TO_GOAL, RETURN]
    policy = PIBTPolicy()
    for _ in range(20):
        vec.step(policy.act(vec, None))
    assert vec.arrays.tally[0, 0, DELIVERED] == 1


def test_who_unloads_is_not_pushed():
    """The robot in front, at its home, puts its shelf down; the one behind, of higher rank, does not get its cell."""
    vec = build(">O. >o_ . g \n x _ . .", observation="tabular")
    assert vec.arrays.phase[0].tolist() == [TO_GOAL, RETURN]
    actions = PIBTPolicy().act(vec, None)
    assert actions[0, 1] == 4
    assert actions[0, 0] != 1


def played(policy, envs: int) -> list:
    vec = warehouse_v0.vector_env(envs, layout="5x5", num_robots=3, max_cycles=25)
    obs, _ = vec.reset(seed=1)
    actions = []
    for _ in range(60):
        chosen = policy.act(vec, obs)
        actions.append(chosen[0].tolist())
        obs, *_ = vec.step(chosen)
    return actions


def test_the_seed_alone_decides():
    policy = PIBTPolicy(7)
    first = played(policy, 3)
    policy.reset(7)
    assert played(policy, 3) == first
    assert played(PIBTPolicy(7), 1) == first
    assert played(PIBTPolicy(8), 3) != first


def test_it_works_through_the_pettingzoo_face():
    env = warehouse_v0.parallel_env(layout="5x5", num_robots=2)
    env.reset(seed=3)
    policy = PIBTPolicy()
    while env.agents:
        env.step(dict(zip(env.agents, policy.act(env.vec, None)[0], strict=True)))
    assert env.metrics()["deliveries"] >= 45
    assert env.metrics()["refused_fraction"] == 0
