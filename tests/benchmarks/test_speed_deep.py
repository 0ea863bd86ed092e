"""What is measured of networks adds up; nothing timed is asserted."""

import io

import pytest
from rich.console import Console

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from benchmarks.speed import deep


def test_share_and_rate_are_of_the_whole_time():
    spent = deep.Spent(environment=1.0, learner=3.0, batches=8)
    assert (spent.share, spent.rate) == (0.25, 2.0)


def test_it_measures_a_training_that_learns():
    training = deep.Training()
    assert training.learner.counts[1] * deep.ENVS >= deep.LEARN_AFTER
    before = training.learner.counts[1]
    spent = training.spend(0.05)
    assert spent.batches == training.learner.counts[1] - before > 0
    assert min(spent.environment, spent.learner) > 0.0


def test_the_figures_are_printed():
    out = io.StringIO()
    deep.run_deep_speed(0.01, 1, Console(file=out, width=120))
    assert "batches learned per CPU-second" in out.getvalue()
    assert "share of the CPU time" in out.getvalue()
