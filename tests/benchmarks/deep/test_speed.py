"""What is measured of networks adds up; nothing timed is asserted."""

import io

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from rich.console import Console  # noqa: E402

from benchmarks.speed import deep  # noqa: E402

pytestmark = pytest.mark.deep

NAMES = ["DQN, feed-forward", "DQN, GRU", "DQN, attention", "QMIX, feed-forward"]


def test_rates_and_shares_are_medians_of_what_was_measured():
    parts = [deep.Spent(1.0, 4.0, 5.0, 80), deep.Spent(1.0, 5.0, 5.0, 20), deep.Spent(9.0, 10.0, 30.0, 3000)]
    assert deep.cells(parts) == ("20", "16", "25.0%")


@pytest.mark.parametrize("name", NAMES)
def test_it_measures_a_training_that_learns(name):
    training = deep.Training(deep.learners()[name])
    learner = training.learner
    assert learner.counts[1] * deep.ENVS >= deep.LEARN_AFTER
    before, weights = learner.counts[1], {name: array.copy() for name, array in learner.knowledge().items()}
    spent = training.spend(0.02)
    assert spent.batches == learner.counts[1] - before > 0
    assert 0.0 < spent.environment < spent.wall
    assert any((array != weights[name]).any() for name, array in learner.knowledge().items())


def test_the_figures_are_printed_for_one_and_two_threads(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(deep, "WARM", 1)
    every = deep.learners()
    assert list(every) == NAMES
    monkeypatch.setattr(deep, "learners", lambda: {NAMES[0]: every[NAMES[0]]})
    out, before = io.StringIO(), torch.get_num_threads()
    deep.run_deep_speed(0.01, 1, Console(file=out, width=140))
    one, two = out.getvalue().splitlines()[2:4]
    assert one.startswith(f"{NAMES[0]}  1 thread ")
    assert two.startswith(f"{NAMES[0]}  2 threads ")
    assert one.endswith("%")
    assert torch.get_num_threads() == before


def test_a_graphics_card_has_a_row_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    assert deep.places()[2:] == [("a card", "cuda", 1)]
