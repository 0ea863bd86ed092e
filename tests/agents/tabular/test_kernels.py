"""The kernels against a slow, independent oracle, and the statistics of their random choices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from agents.tabular.kernels import OK, act_boltzmann, act_epsilon_greedy, update_q
from marl_envs.core import jit, random
from tests.core.processes import run_python

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

DRAWS = 20_000 if jit.ENABLED else 2_000


def streams(num_envs, seed=1):
    return np.array([random.seed_stream(seed, e + 1) for e in range(num_envs)], np.uint64)


def choose(act, row, mask, strength, draws=DRAWS, seed=1):
    """Return how often each action is chosen in a one-state table with the values `row`."""
    row, num_envs = np.asarray(row, np.float32), 50
    actions, counts = np.empty((num_envs, 2), np.int64), np.zeros(len(row), np.int64)
    obs = np.zeros((num_envs, 2), np.int32)
    masks = np.tile(np.asarray(mask, np.int8), (num_envs, 2, 1))
    rng = streams(num_envs, seed)
    for _ in range(draws // actions.size):
        assert act(row[None, None], obs, masks, rng, strength, actions) == OK
        counts += np.bincount(actions.ravel(), minlength=len(row))
    return counts


def test_ties_are_broken_evenly():
    counts = choose(act_epsilon_greedy, [1, 5, 5, 0, 5], [1, 1, 1, 1, 1], 0.0)
    assert counts[[0, 3]].tolist() == [0, 0]
    assert chisquare(counts[[1, 2, 4]]).pvalue > 0.01


def test_a_masked_tie_is_not_chosen():
    counts = choose(act_epsilon_greedy, [5, 5, 5, 9], [1, 0, 1, 0], 0.0)
    assert counts[[1, 3]].tolist() == [0, 0]
    assert chisquare(counts[[0, 2]]).pvalue > 0.01


def test_epsilon_one_is_uniform_over_allowed_actions():
    counts = choose(act_epsilon_greedy, [9, 1, 2, 3], [1, 1, 0, 1], 1.0)
    assert counts[2] == 0
    assert chisquare(counts[[0, 1, 3]]).pvalue > 0.01


def test_epsilon_between_shares_out():
    counts = choose(act_epsilon_greedy, [9, 1, 2, 3], [1, 1, 0, 1], 0.3)
    total = counts.sum()
    assert chisquare(counts[[0, 1, 3]], [0.8 * total, 0.1 * total, 0.1 * total]).pvalue > 0.01


def test_boltzmann_probabilities():
    row, mask, temperature = np.array([0.5, -1.0, 2.0, 0.0]), np.array([1, 1, 0, 1]), 0.7
    counts = choose(act_boltzmann, row, mask, temperature)
    weights = np.exp(row / temperature) * mask
    assert counts[2] == 0
    allowed = mask.astype(bool)
    assert chisquare(counts[allowed], counts.sum() * (weights / weights.sum())[allowed]).pvalue > 0.01


def test_cold_boltzmann_is_greedy_and_does_not_overflow():
    counts = choose(act_boltzmann, [-3e30, 3e30, 1e30], [1, 1, 1], 1e-9, draws=400)
    assert counts[1] == counts.sum()


def test_each_environment_draws_from_its_own_stream():
    q, mask = np.zeros((1, 1, 5), np.float32), np.ones((6, 3, 5), np.int8)
    obs, rng = np.zeros((6, 3), np.int32), streams(6)
    alone, few = rng[4:5].copy(), np.empty((1, 3), np.int64)
    actions = np.empty((6, 3), np.int64)
    act_epsilon_greedy(q, obs, mask, rng, 0.5, actions)
    act_epsilon_greedy(q, obs[:1], mask[:1], alone, 0.5, few)
    assert (few[0] == actions[4]).all()
    assert alone[0] == rng[4]


def test_agents_use_their_own_tables():
    q = np.zeros((3, 2, 4), np.float32)
    for a in range(3):
        q[a, 1, a + 1] = 1.0
    actions = np.empty((2, 3), np.int64)
    act_epsilon_greedy(q, np.ones((2, 3), np.int32), np.ones((2, 3, 4), np.int8), streams(2), 0.0, actions)
    assert actions.tolist() == [[1, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize("act", [act_epsilon_greedy, act_boltzmann])
@pytest.mark.parametrize(("bad_obs", "empty_mask"), [(7, False), (-1, False), (0, True)])
def test_a_bad_sample_is_reported_before_anything_is_drawn(act, bad_obs, empty_mask):
    obs, mask, rng = np.zeros((2, 3), np.int32), np.ones((2, 3, 4), np.int8), streams(2)
    obs[1, 1] = bad_obs
    if empty_mask:
        mask[1, 1] = 0
    before, actions = rng.copy(), np.full((2, 3), -5, np.int64)
    assert act(np.zeros((1, 7, 4), np.float32), obs, mask, rng, 0.5, actions) == 1 * 3 + 1
    assert (rng == before).all()
    assert (actions == -5).all()


def slow_update(q, alpha, gamma, batch):
    """The same as `update_q`, written from the definition."""
    for e, a in np.ndindex(batch["obs"].shape):
        if not batch["alive"][e, a]:
            continue
        table = q[min(a, len(q) - 1)]
        end = batch["ended"][e]
        after = batch["final_obs"][e, a] if end else batch["next_obs"][e, a]
        mask = batch["final_mask"][e, a] if end else batch["next_mask"][e, a]
        future = max(float(v) for v, allowed in zip(table[after], mask, strict=True) if allowed)
        target = float(batch["reward"][e, a]) + (0.0 if batch["terminated"][e, a] else gamma * future)
        old = float(table[batch["obs"][e, a], batch["actions"][e, a]])
        table[batch["obs"][e, a], batch["actions"][e, a]] = np.float32(old + alpha * (target - old))


def random_batch(pick, num_envs, num_agents, num_obs, num_actions):
    """Draw one step of a batch, with finished agents and environments that end."""
    shape = (num_envs, num_agents)
    masks = {name: (pick.random((*shape, num_actions)) < 0.6).astype(np.int8) for name in ("next_mask", "final_mask")}
    for mask in masks.values():
        np.put_along_axis(mask, pick.integers(0, num_actions, (*shape, 1)), 1, axis=2)
    flags = {name: pick.random(shape) < p for name, p in (("terminated", 0.2), ("alive", 0.8))}
    seen = {name: pick.integers(0, num_obs, shape).astype(np.int32) for name in ("obs", "next_obs", "final_obs")}
    return {
        "actions": pick.integers(0, num_actions, shape),
        "reward": pick.normal(size=shape).astype(np.float32),
        "ended": pick.random(num_envs) < 0.3,
        **masks,
        **flags,
        **seen,
    }


def fast_update(q, alpha, gamma, batch):
    order = (
        "obs",
        "actions",
        "reward",
        "next_obs",
        "next_mask",
        "final_obs",
        "final_mask",
        "ended",
        "terminated",
        "alive",
    )
    return update_q(q, alpha, gamma, *(batch[name] for name in order))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_update_equals_the_slow_oracle_bit_for_bit(seed, num_envs, num_agents, num_obs, num_actions, shared):
    pick = np.random.default_rng(seed)
    q = pick.normal(size=(1 if shared else num_agents, num_obs, num_actions)).astype(np.float32)
    expected = q.copy()
    for _ in range(3):
        batch = random_batch(pick, num_envs, num_agents, num_obs, num_actions)
        slow_update(expected, 0.3, 0.9, batch)
        assert fast_update(q, 0.3, 0.9, batch) == OK
    np.testing.assert_array_equal(q, expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("obs", 4),
        ("obs", -1),
        ("actions", 3),
        ("actions", -1),
        ("next_obs", 4),
        ("reward", np.nan),
        ("reward", np.inf),
        ("next_mask", 0),
    ],
)
def test_a_bad_transition_is_reported_before_anything_is_learned(name, value):
    batch = random_batch(np.random.default_rng(3), 3, 2, 4, 3)
    batch["ended"][:] = False
    batch[name][2, 1] = value
    q = np.zeros((1, 4, 3), np.float32)
    assert fast_update(q, 0.5, 0.9, batch) == 2 * 2 + 1
    assert (q == 0).all()


def test_what_stands_in_final_obs_matters_only_where_the_environment_ended():
    batch = random_batch(np.random.default_rng(3), 2, 1, 4, 3)
    batch["ended"][:] = [False, True]
    batch["final_obs"][0] = -99
    batch["next_obs"][1] = -99
    assert fast_update(np.zeros((1, 4, 3), np.float32), 0.5, 0.9, batch) == OK
    batch["final_obs"][1] = -99
    assert fast_update(np.zeros((1, 4, 3), np.float32), 0.5, 0.9, batch) == 1


def rolled() -> str:
    """Return what is chosen and learned from random numbers."""
    pick, rng = np.random.default_rng(5), streams(8)
    q, actions = pick.integers(0, 3, (2, 6, 4)).astype(np.float32), np.empty((8, 2), np.int64)
    chosen = []
    for _ in range(20):
        batch = random_batch(pick, 8, 2, 6, 4)
        for act, strength in ((act_epsilon_greedy, 0.4), (act_boltzmann, 0.5)):
            act(q, batch["obs"], batch["next_mask"], rng, strength, actions)
            chosen += actions.ravel().tolist()
        fast_update(q, 0.3, 0.9, batch)
    return str([chosen, rng.tolist(), q.view(np.int32).tolist()])


@pytest.mark.skipif(not jit.ENABLED, reason="nothing is compiled")
def test_compiled_kernels_equal_plain_python():
    code = "from tests.agents.tabular.test_kernels import rolled; print(rolled())"
    compiled = rolled()
    assert len(compiled) > 2000
    assert run_python(code, NUMBA_DISABLE_JIT="1", PYTHONWARNINGS="ignore") == compiled
