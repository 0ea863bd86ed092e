"""Leaky sums: as a loop over numbers adds them up, with gradients as differences say; with the right weights a rule."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents.deep.rl2 import Bandits, Policy  # noqa: E402
from agents.deep.traces import Traces, unrolled  # noqa: E402
from marl_envs.core.params import ParameterError  # noqa: E402


def test_a_sequence_at_once_is_what_a_loop_over_numbers_adds_up():
    net = Traces(4, lengths=(2.0, 50.0)).build(3)
    inputs, memory = torch.randn(6, 9, 3), torch.randn(6, 6)
    fresh = torch.rand(6, 9, generator=torch.Generator().manual_seed(1)) < 0.3
    sums = net(inputs, memory, fresh)[1].tolist()
    assert fresh.any()
    for row in range(6):
        for place in range(6):
            kept, total = 2.718281828459045 ** (-1.0 / (2.0, 50.0)[place // 3]), float(memory[row, place])
            for t in range(9):
                total = (0.0 if fresh[row, t] else kept * total) + float(inputs[row, t, place % 3])
                assert sums[row][t][place] == pytest.approx(total, abs=1e-5)


def test_gradients_of_decays_inputs_and_the_start_are_those_of_differences():
    def drawn(*shape):
        return torch.rand(*shape, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(unrolled, (drawn(2, 5, 3), drawn(2, 5, 3), drawn(2, 3)))


def test_what_was_seen_a_hundred_steps_ago_still_has_a_gradient():
    net, inputs = Traces(4).build(2), torch.randn(1, 100, 2, requires_grad=True)
    _, sums = net(inputs, torch.zeros(1, 2), torch.zeros(1, 100, dtype=torch.bool))
    sums[0, -1].sum().backward()
    assert inputs.grad[0, 0].tolist() == pytest.approx([0.905] * 2, abs=0.001)  # exp(-99 / 1000)


def test_with_weights_set_by_hand_it_plays_the_greedy_rule_on_bandits():
    """ln(1 + wins) - ln(1 + pulls / 2) orders arms as (wins + 1) / (pulls + 2), the mean after Laplace, does."""
    arms, tasks = 4, 300
    policy = Policy(0, arms, Traces(3))
    with torch.no_grad():
        policy.body.pace[:] = -40.0  # forgets nothing
        policy.body.gain[:arms] = 0.5
        policy.actor.weight[:], policy.actor.bias[:] = 0.0, 0.0
        policy.actor.weight[:, :arms] = -torch.eye(arms)
        policy.actor.weight[:, arms : 2 * arms] = torch.eye(arms)
    dice = torch.Generator().manual_seed(0)
    bandits, rows = Bandits(tasks, arms, dice), torch.arange(tasks)
    wins, pulls = torch.zeros(tasks, arms), torch.zeros(tasks, arms)
    memory, seen = policy.start(tasks), torch.zeros(tasks, 1, 2 * arms + 2)
    for _ in range(30):
        logits, _, memories = policy(seen, memory)
        memory, action = memories[:, 0], torch.randint(arms, (tasks,), generator=dice)
        means = (wins + 1.0) / (pulls + 2.0)
        torch.testing.assert_close(logits[:, 0].detach().exp(), 2.0 * means)
        reward, ended = bandits.step(action)
        wins[rows, action] += reward
        pulls[rows, action] += 1.0
        one = torch.nn.functional.one_hot(action, arms).float()
        seen = torch.cat([one, one * reward[:, None], reward[:, None], ended[:, None]], 1)[:, None]


def test_one_number_is_no_list_of_lengths():
    with pytest.raises(ParameterError, match="lengths must be several numbers, such as"):
        Traces(4, lengths=5.0)
