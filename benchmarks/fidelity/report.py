"""What is compared, the verdicts, and the table, the Markdown or the JSON that is printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.data import VARIABLE
from benchmarks.errors import InputError, RunError
from benchmarks.fidelity.figures import FIGURES, FIXED, HEAVY, MAX_PRESSURE, Figure
from benchmarks.fidelity.play import controller_named, data_folder, hour, missing_files
from benchmarks.warmup import compiling_message

if TYPE_CHECKING:
    from benchmarks.fidelity.handmade import Comparison

TOLERANCE = 0.01  # of the mean over seeds with our own streams
HEADER = ("flow", "controller", "published", "reference engine", "ours", "our own streams", "verdict")
TITLE = "Average travel time [s] of one hour: decisions every 10 s, 5 s of yellow, t_min 10 s with the yellow"
SMALL = "Hand-made cases: every vehicle's place and speed after every step, to the last bit"


@dataclass(frozen=True)
class Row:
    """A figure and ours [s]."""

    flow: str
    controller: str
    published: float | None
    reference: float
    digits: int
    ours: float
    """With the reference's random numbers."""
    own_streams: tuple[float, ...]
    """With our own, seed by seed."""

    @property
    def mean(self) -> float:
        """Mean over the seeds of our own streams."""
        return sum(self.own_streams) / len(self.own_streams)

    @property
    def verdict(self) -> str:
        """What is to be said of it; "equal" if all is as it must be."""
        if round(self.ours, self.digits) != self.reference:
            return "DIFFERS"
        apart = abs(self.mean - self.reference) / self.reference
        return "equal" if apart <= TOLERANCE else f"OWN STREAMS {apart:.1%} OFF"


def run_fidelity(console: Console, seeds: int = 5, form: str = "table") -> None:
    """Compare, and print.

    Args:
        console: where to.
        seeds: of our own streams.
        form: "table", "markdown" or "json".

    Raises:
        InputError: no positive number of seeds, or files are missing (after what can be compared without them).
        RunError: a figure differs.
    """
    if not 1 <= seeds <= 1000:
        raise InputError(f"--seeds must be from 1 to 1000, not {seeds}")
    folder = data_folder()
    present = [figure for figure in FIGURES if not missing_files(folder, [figure.flow])]
    with compiling_message(Console(stderr=True) if form == "json" else console):
        cases = small_cases()
        rows = [row_of(figure, folder, seeds) for figure in present if folder]
    {"table": _print_table, "markdown": _print_markdown, "json": _print_json}[form](console, rows, cases, seeds)
    wrong = [f"{row.flow}, {row.controller}" for row in rows if row.verdict != "equal"]
    wrong += [case.case for case in cases if not case.equal]
    if wrong:
        raise RunError(f"{len(wrong)} of {len(rows) + len(cases)} do not come out: {'; '.join(wrong)}")
    missing = missing_files(folder, [figure.flow for figure in FIGURES])
    if missing:
        raise InputError(
            f"{len(FIGURES) - len(present)} of {len(FIGURES)} travel times were not compared: set {VARIABLE} to a "
            f"folder with {', '.join(missing)}"
        )


def row_of(figure: Figure, folder: Path, seeds: int) -> Row:
    """Return a figure beside ours."""
    exact, own = (
        hour(folder, figure.flow, controller_named(figure.controller), num_envs, rng=rng)["travel_time"]
        for num_envs, rng in ((1, "mt19937"), (seeds, "splitmix"))
    )
    return Row(
        figure.flow,
        figure.controller,
        figure.published,
        figure.reference,
        figure.digits,
        float(exact[0]),
        tuple(map(float, own)),
    )


def small_cases() -> list[Comparison]:
    """Return the hand-made cases, played and compared."""
    from benchmarks.fidelity import handmade

    return [handmade.compare(case) for case in handmade.NAMES]


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table."""
    published = "" if row.published is None else f"{row.published:.2f}"
    numbers = f"{row.reference:.{row.digits}f}", f"{row.ours:.2f}", f"{row.mean:.2f}"
    return row.flow, row.controller, published, *numbers, row.verdict


def trap_line(rows: Sequence[Row]) -> str:
    """Return the line about the saturation trap, or "" where its figures are not there."""
    ours = {row.controller: row.ours for row in rows if row.flow == HEAVY}
    if FIXED not in ours or MAX_PRESSURE not in ours:
        return ""
    return (
        f"Saturation trap: at {HEAVY} vehicles an hour MaxPressure ({ours[MAX_PRESSURE]:.2f} s) must lose to fixed "
        f"times ({ours[FIXED]:.2f} s), since who changes at every decision loses 5 of 10 s."
    )


def small_line(cases: Sequence[Comparison]) -> str:
    """Return the line about the hand-made cases."""
    equal = sum(case.equal for case in cases)
    return f"{SMALL}: {equal} of {len(cases)} equal, {sum(case.vehicle_steps for case in cases):,} positions."


def _notes(rows: Sequence[Row], cases: Sequence[Comparison], seeds: int) -> list[str]:
    lines = [
        trap_line(rows),
        small_line(cases),
        "Published: PARL. Ours: with the reference engine's random numbers, to the cent; of Threshold 0.1 s is known. "
        f"Our own streams: mean of {seeds} seeds, within 1 %.",
    ]
    return [line for line in lines if line]


def _print_table(console: Console, rows: Sequence[Row], cases: Sequence[Comparison], seeds: int) -> None:
    if rows:
        table = Table(title=escape(TITLE), title_justify="left", title_style="bold", box=None, pad_edge=False)
        for column in HEADER:
            table.add_column(column, justify="left" if column in ("flow", "controller", "verdict") else "right")
        for row in rows:
            table.add_row(*cells(row), style=None if row.verdict == "equal" else "bold red")
        console.print(table)
    for line in _notes(rows, cases, seeds):
        console.print(line)


def _print_markdown(console: Console, rows: Sequence[Row], cases: Sequence[Comparison], seeds: int) -> None:
    table = [HEADER, ["---"] * len(HEADER), *map(cells, rows)] if rows else []
    head = [f"{TITLE}.", ""] if rows else []
    for line in [*head, *(f"| {' | '.join(row)} |" for row in table), "", *_notes(rows, cases, seeds)]:
        console.print(line, soft_wrap=True, markup=False)


def _print_json(console: Console, rows: Sequence[Row], cases: Sequence[Comparison], seeds: int) -> None:
    found = {
        "seeds": seeds,
        "travel_times": [{**asdict(row), "verdict": row.verdict} for row in rows],
        "hand_made": [asdict(case) for case in cases],
    }
    console.print(json.dumps(found, indent=2), soft_wrap=True, markup=False)
