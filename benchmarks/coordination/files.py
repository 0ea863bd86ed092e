"""The files of a results folder that hold what was measured, beside the measurements themselves."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import store
from benchmarks.errors import InputError

TABLE, MATRICES = "coordination.csv", "cross-play.csv"
FILES = (TABLE, MATRICES, "coordination.md", "cross-play.svg")

Matrix = NDArray[np.float64]  # [R, R]: rows the run of agents 0, 2, ..., columns that of 1, 3, ...
Matrices = dict[tuple[str, str], Matrix]  # by environment and agent


def forget(out: Path) -> None:
    """Remove tables and figure of earlier measurements; the measurements themselves are kept."""
    for name in FILES:
        (out / name).unlink(missing_ok=True)


def write_matrices(path: Path, matrices: Matrices) -> None:
    """Write cross-play.csv: a line a cell; raise RunError if it cannot be written."""
    with store.writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["environment", "agent", "run_of_even_agents", "run_of_odd_agents", "value"])
        for (environment, agent), matrix in matrices.items():
            for a, row in enumerate(matrix):
                writer.writerows([environment, agent, a, b, f"{value:.9g}"] for b, value in enumerate(row))


def read_matrices(path: Path) -> Matrices:
    """Return the matrices of cross-play.csv; none where there is no such file.

    Raises:
        InputError: it is damaged.
    """
    cells: dict[tuple[str, str], dict[tuple[int, int], float]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                at = (int(row["run_of_even_agents"]), int(row["run_of_odd_agents"]))
                cells.setdefault((row["environment"], row["agent"]), {})[at] = float(row["value"])
        return {names: _square(found) for names, found in cells.items()}
    except FileNotFoundError:
        return {}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}); run the suite again") from error


def _square(cells: dict[tuple[int, int], float]) -> Matrix:
    runs = 1 + max(max(at) for at in cells)
    return np.array([[cells[a, b] for b in range(runs)] for a in range(runs)])
