"""The coordination map of tasks: what the suite `learners` measured, a line a learner, as a figure and a table.

python -m benchmarks run learners
python -m benchmarks.report.learners_map results/learners --out docs/images/learners.svg
"""

from __future__ import annotations

import argparse
import csv
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Column(NamedTuple):
    """A metric of an environment, and how the map shows it."""

    environment: str
    metric: str
    title: str
    higher: bool  # is better
    times: float = 1.0
    digits: int = 0


COLUMNS = (
    Column("floor-2ag", "deliveries", "shelves\ndelivered", True, digits=1),
    Column("floor-2ag", "refused_fraction", "moves\nrefused %", False, 100.0, 1),
    Column("floor-2ag", "waiting_fraction", "waiting\n%", False, 100.0),
    Column("errands-2ag", "tasks", "errands\ndone", True, digits=1),
    Column("errands-2ag", "refused_fraction", "moves\nrefused %", False, 100.0, 1),
    Column("errands-2ag", "waiting_fraction", "waiting\n%", False, 100.0),
    Column("cross-4ag", "delay", "delay\ns", False, digits=2),
    Column("cross-4ag", "collisions_per_1000", "collisions\nper 1000", False, digits=1),
    Column("cross-4ag", "near_pet", "near misses\nof 4 cars", False, digits=2),
    Column("cross-4ag", "jain_fairness", "Jain of\ndelays", True, digits=2),
)
TASKS = {"floor-2ag": "two robots, shelves", "errands-2ag": "two robots, errands", "cross-4ag": "four cars, junction"}
PLANNERS, CHANCE = ("pibt", "engine"), "random"  # the planners share the first line, as each plays other tasks


def read(path: Path) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Return the learners of a summary.csv in its order, and their means and half intervals, [learners, COLUMNS].

    NaN where a learner does not play.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = {(row["environment"], row["agent"], row["metric"]): row for row in csv.DictReader(file)}
    names = list(dict.fromkeys("planner" if agent in PLANNERS else agent for _, agent, _ in rows))
    names.sort(key=lambda name: (name != "planner", name == CHANCE))
    means, margins = (np.full((len(names), len(COLUMNS)), math.nan) for _ in range(2))
    for (environment, agent, metric), row in rows.items():
        for number, column in enumerate(COLUMNS):
            if (environment, metric) == column[:2] and row["mean"]:
                place = names.index("planner" if agent in PLANNERS else agent), number
                means[place] = column.times * float(row["mean"])
                margins[place] = (
                    column.times * (float(row["high95"]) - float(row["mean"])) if row["high95"] else math.nan
                )
    return names, means, margins


def goodness(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how good every mean is within its column, from 0 (the worst of the learners) to 1 (the best)."""
    signs = np.array([1.0 if column.higher else -1.0 for column in COLUMNS])
    values = means * signs
    low, high = np.nanmin(values[:-1], axis=0), np.nanmax(values, axis=0)  # chance, the last, would flatten the rest
    return np.clip((values - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)


def markdown(names: list[str], means: NDArray[np.float64], margins: NDArray[np.float64]) -> str:
    """Return the table."""
    titles = [f"{column.title}".replace("\n", " ") for column in COLUMNS]
    lines = ["| | " + " | ".join(titles) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, mean, margin in zip(names, means, margins, strict=True):
        lines.append(f"| {name} | " + " | ".join(map(_cell, mean, margin, COLUMNS)) + " |")
    return "\n".join(lines)


def _cell(mean: float, margin: float, column: Column) -> str:
    if math.isnan(mean):
        return "-"
    return f"{mean:.{column.digits}f}" + ("" if math.isnan(margin) else f" ± {margin:.{column.digits}f}")


def draw(names: list[str], means: NDArray[np.float64], out: Path) -> None:
    """Write the map as an SVG or PNG file, by the ending of its name."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "marl_envs", "font.family": "sans-serif", "font.size": 10}
    with plt.rc_context(style):
        figure, axes = plt.subplots(figsize=(10.2, 0.34 * len(names) + 1.4), layout="constrained", facecolor="white")
        shades = goodness(means)
        axes.imshow(np.ma.masked_invalid(shades), cmap="Blues", vmin=0.0, vmax=1.3, aspect="auto")
        for (row, number), value in np.ndenumerate(means):
            color = "white" if shades[row, number] > 0.75 else "black"
            text = "" if math.isnan(value) else f"{value:.{COLUMNS[number].digits}f}"
            axes.text(number, row, text, ha="center", va="center", color=color)
        axes.set_xticks(range(len(COLUMNS)), [column.title for column in COLUMNS])
        axes.set_yticks(range(len(names)), names)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        _write_tasks(axes)
        for edge in range(1, len(names)):
            axes.axhline(edge - 0.5, color="white", linewidth=2)
        axes.spines[:].set_visible(False)
        figure.savefig(out, dpi=150, metadata={"Date": None, "Creator": None} if out.suffix == ".svg" else None)
        plt.close(figure)


def _write_tasks(axes: Any) -> None:
    """Write each task's name above its columns, with a gap before the next task."""
    places = [column.environment for column in COLUMNS]
    for task, title in TASKS.items():
        first, count = places.index(task), places.count(task)
        axes.annotate(
            title,
            xy=(first + (count - 1) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 34),
            textcoords="offset points",
            ha="center",
            weight="bold",
        )
        axes.axvline(first + count - 0.5, color="white", linewidth=10)


def main() -> None:
    """Print the table and write the figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report.learners_map", description=__doc__)
    parser.add_argument("results", type=Path, help="results folder of the suite `learners`")
    parser.add_argument("--out", type=Path, help="SVG or PNG file")
    chosen = parser.parse_args()
    names, means, margins = read(chosen.results / "summary.csv")
    print(markdown(names, means, margins))
    if chosen.out is not None:
        draw(names, means, chosen.out)


if __name__ == "__main__":
    main()
