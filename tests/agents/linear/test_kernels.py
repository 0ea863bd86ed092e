"""Sums of tables against slow oracles: plain Python, and the table learner where there is one table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.linear import kernels as linear
from agents.tabular import kernels as tabular
from agents.tabular.kernels import OK
from marl_envs.core import jit
from marl_envs.core.random import seed_stream

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

E, A, N = 3, 2, 3


def samples(sizes: list[int], seed: int) -> dict[str, Any]:
    """Return one step of a batch at random."""
    rng = np.random.default_rng(seed)

    def obs() -> Any:
        return rng.integers(0, sizes, (E, A, len(sizes))).astype(np.int32)

    def mask() -> Any:
        allowed = rng.integers(0, 2, (E, A, N)).astype(np.int8)
        allowed[..., 1] = 1
        return allowed

    return {
        "obs": obs(),
        "actions": rng.integers(0, N, (E, A)),
        "reward": rng.normal(size=(E, A)).astype(np.float32),
        "next_obs": obs(),
        "next_mask": mask(),
        "final_obs": obs(),
        "final_mask": mask(),
        "ended": rng.random(E) < 0.3,
        "terminated": rng.random((E, A)) < 0.2,
        "alive": rng.random((E, A)) < 0.8,
    }


def tables(sizes: list[int], shared: bool, seed: int) -> tuple[Any, Any, Any, Any]:
    """Return weights, first rows, sizes and the scratch row."""
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(1 if shared else A, sum(sizes), N)).astype(np.float32)
    counts = np.array(sizes, np.int64)
    return q, np.cumsum(counts) - counts, counts, np.zeros((1, 1, N), np.float32)


def slow_update(q: Any, sizes: list[int], alpha: float, gamma: float, step: dict[str, Any]) -> Any:
    """Return what the update shall do, one agent after the other, with a list of tables."""
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    split = [[q[t, s : s + n].astype(float) for s, n in zip(starts, sizes, strict=True)] for t in range(len(q))]
    for e in range(E):
        for a in range(A):
            if not step["alive"][e, a]:
                continue
            own, after = split[a % len(q)], "final" if step["ended"][e] else "next"

            def value(obs: Any, b: Any, own: Any = own) -> float:
                return sum(table[row, b] for table, row in zip(own, obs, strict=True))

            target = float(step["reward"][e, a])
            if not step["terminated"][e, a]:
                allowed = np.flatnonzero(step[f"{after}_mask"][e, a])
                target += gamma * max(value(step[f"{after}_obs"][e, a], b) for b in allowed)
            seen, b = step["obs"][e, a], step["actions"][e, a]
            error = target - value(seen, b)
            for table, row in zip(own, seen, strict=True):
                table[row, b] = np.float32(table[row, b] + alpha / len(sizes) * error)
    return np.array([np.concatenate(parts) for parts in split])


@given(seed=st.integers(0, 10**6), shared=st.booleans(), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_update_is_that_of_plain_python(seed: int, shared: bool, sizes: list[int]):
    q, first, counts, values = tables(sizes, shared, seed)
    step = samples(sizes, seed + 1)
    expected = slow_update(q, sizes, 0.3, 0.9, step)
    before = q.copy()
    assert linear.update_q(q, first, counts, values, 0.3, 0.9, *_ordered(step)) == OK
    np.testing.assert_allclose(q, expected, atol=1e-5)
    assert (q != before).any() == step["alive"].any()


def _ordered(step: dict[str, Any]) -> list[Any]:
    names = ("obs", "actions", "reward", "next_obs", "next_mask", "final_obs", "final_mask", "ended", "terminated")
    return [step[name] for name in (*names, "alive")]


@given(seed=st.integers(0, 10**6), shared=st.booleans(), rule=st.sampled_from(["epsilon_greedy", "boltzmann"]))
@settings(max_examples=60, deadline=None)
def test_one_table_gives_the_bits_of_the_table_learner(seed: int, shared: bool, rule: str):
    q, first, counts, values = tables([6], shared, seed)
    q[:, ::2] = np.round(q[:, ::2])  # ties
    plain, step = q.copy(), samples([6], seed + 1)
    streams = [np.array([seed_stream(seed, e) for e in range(E)], np.uint64) for _ in range(2)]
    chosen = [np.full((E, A), -1) for _ in range(2)]
    act = f"act_{rule}"
    one = {**step, **{name: step[name][..., 0].copy() for name in ("obs", "next_obs", "final_obs")}}
    given_ = (q, first, counts, values, step["obs"], step["next_mask"], streams[0], 0.4, chosen[0])
    assert getattr(linear, act)(*given_) == OK
    assert getattr(tabular, act)(plain, one["obs"], step["next_mask"], streams[1], 0.4, chosen[1]) == OK
    np.testing.assert_array_equal(chosen[0], chosen[1])
    np.testing.assert_array_equal(streams[0], streams[1])
    linear.update_q(q, first, counts, values, 0.3, 0.9, *_ordered(step))
    tabular.update_q(plain, 0.3, 0.9, *_ordered(one))
    np.testing.assert_array_equal(q, plain)


def test_the_greedy_action_has_the_largest_sum():
    q, first, counts, values = tables([2, 3], True, 0)
    q[0, :, :] = 0.0
    q[0, 1] = [3.0, 0.0, 2.0]  # row 1 of the first table
    q[0, 2 + 2] = [0.0, 9.0, 2.0]  # row 2 of the second
    obs = np.tile(np.array([1, 2], np.int32), (E, A, 1))
    actions, rng = np.zeros((E, A), np.int64), np.arange(E).astype(np.uint64)
    mask = np.tile(np.array([1, 0, 1], np.int8), (E, A, 1))  # 9 is forbidden, 4 beats 3
    assert linear.act_epsilon_greedy(q, first, counts, values, obs, mask, rng, 0.0, actions) == OK
    assert (actions == 2).all()


@pytest.mark.parametrize(("name", "k", "value"), [("obs", 0, 2), ("obs", 1, -1), ("next_obs", 1, 3)])
def test_a_row_that_does_not_exist_is_reported_and_nothing_learned(name: str, k: int, value: int):
    q, first, counts, values = tables([2, 3], True, 0)
    step, before = samples([2, 3], 1), q.copy()
    step["ended"][:] = False
    step["alive"][:] = True
    step[name][1, 1, k] = value
    assert linear.update_q(q, first, counts, values, 0.3, 0.9, *_ordered(step)) == 1 * A + 1
    np.testing.assert_array_equal(q, before)
    if name == "obs":
        actions, rng = np.zeros((E, A), np.int64), np.zeros(E, np.uint64)
        arguments = (q, first, counts, values, step["obs"], step["next_mask"], rng, 0.5, actions)
        assert linear.act_epsilon_greedy(*arguments) == linear.act_boltzmann(*arguments) == 1 * A + 1
