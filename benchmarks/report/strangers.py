"""How trained agents get on: cross-play matrices as heat maps in the page's colours, and the coordination table."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.config import Suite
from benchmarks.coordination.files import MATRICES, TABLE, Matrices, Matrix, read_matrices
from benchmarks.coordination.table import Row, read_csv, table_of
from benchmarks.report.curves import SERIES

CELL, LEFT, BELOW, FONT = 36, 46, 42, 12  # sizes in an SVG
FAINTEST, STRONGEST = 0.06, 0.55  # opacity of the worst and the best cell: numbers stay readable on both


class Measured(NamedTuple):
    """What a results folder holds of the measurements of trained agents; nothing where none were made."""

    matrices: Matrices
    rows: list[Row]


class Section(NamedTuple):
    """What the page shows of one environment."""

    maps: list[tuple[str, str]]  # agent, SVG
    better: str  # what a stronger colour means
    agents: list[str]
    lines: list[list[list[str]]]  # metric, unit, a cell an agent; each a value and what stands below it


def read_measured(out: Path) -> Measured:
    """Return what was measured of trained agents in a results folder.

    Raises:
        InputError: a file of it is damaged.
    """
    return Measured(read_matrices(out / MATRICES), read_csv(out / TABLE))


def section(name: str, suite: Suite, measured: Measured, unit: str) -> Section | None:
    """Return the section of an environment, whose headline is counted in `unit`, or None where nothing was measured."""
    matrices = {agent: matrix for (environment, agent), matrix in measured.matrices.items() if environment == name}
    rows = [row for row in measured.rows if row.environment == name]
    if not matrices and not rows:
        return None
    known = np.concatenate([matrix[~np.isnan(matrix)] for matrix in [*matrices.values(), np.zeros((0, 0))]])
    ends = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    lower = suite.better_in(name) == "lower"
    agents = list(suite.agents)
    maps = [
        (agent, heat_map(matrix, ends[::-1] if lower else ends, f"var(--series-{agents.index(agent) % len(SERIES)})"))
        for agent, matrix in matrices.items()
    ]
    shown, lines = table_of(rows, unit)
    parts = [[cell.replace(" [", "; [").split("; ") for cell in line[1:]] for line in lines]
    table = [[[line[0]], *cells] for line, cells in zip(lines, parts, strict=True)]
    return Section(maps, f"{suite.headline_in(name)}: {'lower' if lower else 'higher'}", shown, table)


def heat_map(matrix: Matrix, ends: tuple[float, float], color: str) -> str:
    """Return an SVG of a cross-play matrix: a row a run of agents 0, 2, ..., a column a run of agents 1, 3, ...

    Args:
        matrix: [R, R] values; NaN is a dash.
        ends: the worst and the best value, which have the faintest and the strongest colour.
        color: CSS colour.
    """
    runs, (worst, best) = len(matrix), ends
    digits = 0 if max(map(abs, ends)) >= 100 else 1 if max(map(abs, ends)) >= 10 else 2
    parts = []
    for (a, b), value in np.ndenumerate(matrix):
        good = 0.0 if np.isnan(value) else (value - worst) / (best - worst) if best != worst else 1.0
        text = "-" if np.isnan(value) else f"{value:.{digits}f}"
        opacity = FAINTEST + (STRONGEST - FAINTEST) * good
        x, y = LEFT + CELL * b, CELL * a
        parts.append(
            f'<g><title>agents 0, 2, … of seed {a} with agents 1, 3, … of seed {b}: {text}</title><rect x="{x + 1}" '
            f'y="{y + 1}" width="{CELL - 2}" height="{CELL - 2}" rx="3" fill="{color}" fill-opacity="{opacity:.3f}"'
            + (' stroke="var(--ink)" stroke-width="1.5"' if a == b else "")
            + f"/>{_text(x + CELL / 2, y + CELL / 2, text)}</g>"
        )
    parts += [_text(LEFT - 10, CELL * (r + 0.5), str(r)) for r in range(runs)]
    parts += [_text(LEFT + CELL * (r + 0.5), CELL * runs + 13, str(r)) for r in range(runs)]
    parts.append(_text(LEFT + CELL * runs / 2, CELL * runs + 33, "seed of agents 1, 3, …"))
    parts.append(
        f'<g transform="translate(12 {CELL * runs / 2}) rotate(-90)">{_text(0, 0, "seed of agents 0, 2, …")}</g>'
    )
    width, height = LEFT + CELL * runs + 2, CELL * runs + BELOW
    return (
        f'<svg class="figure" role="img" aria-label="cross-play matrix" viewBox="0 0 {width} {height}" '
        f'style="max-width: {width}px">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" fill="var(--ink)" font-size="{FONT}" text-anchor="middle" '
        f'dominant-baseline="central">{escape(text)}</text>'
    )
