"""Learning curves as inline SVG, in colours that the page sets (so that they suit light and dark)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.config import Suite
from benchmarks.statistics import Estimate, t_interval
from benchmarks.summary import Summary
from benchmarks.tables import headline_title

if TYPE_CHECKING:
    import polars as pl

FAR = 2.5  # times the lowest value: beyond it curves are cut off where less is better
INK, FAINT = "#010203", "#040506"  # stand-ins that become CSS variables in the page
SERIES = tuple(f"#0a0b{index:02x}" for index in range(12))  # as many as the page has; more lines share them


class Curve(NamedTuple):
    """A learner's evaluations: agent-steps, and one estimate at each."""

    agent: str
    steps: list[int]
    estimates: list[Estimate]


def learning_curves(evals: pl.DataFrame, environment: str, suite: Suite) -> list[Curve]:
    """Return the curve of the headline metric of every learner: mean over episodes, then t interval over seeds."""
    import polars as pl

    means = (
        evals.filter((pl.col("env") == environment) & (pl.col("metric") == suite.headline_in(environment)))
        .group_by("algo", "step", "seed")
        .agg(pl.col("value").fill_nan(None).mean().fill_null(float("nan")))  # undefined episodes are left out
        .sort("step", "seed")
    )
    curves = []
    for agent in suite.agents:
        points: dict[int, list[float]] = {}
        for step, value in means.filter(pl.col("algo") == agent).select("step", "value").iter_rows():
            points.setdefault(step, []).append(value)
        if points:
            curves.append(Curve(agent, list(points), [t_interval(values) for values in points.values()]))
    return curves


def curve_figure(curves: list[Curve], environment: str, suite: Suite, summary: Summary) -> str:
    """Return an SVG with the curves, and level lines for the agents that do not learn and for the bound.

    Where learners train on other parameters than the others are measured under, there are no level lines.
    """
    return drawn(1, lambda axes: _draw(axes[0], curves, environment, suite, summary))


def drawn(panels: int, draw: Callable[[list[Any]], None]) -> str:
    """Return an SVG of so many panels side by side, on which `draw` has drawn in SERIES, INK and FAINT."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "marl_envs",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        "axes.edgecolor": FAINT,
        "grid.color": FAINT,
    }
    with plt.rc_context(style):
        width = 7.2 if panels == 1 else 5.2 * panels
        figure, axes = plt.subplots(1, panels, figsize=(width, 3.3), layout="constrained", squeeze=False)
        draw(list(axes[0]))
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        plt.close(figure)
    return _themed(buffer.getvalue())


def _draw(axes: Any, curves: list[Curve], environment: str, suite: Suite, summary: Summary) -> None:
    agents = list(suite.agents)
    labels: list[tuple[float, str, str]] = []
    for curve in curves:
        color = SERIES[agents.index(curve.agent) % len(SERIES)]
        line_with_band(axes, np.array(curve.steps) / 1e6, curve.estimates, color)
        labels.append((curve.estimates[-1].mean, curve.agent, color))
    learners = {curve.agent for curve in curves}
    elsewhere = bool(suite.environments[environment].train_on)  # where the others were not measured
    for agent in [] if elsewhere else [*agents, *_bound_label(suite, environment)]:
        row = summary.get(environment, agent, suite.headline_in(environment))
        if row is not None and agent not in learners:
            is_bound = agent not in agents
            color = INK if is_bound else SERIES[agents.index(agent) % len(SERIES)]
            axes.axhline(row.estimate.mean, color=color, linewidth=1.3, linestyle=":" if is_bound else "--")
            labels.append((row.estimate.mean, agent, color))
    axes.set_xlabel("million agent-steps of training")
    axes.set_ylabel(headline_title(suite, summary, environment))
    top = None
    if suite.better_in(environment) == "lower":  # the reference at least is shown
        reference = summary.get(environment, suite.reference_in(environment), suite.headline_in(environment))
        known = 0.0 if elsewhere or reference is None else reference.estimate.mean
        top = max(FAR * min(value for value, *_ in labels), 1.2 * known)
    finish(axes, labels, top)


def line_with_band(axes: Any, x: Any, estimates: list[Estimate], color: str, **style: Any) -> None:
    """Draw the means and their intervals."""
    mean, low, high = (np.array([estimate[i] for estimate in estimates]) for i in range(3))
    axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
    axes.plot(x, mean, color=color, linewidth=2, **style)


def finish(axes: Any, labels: list[tuple[float, str, str]], top: float | None = None) -> None:
    """Set the axes' limits and write every line's name (value at its end, name, colour); nothing above `top`."""
    shown = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.lines])
    if shown.min() >= 0:  # what is counted cannot be negative, and wide bands must not flatten the curves
        axes.set_ylim(0.0, max(1.2 * float(shown.max()), 1e-9) if top is None else top)
    axes.set_xlim(left=0.0)
    axes.grid(axis="y", linewidth=0.5, alpha=0.6)
    _label_ends(axes, [label for label in labels if top is None or label[0] <= top])


def _bound_label(suite: Suite, environment: str) -> list[str]:
    bound = suite.environments[environment].bound
    return [bound.label] if bound else []


def _label_ends(axes: Any, labels: list[tuple[float, str, str]]) -> None:
    """Write each line's name at its right end, moved apart where names would overlap (no legend to look up)."""
    low, high = axes.get_ylim()
    gap = (high - low) * 0.075
    heights: list[float] = []
    for value, name, color in sorted(labels):
        heights.append(max(value, heights[-1] + gap) if heights else value)
        axes.annotate(
            name,
            xy=(1.0, heights[-1]),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=color,
            annotation_clip=False,
        )


def _themed(svg: str) -> str:
    """Return the <svg> element alone, with stand-in colours replaced by the page's variables."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'class="figure" role="img"', svg, count=1)
    for index, color in enumerate(SERIES):
        svg = svg.replace(color, f"var(--series-{index})")
    return svg.replace(INK, "var(--ink)").replace(FAINT, "var(--line)")
