"""A learned policy has to beat the first one once more: against SciPy's test, and with a real learner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from agents import IndependentQLearning, evaluate
from benchmarks import safety
from benchmarks.catalogue import check_job
from benchmarks.config import Training, load_suite
from benchmarks.errors import InputError
from benchmarks.jobs import expand
from benchmarks.safety import better_for_sure, keep_if_better
from benchmarks.simulate import _train
from marl_envs import matrix_v0
from tests.benchmarks.fakes import write_suite

TIMES = st.lists(st.tuples(st.floats(1.0, 1e3), st.floats(1.0, 1e3)), min_size=3, max_size=40, unique_by=sum)


@given(TIMES, st.booleans())
def test_as_the_one_sided_paired_test(pairs: list[tuple[float, float]], lowest: bool) -> None:
    first, later = np.array(pairs).T
    share = (later - first) / ((first + later) / 2)
    assume(np.ptp(share) > 1e-9)  # SciPy warns of what is equal but for rounding
    p = float(stats.ttest_1samp(share, 0.0, alternative="less" if lowest else "greater").pvalue)
    if abs(p - 0.05) > 1e-9:
        assert better_for_sure(first, later, lowest) == (p < 0.05)


def test_what_says_nothing_is_not_better() -> None:
    assert not better_for_sure([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], lowest=True)  # the same policy
    assert not better_for_sure([0.0, 0.0], [0.0, 0.0], lowest=False)
    assert not better_for_sure([100.0], [1.0], lowest=True)  # one pair
    assert not better_for_sure([100.0, np.nan, 90.0], [1.0, 1.0, np.nan], lowest=True)  # one pair that counts
    assert better_for_sure([100.0, 100.0, np.nan], [50.0, 51.0, np.nan], lowest=True)


def test_a_heavy_hour_counts_no_more_than_a_light_one() -> None:
    """Faster by a tenth in light hours, slower by a little in one heavy one, whose seconds outweigh them."""
    first, later = np.array([60.0] * 20 + [5000.0]), np.array([54.0] * 20 + [5200.0])
    assert (later - first).sum() > 0
    assert better_for_sure(first, later, lowest=True)


@pytest.mark.parametrize(("first", "later", "kept"), [(2, 0, True), (0, 2, False), (0, 0, False)])
def test_the_better_one_is_kept(first: int, later: int, kept: bool) -> None:
    """In the climbing game both earn 11 with the first action, and 5 with the last."""
    vec = matrix_v0.vector_env(4, game="climbing")
    learner = IndependentQLearning(vec, seed=0)
    tables = {action: {"q": np.eye(3, dtype=np.float32)[[action]][None]} for action in (0, 2)}
    learner.know(tables[later])
    assert keep_if_better(learner, tables[first], vec, "mean_payoff", False, 8, 5) == kept
    best = later if kept else first
    assert learner.q.argmax() == best
    assert evaluate(learner, vec, 1, 1)[0]["mean_payoff"] == {0: 11.0, 2: 5.0}[best]


def test_needs_the_best() -> None:
    with pytest.raises(ValueError, match="safety_episodes is a test of the best policy: it needs result: best"):
        Training(result="last", safety_episodes=8)
    with pytest.raises(ValueError, match="safety_params are of a test: they need safety_episodes"):
        Training(safety_params={"demand_sets": 8})


def test_a_parameter_that_there_is_not_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    suite = load_suite(write_suite(tmp_path, seeds=1))
    job = next(job for job in expand(suite) if job.agent == "learner")
    assert job.train is not None
    plan = job.train.model_copy(update={"safety_episodes": 8, "safety_params": {"robots": 3}})
    with pytest.raises(InputError, match=r"train.safety_params \(for learner in floor\): .*robots"):
        check_job(job.model_copy(update={"train": plan}), tmp_path / "fake.yaml")


def test_needs_two_pairs() -> None:
    """Of one nothing is sure, so every training would be thrown away."""
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        Training(result="best", safety_episodes=1)
    assert Training(result="best", safety_episodes=2).safety_episodes == 2


def test_the_test_may_be_played_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's environment has other parameters than the training's, which is no reason to refuse the learner."""
    kept: list[bool] = []
    keep_if_better = safety.keep_if_better
    monkeypatch.setattr(safety, "keep_if_better", lambda *given: kept.append(keep_if_better(*given)))
    suite = load_suite(write_suite(tmp_path, seeds=1))
    job = next(job for job in expand(suite) if job.agent == "learner" and job.environment == "floor")
    assert job.train is not None
    plan = job.train.model_copy(update={"safety_episodes": 8, "safety_params": {"max_cycles": 30}})
    learner, _ = _train(job.model_copy(update={"train": plan, "params": {**job.params, "max_cycles": 20}}), tmp_path)
    assert kept == [bool(learner.knowledge()["q"].any())]


def test_in_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a training it is asked once, with what the learner began with, in the environment of the test."""
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(safety, "keep_if_better", lambda *given: asked.append(given))
    suite = load_suite(write_suite(tmp_path, seeds=1))
    job = next(job for job in expand(suite) if job.agent == "learner" and job.environment == "floor")
    assert job.train is not None
    for episodes in (None, 8):
        more: dict[str, Any] = {"safety_params": {"max_cycles": 30}} if episodes else {}
        plan = job.train.model_copy(update={"safety_episodes": episodes, **more})
        params = {**job.params, "max_cycles": 20}
        folder = tmp_path / str(episodes)
        folder.mkdir()
        learner, _ = _train(job.model_copy(update={"train": plan, "params": params}), folder)
    ((judged, first, judge, *others),) = asked
    assert judged is learner
    assert not first["q"].any()
    assert judge.params.max_cycles == 30  # of the test, not of the training
    assert others[:3] == ["deliveries", False, 8]
