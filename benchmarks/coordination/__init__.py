"""What trained agents are to each other: the suite `coordination` measures its runs after it has trained them.

`run_suite` trains and evaluates as for any suite; then every run is measured (cross-play, drop-out, influence, ...) in
units of their own, so that this, too, continues where it stopped.
"""

from __future__ import annotations

import csv
from pathlib import Path

from rich.console import Console

from benchmarks import record, store
from benchmarks.coordination.results import Matrices, matrices_of, table_rows
from benchmarks.coordination.table import Row, markdown, write_csv
from benchmarks.coordination.units import expand, measure_missing
from benchmarks.locks import lock

SUITE = "coordination"


def measure_runs(out: Path, workers: int, console: Console) -> list[Row]:
    """Measure the finished runs of a results folder; write tables, matrices and their figure; return the rows.

    Files: coordination.csv, coordination.md, cross-play.csv (long: one line a cell), cross-play.svg.

    Args:
        out: the folder, in which `run_suite` has finished.
        workers: processes.
        console: where progress goes.

    Raises:
        InputError: the folder holds no finished suite, or tasks or learners that cannot be measured.
        RunError: a measurement failed or a file cannot be written; what was measured is kept.
    """
    from benchmarks.coordination.figure import write_figure

    made = record.load(out)
    found = expand(made.jobs)
    with lock(out):
        measure_missing(found, out, workers, console)
        matrices = matrices_of(made.suite, found, out)
        rows = table_rows(made, found, matrices, out)
        write_csv(out / "coordination.csv", rows)
        _write_matrices(out / "cross-play.csv", matrices)
        units = headlines(made)
        with store.writing(out / "coordination.md") as temporary:
            temporary.write_text(markdown(rows, units), encoding="utf-8")
        lower = {name for name in made.suite.environments if made.suite.better_in(name) == "lower"}
        write_figure(out / "cross-play.svg", matrices, units, lower)
    console.print(f"Coordination: [bold]{out / 'coordination.md'}[/], {out / 'cross-play.svg'}")
    return rows


def headlines(made: record.Record) -> dict[str, str]:
    """Return "metric, unit" of each environment's headline."""
    units = record.units(made.suite)
    names = {name: made.suite.headline_in(name) for name in made.suite.environments}
    return {name: f"{headline}, {units[name][headline]}" for name, headline in names.items()}


def _write_matrices(path: Path, matrices: Matrices) -> None:
    with store.writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["environment", "agent", "run_of_even_agents", "run_of_odd_agents", "value"])
        for (environment, agent), matrix in matrices.items():
            for a, row in enumerate(matrix):
                writer.writerows([environment, agent, a, b, f"{value:.9g}"] for b, value in enumerate(row))
