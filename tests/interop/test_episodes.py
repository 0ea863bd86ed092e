"""The log of finished episodes: rows, files, TensorBoard. That it counts rightly is among the conformance checks."""

import csv
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marl_envs.interop import EpisodeLog
from tests.interop.processes import write_episodes


class Writer:
    """Stands for TensorBoard's SummaryWriter."""

    def __init__(self) -> None:
        self.scalars: list[tuple[str, float, int]] = []

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars.append((name, value, step))


def test_columns():
    log = EpisodeLog()
    assert log.columns() == {}
    log.add({"deliveries": 3, "service_time": 12.5})
    log.add_batch(
        {
            "ended": np.array([True, False, True]),
            "metrics": {"deliveries": np.array([1.0, 2, 3]), "service_time": np.array([4.0, 5, np.nan])},
        }
    )
    assert len(log) == 3
    np.testing.assert_array_equal(log.columns()["deliveries"], [3, 1, 3])
    np.testing.assert_array_equal(log.columns()["service_time"], [12.5, 4, np.nan])


def test_other_names_are_refused_and_nothing_is_lost(tmp_path: Path):
    log = EpisodeLog(tmp_path / "log.csv")
    log.add({"deliveries": 3.0})
    with pytest.raises(ValueError, match="delay"):
        log.add({"delay": 1.0})
    assert len(log) == 1
    assert (tmp_path / "log.csv").read_text().split() == ["deliveries", "3.0"]


def test_tensorboard_gets_the_means_since_the_last_call():
    log, writer = EpisodeLog(), Writer()
    log.to_tensorboard(writer, 0)
    assert not writer.scalars
    for deliveries, time in ((1.0, np.nan), (3.0, 7.0), (5.0, np.nan)):
        log.add({"deliveries": deliveries, "service_time": time})
    log.to_tensorboard(writer, 10)
    assert writer.scalars == [("coordination/deliveries", 3.0, 10), ("coordination/service_time", 7.0, 10)]
    writer.scalars.clear()
    log.add({"deliveries": 9.0, "service_time": np.nan})
    log.to_tensorboard(writer, 20, prefix="test")
    assert writer.scalars == [("test/deliveries", 9.0, 20)]


def test_processes_write_to_one_file(tmp_path: Path):
    path = tmp_path / "folder" / "log.csv"
    log = EpisodeLog(path)
    log.add({"worker": -1, "episode": 0})
    context: Any = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write_episodes, args=(log, worker)) for worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with path.open(newline="") as file:
        rows = [(float(row["worker"]), float(row["episode"])) for row in csv.DictReader(file)]
    assert sorted(rows) == [(-1, 0), *((w, k) for w in range(3) for k in range(200))]
    assert len(log) == 1


def test_a_dataframe():
    pd = pytest.importorskip("pandas")
    log = EpisodeLog()
    log.add({"deliveries": 3.0, "service_time": 2.0})
    frame = log.dataframe()
    assert isinstance(frame, pd.DataFrame)
    assert frame.to_dict("records") == [{"deliveries": 3.0, "service_time": 2.0}]


def test_polars_takes_the_columns():
    pl = pytest.importorskip("polars")
    log = EpisodeLog()
    log.add({"deliveries": 3.0, "service_time": 2.0})
    assert pl.DataFrame(log.columns()).rows() == [(3.0, 2.0)]
