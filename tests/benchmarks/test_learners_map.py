"""The map of tasks: numbers from a summary at their places, shades from worst to best, gaps where nobody plays."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from benchmarks.config import load_suite, suite_path
from benchmarks.report.learners_map import CHANCE, COLUMNS, PLANNERS, draw, goodness, markdown, read

HEADER = "environment,agent,metric,unit,seeds,mean,low95,high95,iqm\n"


def written(folder: Path) -> Path:
    """Write a summary of three agents that play the floor, and two the cross."""
    lines = [
        "floor-2ag,random,deliveries,shelves,5,1,0,2,1",
        "floor-2ag,pibt,deliveries,shelves,5,60,59,61,60",
        "floor-2ag,vdn,deliveries,shelves,5,40,38,42,40",
        "floor-2ag,sarsa,deliveries,shelves,5,20,20,20,20",
        "floor-2ag,vdn,refused_fraction,1,5,0.25,0.2,0.3,0.25",
        "floor-2ag,sarsa,refused_fraction,1,5,0.5,,,0.5",
        "cross-4ag,random,delay,s,5,48,47,49,48",
        "cross-4ag,engine,delay,s,5,2.4,2.3,2.5,2.4",
        "cross-4ag,vdn,delay,s,5,3.4,3.0,3.8,3.4",
    ]
    path = folder / "summary.csv"
    path.write_text(HEADER + "\n".join(lines) + "\n")
    return path


def test_numbers_are_at_their_places(tmp_path: Path) -> None:
    names, means, margins = read(written(tmp_path))
    assert names == ["planner", "vdn", "sarsa", "random"]
    assert means[:, 0].tolist() == [60.0, 40.0, 20.0, 1.0]
    assert means[1, 1] == 25.0  # a share of .25 in %
    assert math.isnan(margins[2, 1])
    delays = [column[:2] for column in COLUMNS].index(("cross-4ag", "delay"))
    assert means[[0, 1, 3], delays].tolist() == [2.4, 3.4, 48.0]  # each task's own planner
    assert math.isnan(means[2, delays])
    table = markdown(names, means, margins)
    assert "| vdn | 40.0 ± 2.0 | 25.0 ± 5.0 |" in table
    assert "| sarsa | 20.0 ± 0.0 | 50.0 | - |" in table


def test_shades_go_from_the_worst_learner_to_the_best(tmp_path: Path) -> None:
    _, means, _ = read(written(tmp_path))
    shades = goodness(np.where(np.isnan(means), 1.0, means))
    np.testing.assert_allclose(shades[:, 0], [1.0, 0.5, 0.0, 0.0])  # chance is off the scale
    assert shades[1, 1] > shades[2, 1]  # fewer refused moves are better


def test_figure_shows_every_number(tmp_path: Path) -> None:
    names, means, _ = read(written(tmp_path))
    full = np.where(np.isnan(means) & (np.arange(len(COLUMNS)) > 1), 7.0, means)
    draw(names, full, tmp_path / "map.svg")
    text = (tmp_path / "map.svg").read_text()
    for shown in ("60.0", "25.0", "2.40", "3.40", "planner", "vdn", "four cars, junction"):
        assert shown in text


def test_the_suite_has_what_the_map_shows() -> None:
    suite = load_suite(suite_path("learners"))
    assert {column.environment for column in COLUMNS} == set(suite.environments)
    assert {*PLANNERS, CHANCE} <= set(suite.agents)
    for name, environment in suite.environments.items():
        assert set(environment.agents or ()) & set(PLANNERS) == {suite.reference_in(name)}
