"""Targets against transitions worked out by hand, and against plain Python on drawn ones."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents.deep.targets import at_steps, best, follow, huber, n_step_returns, value_of_best  # noqa: E402


def returns(rewards, over, terminated, gamma=0.5, n=3):
    arrays = (
        torch.tensor(row, dtype=kind)[None, :, None]
        for row, kind in ((rewards, torch.float32), (over, torch.bool), (terminated, torch.bool))
    )
    found = n_step_returns(*arrays, gamma, n)
    return [part[0, :, 0].tolist() for part in found]


def test_one_step_is_the_reward_and_gamma():
    assert returns([3.0, 4.0], [0, 1], [0, 1], n=1) == [[3.0, 4.0], [0.5, 0.0], [0, 1]]


def test_three_steps_add_up_discounted():
    assert returns([1.0, 2.0, 4.0], [0, 0, 0], [0, 0, 0]) == [[1 + 1 + 1], [0.125], [2]]


def test_a_termination_ends_the_sum_and_nothing_is_expected_after_it():
    assert returns([1.0, 2.0, 4.0], [0, 1, 0], [0, 1, 0]) == [[2.0], [0.0], [1]]


def test_a_truncation_ends_the_sum_but_its_final_observation_has_a_value():
    assert returns([1.0, 2.0, 4.0], [0, 1, 0], [0, 0, 0]) == [[2.0], [0.25], [1]]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_as_plain_python_adds_up(n):
    rng = np.random.default_rng(n)
    reward = rng.normal(size=(4, 6 + n - 1, 3)).astype(np.float32)
    terminated = rng.random(reward.shape) < 0.2
    over = terminated | (rng.random(reward.shape) < 0.2)
    found = n_step_returns(*map(torch.from_numpy, (reward, over, terminated)), 0.9, n)
    for b, t, a in np.ndindex(4, 6, 3):
        total, k = 0.0, 0
        for k in range(n):
            total += 0.9**k * float(reward[b, t + k, a])
            if over[b, t + k, a]:
                break
        assert found.reward[b, t, a].item() == pytest.approx(total, abs=1e-5)
        assert found.last[b, t, a].item() == t + k
        expected = 0.0 if terminated[b, t + k, a] else 0.9 ** (k + 1)
        assert found.discount[b, t, a].item() == pytest.approx(expected, abs=1e-6)


def test_double_q_lets_one_network_choose_and_the_other_judge():
    judged, choosing = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([5.0, 0.0, 4.0])
    assert value_of_best(judged, choosing, None).item() == 1.0
    assert value_of_best(judged, judged, None).item() == 3.0


def test_forbidden_actions_are_neither_chosen_nor_judged():
    judged, choosing = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([5.0, 0.0, 4.0])
    assert value_of_best(judged, choosing, torch.tensor([0, 1, 1])).item() == 3.0
    assert best(choosing, torch.tensor([0, 1, 0])).item() == 1
    assert torch.isfinite(value_of_best(judged, choosing, torch.zeros(3)))  # of agents that have finished


def test_huber_is_a_square_near_zero_and_a_line_beyond():
    errors = torch.tensor([-0.5, 0.0, 1.0, 3.0, -3.0])
    assert huber(errors, 1.0).tolist() == [0.125, 0.0, 0.5, 2.5, 2.5]
    theirs = torch.nn.functional.huber_loss(errors, torch.zeros(5), reduction="none", delta=2.0)
    assert torch.allclose(huber(errors, 2.0), theirs)


def test_targets_follow_by_a_share_or_at_once():
    slow, fast = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
    slow.weight.data[:], fast.weight.data[:] = 0.0, 1.0
    follow(slow, fast, 0.25)
    follow(slow, fast, 0.25)
    assert slow.weight.item() == 0.4375
    follow(slow, fast, 1.0)
    assert slow.weight.item() == 1.0


def test_each_agent_looks_at_its_own_step():
    array = torch.arange(2 * 3 * 2).reshape(2, 3, 2)
    steps = torch.tensor([[[0, 2]], [[1, 1]]])
    assert at_steps(array, steps).tolist() == [[[0, 5]], [[8, 9]]]
