"""The headline metric against a parameter that several environments differ in, such as the number of robots."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmarks.config import Suite, Sweep
from benchmarks.report.curves import SERIES, drawn, finish, line_with_band
from benchmarks.statistics import Estimate
from benchmarks.summary import Summary
from benchmarks.tables import headline_title

STYLE = Path(__file__).parent / "style.css"

Line = list[tuple[float, Estimate]]


def sweep_lines(suite: Suite, sweep: Sweep, summary: Summary) -> dict[str, Line]:
    """Return agent -> (value of the parameter, estimate of the headline metric), by rising value."""
    places = sorted((float(suite.environments[name].params[sweep.parameter]), name) for name in sweep.environments)
    lines: dict[str, Line] = {}
    for agent in suite.agents:
        rows = [(x, summary.get(name, agent, suite.headline_in(name))) for x, name in places]
        lines[agent] = [(x, row.estimate) for x, row in rows if row is not None]
    return {agent: line for agent, line in lines.items() if line}


def sweep_figure(suite: Suite, summary: Summary) -> str:
    """Return an SVG with a panel for each of the suite's sweeps, in the page's colours."""

    def draw(axes: list[Any]) -> None:
        for panel, (title, sweep) in zip(axes, suite.sweeps.items(), strict=True):
            _draw(panel, title, suite, sweep, summary)

    return drawn(len(suite.sweeps), draw)


def _draw(axes: Any, title: str, suite: Suite, sweep: Sweep, summary: Summary) -> None:
    agents, labels = list(suite.agents), []
    for agent, line in sweep_lines(suite, sweep, summary).items():
        x, estimates = [point[0] for point in line], [point[1] for point in line]
        color = SERIES[agents.index(agent) % len(SERIES)]
        line_with_band(axes, x, estimates, color, marker="o", markersize=4)
        labels.append((estimates[-1].mean, agent, color))
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(sweep.label)
    axes.set_ylabel(headline_title(suite, summary, sweep.environments[0]))
    finish(axes, labels)


def standalone(svg: str) -> str:
    """Return a figure as a file of its own: the page's light colours on white instead of its variables."""
    light = STYLE.read_text(encoding="utf-8").partition("@media")[0]
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    svg = re.sub(r"var\(--([\w-]+)\)", lambda found: colors[found[1]], svg)
    return svg.replace(">", '>\n<rect width="100%" height="100%" fill="#ffffff"/>', 1)
