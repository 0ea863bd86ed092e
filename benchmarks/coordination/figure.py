"""The cross-play matrices as heat maps: one SVG, a panel an environment and learner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import store
from benchmarks.coordination.files import Matrices, Matrix

INK, DARK_INK = "#ffffff", "#1b1b1b"


def write_figure(path: Path, matrices: Matrices, units: dict[str, str], lower: set[str]) -> None:
    """Write the heat maps of `matrices`; `units[environment]` is what a cell is, `lower` where less is better.

    Colours of an environment are on one scale, dark is good. Raises RunError if the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    environments = list(dict.fromkeys(name for name, _ in matrices))
    agents = list(dict.fromkeys(name for _, name in matrices))
    with matplotlib.rc_context({"svg.hashsalt": "coordination", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = pyplot.subplots(
            len(environments), len(agents), figsize=(3.3 * len(agents), 3.3 * len(environments)), squeeze=False
        )
        for row, environment in zip(axes, environments, strict=True):
            shown = [matrices[environment, agent] for agent in agents]
            low, high = np.nanmin(shown), np.nanmax(shown)
            colors = "Blues_r" if environment in lower else "Blues"
            for panel, agent, matrix in zip(row, agents, shown, strict=True):
                _panel(panel, matrix, low, high, colors, environment in lower)
                panel.set_title(f"{environment}: {agent}", fontsize=9)
            row[0].set_ylabel(f"run of agents 0, 2, ...\n({units[environment]})")
        for panel in axes[-1]:
            panel.set_xlabel("run of agents 1, 3, ...")
        figure.tight_layout()
        with store.writing(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})
        pyplot.close(figure)


def _panel(panel: Any, matrix: Matrix, low: float, high: float, colors: str, lower: bool) -> None:
    panel.imshow(matrix, vmin=low, vmax=high, cmap=colors)
    ticks = range(len(matrix))
    panel.set_xticks(ticks)
    panel.set_yticks(ticks)
    span = max(high - low, 1e-9)
    digits = 0 if high >= 10 else 1
    for a in ticks:
        for b in ticks:
            good = (high - matrix[a, b]) / span if lower else (matrix[a, b] - low) / span
            text = f"{matrix[a, b]:.{digits}f}"
            panel.text(b, a, text, ha="center", va="center", fontsize=6.5, color=INK if good > 0.55 else DARK_INK)
