"""RL^2: advantages by hand, memory across episodes, and a family in which trying once is worth it."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents.deep import GRU, LossError, Traces  # noqa: E402
from agents.deep.rl2 import RL2, Bandits, advantages, gumbel  # noqa: E402
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
    reward, value = torch.tensor([[1.0, 0.0, 2.0]]), torch.tensor([[0.5, 1.0, 0.25]])
    errors = [1.0 + 0.9 * 1.0 - 0.5, 0.9 * 0.25 - 1.0, 2.0 - 0.25]
    by_hand = [errors[0] + 0.45 * (errors[1] + 0.45 * errors[2]), errors[1] + 0.45 * errors[2], errors[2]]
    assert advantages(reward, value, 0.9, 0.5)[0].tolist() == pytest.approx(by_hand)


@pytest.mark.parametrize(("body", "passes"), [(GRU(16), 1), (Traces(16), 3)], ids=["gru", "traces"])
def test_what_was_found_out_is_remembered_across_episodes(body, passes):
    """Eight pulls: at best half a win at the first, then always; 4 without a memory."""
    settings = {"trials": 64, "epochs": passes, "parts": passes, "learning_rate": 1e-2, "lam": 1.0, "seed": 0}
    learner = RL2(Doors, actions=2, steps=8, body=body, **settings)
    earned = learner.train(100 // passes)
    assert earned[0] == pytest.approx(4.0, abs=0.8)
    assert learner.score(400, seed=5) > 6.0


def test_the_first_pass_follows_the_gradient_of_actors_and_critics():
    """As long as nothing has changed it is that of -(log-probability times advantage), critic and entropy."""
    learner = RL2(Doors, actions=2, steps=4, body=GRU(6), trials=8, seed=1)
    trial = learner.play(Doors(8, torch.Generator().manual_seed(0)), torch.Generator().manual_seed(1))
    advantage, wanted = torch.randn(8, 4), torch.randn(8, 4)
    weights = list(learner.policy.parameters())
    found = torch.autograd.grad(learner._loss(trial, advantage, wanted, 0.1), weights)
    logits, value, _ = learner.policy(trial.seen, torch.zeros(8, 6))
    choice = torch.distributions.Categorical(logits=logits)
    acting = (choice.log_prob(trial.action) * advantage).mean() + 0.1 * choice.entropy().mean()
    expected = torch.autograd.grad(0.5 * (value - wanted).square().mean() - acting, weights)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_what_is_likelier_by_more_than_the_ratio_is_left_alone():
    learner = RL2(Doors, actions=2, steps=4, body=GRU(6), trials=8, ratio=0.1, seed=1)
    trial = learner.play(Doors(8, torch.Generator().manual_seed(0)), torch.Generator().manual_seed(1))
    better, worse = torch.ones(8, 4), torch.full((8, 4), -1.0)
    for change, advantage, moves in ((0.2, better, False), (0.2, worse, True), (-0.2, worse, False)):
        before = trial._replace(chance=trial.chance - change)  # it has become likelier by a factor of exp(change)
        loss = learner._loss(before, advantage, torch.zeros(8, 4), 0.0)
        (slope,) = torch.autograd.grad(loss, [learner.policy.actor.weight])
        assert bool(slope.any()) == moves


def test_chances_decide_what_is_drawn():
    chances = torch.tensor([0.1, 0.2, 0.7]).log().expand(20_000, 3)
    drawn = (chances + gumbel(chances, torch.Generator().manual_seed(0))).argmax(1).bincount()
    assert (drawn / 20_000).tolist() == pytest.approx([0.1, 0.2, 0.7], abs=0.015)


def test_the_same_seed_learns_the_same():
    def learned():
        family = {"actions": 3, "steps": 5, "body": Traces(8), "trials": 16, "epochs": 2, "parts": 2, "seed": 3}
        learner = RL2(lambda tasks, dice: Bandits(tasks, 3, dice), **family)
        return learner.train(3), learner.score(50, seed=1)

    assert learned() == learned()


def test_bandits_pay_as_often_as_their_chances_say():
    bandits = Bandits(2000, 2, torch.Generator().manual_seed(0))
    bandits.chances[:] = torch.tensor([0.2, 0.9])
    paid = torch.stack([bandits.step(torch.full((2000,), arm))[0].mean() for arm in (0, 1)])
    assert torch.allclose(paid, torch.tensor([0.2, 0.9]), atol=0.04)


def test_a_loss_that_is_not_finite_stops_with_round_and_rate():
    learner = RL2(Doors, actions=2, steps=4, body=GRU(8), trials=8)
    with torch.no_grad():
        learner.policy.critic.bias[:] = torch.nan
    with pytest.raises(LossError, match=r"nan in round 0, with learning rate 0.006"):
        learner.train(1)


def test_settings_that_are_not_allowed_are_refused():
    with pytest.raises(ParameterError, match="steps"):
        RL2(Doors, actions=2, steps=0)
    with pytest.raises(ParameterError, match=r"parts .* 8"):
        RL2(Doors, actions=2, steps=4, trials=8, parts=9)
    with pytest.raises(ParameterError, match="trials"):  # its advantage over the mean of one would always be 0
        RL2(Doors, actions=2, steps=4, trials=1)
