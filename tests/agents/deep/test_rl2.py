"""RL^2: advantages by hand, memory across episodes, and a family in which trying once is worth it."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents.deep import LossError  # noqa: E402
from agents.deep.rl2 import RL2, Bandits, advantages  # noqa: E402
from marl_envs.core.params import ParameterError  # noqa: E402


class Doors:
    """Behind one of two doors there is always 1, behind the other nothing: whoever has tried one knows."""

    def __init__(self, tasks, generator):
        self.good = torch.randint(2, (tasks,), generator=generator)

    def see(self):
        return torch.zeros(len(self.good), 0)

    def step(self, actions):
        return (actions == self.good).float(), torch.ones(len(actions), dtype=torch.bool)


def test_advantages_are_the_discounted_errors_of_the_critic():
    reward, value = torch.tensor([[1.0], [0.0], [2.0]]), torch.tensor([[0.5], [1.0], [0.25]])
    errors = [1.0 + 0.9 * 1.0 - 0.5, 0.9 * 0.25 - 1.0, 2.0 - 0.25]
    by_hand = [errors[0] + 0.45 * (errors[1] + 0.45 * errors[2]), errors[1] + 0.45 * errors[2], errors[2]]
    assert advantages(reward, value, 0.9, 0.5)[:, 0].tolist() == pytest.approx(by_hand)


def test_what_was_found_out_is_remembered_across_episodes():
    """Eight pulls: at best half a win at the first, then always; 4 without a memory."""
    learner = RL2(Doors, actions=2, steps=8, hidden=16, trials=64, learning_rate=1e-2, lam=1.0, seed=0)
    earned = learner.train(100)
    assert earned[0] == pytest.approx(4.0, abs=0.8)
    assert learner.score(400, seed=5) > 6.0


def test_the_same_seed_learns_the_same():
    def learned():
        learner = RL2(lambda tasks, dice: Bandits(tasks, 3, dice), actions=3, steps=5, hidden=8, trials=16, seed=3)
        return learner.train(3), learner.score(50, seed=1)

    assert learned() == learned()


def test_bandits_pay_as_often_as_their_chances_say():
    bandits = Bandits(2000, 2, torch.Generator().manual_seed(0))
    bandits.chances[:] = torch.tensor([0.2, 0.9])
    paid = torch.stack([bandits.step(torch.full((2000,), arm))[0].mean() for arm in (0, 1)])
    assert torch.allclose(paid, torch.tensor([0.2, 0.9]), atol=0.04)


def test_a_loss_that_is_not_finite_stops_with_round_and_rate():
    learner = RL2(Doors, actions=2, steps=4, hidden=8, trials=8)
    with torch.no_grad():
        learner.policy.critic.bias[:] = torch.nan
    with pytest.raises(LossError, match=r"nan in round 0, with learning rate 0.006"):
        learner.train(1)


def test_settings_that_are_not_allowed_are_refused():
    with pytest.raises(ParameterError, match="steps"):
        RL2(Doors, actions=2, steps=0)
