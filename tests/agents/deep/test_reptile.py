"""Reptile against descent by hand, and on the sines of its paper."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents.deep import LossError  # noqa: E402
from agents.deep.reptile import Reptile, Sines, sine_errors, sine_network  # noqa: E402
from marl_envs.core.params import ParameterError  # noqa: E402


def flat(network):
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def test_one_step_and_a_whole_move_is_descent_on_all_tasks_at_once():
    generator = torch.Generator().manual_seed(0)
    x, y = Sines(6, generator).sample(10)
    ours, plain = sine_network(1), sine_network(1)
    Reptile(ours, inner_rate=0.05, outer_rate=1.0, inner_steps=1).train(lambda tasks: lambda: (x, y), 1, tasks=6)
    ((plain(x) - y) ** 2).mean().backward()
    with torch.no_grad():
        for weight in plain.parameters():
            weight -= 0.05 * weight.grad
    torch.testing.assert_close(flat(ours), flat(plain), atol=1e-6, rtol=1e-5)


def test_several_steps_are_those_of_an_optimiser_of_each_task():
    generator = torch.Generator().manual_seed(0)
    batches = [Sines(1, generator).sample(10) for _ in range(4)]
    ours, plain = sine_network(1), sine_network(1)
    start = flat(plain)
    stream = iter(batches)
    Reptile(ours, outer_rate=0.25, inner_steps=4).train(lambda tasks: lambda: next(stream), 1)
    descent = torch.optim.SGD(plain.parameters(), lr=0.02)
    for x, y in batches:
        descent.zero_grad()
        ((plain(x) - y) ** 2).mean().backward()
        descent.step()
    torch.testing.assert_close(flat(ours), start + 0.25 * (flat(plain) - start), atol=1e-6, rtol=1e-5)


def test_errors_are_measured_on_tasks_of_their_own_and_the_first_is_that_of_phi():
    learner = Reptile(sine_network(0))
    before = flat(learner.network)
    errors = sine_errors(learner, steps=3, seed=5, tasks=20)
    assert len(errors) == 4
    assert torch.equal(before, flat(learner.network))
    family = Sines(20, torch.Generator().manual_seed(5))
    x = torch.linspace(-5.0, 5.0, 50)
    with torch.no_grad():
        exact = ((learner.network(x[:, None])[None] - family.at(x)) ** 2).mean()
    assert errors[0] == pytest.approx(exact.item(), rel=1e-5)


@pytest.mark.slow
def test_a_start_that_was_learned_fits_new_sines_better():
    generator = torch.Generator().manual_seed(0)
    learner = Reptile(sine_network(0), outer_rate=1.0)
    before = sine_errors(learner, steps=32, seed=9)[-1]

    def draw(tasks):
        family = Sines(tasks, generator)
        return lambda: family.sample(10)

    learner.train(draw, 300, tasks=10)
    assert sine_errors(learner, steps=32, seed=9)[-1] < before / 2


def test_weights_that_run_away_stop_the_training_with_round_and_rate():
    generator = torch.Generator().manual_seed(0)
    learner = Reptile(torch.nn.Linear(1, 1), inner_rate=1000.0, inner_steps=40)
    with pytest.raises(LossError, match="round 0, inner learning rate 1000"):
        learner.train(lambda tasks: lambda: Sines(tasks, generator).sample(10), 5)
    assert torch.isfinite(flat(learner.network)).all()


def test_settings_that_are_not_allowed_are_refused():
    with pytest.raises(ParameterError, match="inner_steps"):
        Reptile(sine_network(0), inner_steps=0)
