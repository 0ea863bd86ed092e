"""What trained agents are to each other: a suite with `coordination: true` measures its runs after it has trained them.

`run_suite` trains and evaluates as for any suite; then every run is measured (cross-play, drop-out, influence, ...) in
units that the same engine runs, so that this, too, continues where it stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks import store
from benchmarks.coordination.files import MATRICES, TABLE, write_matrices
from benchmarks.coordination.results import matrices_of, table_rows
from benchmarks.coordination.table import Row, markdown, write_csv
from benchmarks.coordination.units import expand, measure_missing
from benchmarks.engines import Choice
from benchmarks.locks import lock

if TYPE_CHECKING:
    from benchmarks.record import Record


def measure_runs(out: Path, choice: Choice | int, console: Console) -> list[Row]:
    """Measure the finished runs of a results folder; write tables, matrices and their figure; return the rows.

    Files: coordination.csv, coordination.md, cross-play.csv (long: one line a cell), cross-play.svg.

    Args:
        out: the folder, in which `run_suite` has finished.
        choice: the engine and its workers; a number: that many processes of this machine.
        console: where progress goes.

    Raises:
        InputError: the folder holds no finished suite, or tasks or learners that cannot be measured.
        RunError: a measurement failed or a file cannot be written; what was measured is kept.
    """
    from benchmarks import record
    from benchmarks.coordination.figure import write_figure

    made = record.load(out)
    found = expand(made.jobs)
    with lock(out):
        measure_missing(found, out, choice, console)
        matrices = matrices_of(made.suite, found, out)
        rows = table_rows(made, found, matrices, out)
        write_csv(out / TABLE, rows)
        write_matrices(out / MATRICES, matrices)
        units = headlines(made)
        with store.writing(out / "coordination.md") as temporary:
            temporary.write_text(markdown(rows, units), encoding="utf-8")
        lower = {name for name in made.suite.environments if made.suite.better_in(name) == "lower"}
        write_figure(out / "cross-play.svg", matrices, units, lower)
    console.print(f"Coordination: [bold]{out / 'coordination.md'}[/], {out / 'cross-play.svg'}")
    return rows


def headlines(made: Record) -> dict[str, str]:
    """Return "metric, unit" of each environment's headline."""
    from benchmarks import record

    units = record.units(made.suite)
    names = {name: made.suite.headline_in(name) for name in made.suite.environments}
    return {name: f"{headline}, {units[name][headline]}" for name, headline in names.items()}
