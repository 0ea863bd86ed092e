"""Trackers are told of a training's course, and change nothing in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents import Evaluation, History, IndependentQLearning, train
from agents.tracking import TensorBoard, Trackers
from marl_envs import matrix_v0


class Diary:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def on_start(self, history: History, settings: dict[str, Any]) -> None:
        self.lines.append(("start", history.steps, settings["algorithm"]))

    def on_evaluation(self, evaluation: Evaluation, history: History) -> None:
        assert history.evaluations[-1] is evaluation
        self.lines.append(("evaluation", evaluation.steps, len(evaluation.episodes)))

    def on_end(self, history: History) -> None:
        self.lines.append(("end", history.steps, history.finished))


def trained(tracker: Any = None, **options: Any) -> tuple[IndependentQLearning, History]:
    vec = matrix_v0.vector_env(num_envs=2, game="climbing")
    learner = IndependentQLearning(vec, seed=0, alpha=0.1, gamma=0.9)
    plan: dict[str, Any] = {"seed": 0, "eval_every": 200, "eval_episodes": 4, "progress": False}
    return learner, train(learner, vec, 400, tracker=tracker, **plan, **options)


def test_is_told_of_start_evaluations_and_end() -> None:
    diary, second = Diary(), Diary()
    learner, history = trained(Trackers(diary, second))
    assert diary.lines == [
        ("start", 0, "IndependentQLearning"),
        ("evaluation", 0, 4),
        ("evaluation", 200, 4),
        ("evaluation", 400, 4),
        ("end", 400, True),
    ]
    assert second.lines == diary.lines
    alone, same = trained()
    assert (alone.q == learner.q).all()
    assert same == history


def test_resumed_training_says_where_it_goes_on(tmp_path: Path) -> None:
    diary, steps = Diary(), iter(range(1000))
    course: dict[str, Any] = {"checkpoint": tmp_path / "training.npz", "resume": True}
    trained(diary, stop=lambda: next(steps) == 60, **course)
    assert diary.lines[-1] == ("end", 240, False)
    trained(diary, **course)
    assert diary.lines[-3:] == [("start", 240, "IndependentQLearning"), ("evaluation", 400, 4), ("end", 400, True)]


@pytest.mark.tensorboard
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs TensorBoard (extra `tensorboard`)")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, history = trained(TensorBoard(tmp_path))
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    tags = [tag for kind in ("scalars", "tensors") for tag in events.Tags()[kind]]
    assert "training/return" in tags
    points = events.Tensors("evaluation/return")
    assert [point.step for point in points] == [0, 200, 400]
    wanted = [one.mean("return") for one in history.evaluations]
    assert [float(point.tensor_proto.float_val[0]) for point in points] == pytest.approx(wanted)


def test_missing_tensorboard_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    with pytest.raises(ImportError, match="needs the extra tensorboard"):
        TensorBoard(tmp_path)
