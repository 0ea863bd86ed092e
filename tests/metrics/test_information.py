"""Information against scipy, known biases (their figures published and from simulation), and its null."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from marl_envs.core.params import ParameterError
from marl_envs.metrics import (
    action_information,
    combined_p_value,
    conditional_information,
    entropy,
    information_of,
    team_information,
)

COUNTS = st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=2, max_size=5).filter(
    lambda rows: sum(map(sum, rows)) > 0
)


@given(COUNTS)
def test_entropy_and_information_are_scipys(rows: list[list[int]]) -> None:
    table = np.array(rows)
    assert entropy(table) == pytest.approx(stats.entropy(table.ravel(), base=2))
    independent = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    divergence = special.rel_entr(table / table.sum(), independent / table.sum()).sum() / math.log(2)
    assert information_of(table) == pytest.approx(divergence, abs=1e-9)
    assert information_of(table) == pytest.approx(information_of(table.T))


def test_extremes() -> None:
    assert information_of(np.eye(4, dtype=int) * 7) == pytest.approx(2.0)
    assert information_of(np.full((3, 5), 4)) == pytest.approx(0.0)
    assert math.isnan(entropy([0, 0]))


def tables(joint: np.ndarray, samples: int, repeats: int) -> list[np.ndarray]:
    rng = np.random.default_rng(samples)
    return list(rng.multinomial(samples, joint.ravel(), size=repeats).reshape(repeats, *joint.shape))


INDEPENDENT = {20: (0.66, 0.48), 50: (0.279, 0.095), 100: (0.126, 0.0135), 500: (0.0237, 0.0006), 2000: (0.0058, 0.0)}


@pytest.mark.parametrize("samples", INDEPENDENT)
def test_bias_of_independent_actions(samples: int) -> None:
    drawn = tables(np.full((5, 5), 0.04), samples, 600)
    plug_in, corrected = (np.mean([information_of(t, miller_madow) for t in drawn]) for miller_madow in (False, True))
    assert (plug_in, corrected) == pytest.approx(INDEPENDENT[samples], abs=0.03 if samples < 100 else 0.004)
    if samples >= 500:  # the asymptotic bias
        assert plug_in == pytest.approx(16 / (2 * samples) / math.log(2), rel=0.1)


def copying(share: float) -> np.ndarray:
    """The joint distribution of five actions that the second agent copies with this probability."""
    return share * np.eye(5) / 5 + (1 - share) / 25


def true_information(share: float) -> float:
    joint = copying(share)
    return float(math.log2(25) - stats.entropy(joint.ravel(), base=2))


COUPLED = {20: (1.08, 0.992), 50: (0.828, 0.703), 100: (0.68, 0.584), 500: (0.576, 0.553), 2000: (0.557, 0.552)}


@pytest.mark.parametrize("samples", COUPLED)
def test_bias_of_coupled_actions(samples: int) -> None:
    share = optimize.brentq(lambda p: true_information(p) - 0.551, 0.01, 0.99)
    drawn = tables(copying(share), samples, 600)
    found = tuple(np.mean([information_of(t, miller_madow) for t in drawn]) for miller_madow in (False, True))
    assert found == pytest.approx(COUPLED[samples], abs=0.06 if samples < 100 else 0.02)


def sequences(rng: np.random.Generator, episodes: int, steps: int, stay: float) -> list[np.ndarray]:
    """Sequences of three actions that stay as they are with this probability."""
    found = []
    for _ in range(episodes):
        changes = rng.random(steps) >= stay
        fresh = rng.integers(3, size=steps)
        last = np.maximum.accumulate(np.where(changes, np.arange(steps), 0))
        found.append(fresh[last])
    return found


def test_independent_but_sluggish_sequences_are_not_coupled() -> None:
    # Within an episode both hardly change, so a free shuffle would find coupling nearly always; a shift does not.
    rejected = []
    for k in range(60):
        rng = np.random.default_rng(k)
        one, other = sequences(rng, 4, 100, 0.9), sequences(rng, 4, 100, 0.9)
        found = action_information(one, other, shifts=99, seed=k)
        rejected.append(found.p_value <= 0.05)
        assert abs(found.excess - (found.plug_in - found.null_mean)) < 1e-12
    assert np.mean(rejected) <= 0.15


def test_a_follower_is_found_at_its_lag() -> None:
    rng = np.random.default_rng(0)
    leader = [rng.integers(4, size=60) for _ in range(10)]
    follower = [np.concatenate([rng.integers(4, size=1), one[:-1]]) for one in leader]
    same, later = (action_information(leader, follower, lag, num_actions=4) for lag in (0, 1))
    assert later.plug_in == pytest.approx(2.0, abs=0.02)
    assert later.normalised == pytest.approx(1.0, abs=0.02)
    assert later.p_value == pytest.approx(1 / 201)
    assert later.samples == 590
    assert same.p_value > 0.05
    assert abs(same.excess) < 0.05
    table = team_information([np.stack(pair, axis=1) for pair in zip(leader, follower, strict=True)], 1, num_actions=4)
    assert table[0][1] == later
    assert table[0][0] is None
    back = table[1][0]
    assert back is not None
    assert back.excess < 0.05


def test_too_few_samples_give_nan_and_a_reason() -> None:
    found = action_information([[0, 1, 2, 1]], [[0, 1, 2, 1]], num_actions=5)
    assert all(math.isnan(x) for x in found[:6])
    assert found.samples == 4
    assert found.reason == "4 samples are fewer than 5 for each of 5 x 5 pairs of actions"
    enough = action_information([[0, 1] * 10], [[7, 9] * 10])  # two actions occur: 20 samples are enough
    assert enough.plug_in == pytest.approx(1.0)
    empty = action_information([[]], [[]])
    assert empty.samples == 0
    assert "fewer" in empty.reason


def test_who_always_does_the_same_has_no_scale() -> None:
    found = action_information([[1] * 30], [[0, 1, 2] * 10])
    assert found.plug_in == 0.0
    assert math.isnan(found.normalised)
    assert found.reason == "an agent always does the same"
    assert found.p_value == 1.0


def test_shared_context_goes_away_given_the_context() -> None:
    rng = np.random.default_rng(2)
    context = rng.integers(2, size=4000)
    one, other = ((context + (rng.random(4000) < 0.1)) % 2 for _ in range(2))
    assert action_information([one], [other]).miller_madow > 0.2
    assert conditional_information(one, other, context) == pytest.approx(0.0, abs=0.005)
    assert conditional_information(one, other, np.zeros(4000, int)) == pytest.approx(
        action_information([one], [other]).miller_madow
    )
    assert math.isnan(conditional_information([], [], []))


def test_bad_sequences_are_refused() -> None:
    with pytest.raises(ParameterError, match="first has 1 episodes, second 2"):
        action_information([[0]], [[0], [1]])
    with pytest.raises(ParameterError, match=r"first\[0\] has 2 steps, second\[0\] 1"):
        action_information([[0, 1]], [[0]])
    with pytest.raises(ParameterError, match="second holds action 4; with num_actions 3 it must be less"):
        action_information([[0] * 50], [[4] * 50], num_actions=3)
    with pytest.raises(ParameterError, match=r"first\[0\]\[1\] must be at least 0, not -1"):
        action_information([[0, -1]], [[0, 1]])
    with pytest.raises(ParameterError, match="must have the same length"):
        conditional_information([0], [0], [0, 1])


def test_combined_p_values_of_independent_ones_are_uniform_and_of_equal_ones_the_same() -> None:
    drawn = np.random.default_rng(0).uniform(0, 0.9, size=(4000, 6)) / 0.9
    found = [combined_p_value(row) for row in drawn]
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.012)
    for p in (0.03, 0.6, 0.95):
        assert [combined_p_value([p] * count) for count in (2, 6)] == pytest.approx([p, p])
    assert combined_p_value([0.4]) == 0.4
    assert combined_p_value([1.0, 0.001]) < 0.01  # a 1 does not outweigh what was found


def test_combined_p_values_of_correlated_ones_find_no_more_than_they_may() -> None:
    rng = np.random.default_rng(1)
    shared, own = rng.normal(size=(4000, 1)), rng.normal(size=(4000, 6))
    p_values = stats.norm.sf(np.sqrt(0.7) * shared + np.sqrt(0.3) * own)
    found = np.mean([combined_p_value(row) < 0.05 for row in p_values])
    assert 0.02 < found < 0.06


@pytest.mark.parametrize("bad", [[], [0.0, 0.5], [0.5, 1.1], [float("nan")]])
def test_bad_p_values_are_refused(bad: list[float]) -> None:
    with pytest.raises(ParameterError, match="p_values must be"):
        combined_p_value(bad)
