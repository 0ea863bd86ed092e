"""Performance profiles: which share of an agent's runs reaches at least so much (Agarwal et al. 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.config import Suite
from benchmarks.report.curves import SERIES, drawn, finish, line_with_band
from benchmarks.statistics import Estimate, performance_profile
from benchmarks.summary import Summary
from benchmarks.tables import share_of

LEVELS = 41  # places at which the share is taken
LOWEST, HIGHEST = 0.0, 125.0  # of the levels, at most [%]


def profile_figure(suite: Suite, summary: Summary) -> str:
    """Return an SVG with a line an agent, in the page's colours; "" where no run has a score."""
    found = np.concatenate([[*values, np.nan] for strata in summary.scores.values() for values in strata])
    found = found[~np.isnan(found)]
    if not found.size:
        return ""
    low, high = max(LOWEST, min(0.0, found.min())), min(HIGHEST, max(100.0, found.max()))
    levels = np.linspace(low, high, LEVELS)
    return drawn(1, lambda axes: _draw(axes[0], suite, summary, levels))


def _draw(axes: Any, suite: Suite, summary: Summary, levels: NDArray[np.float64]) -> None:
    agents, labels = list(suite.agents), []
    for agent, strata in summary.scores.items():
        found = performance_profile(strata, levels, repetitions=400)
        if np.isnan(found.share).all():
            continue
        rows = zip(found.share.tolist(), found.low.tolist(), found.high.tolist(), strict=True)
        line = [Estimate(*row, suite.seeds) for row in rows]
        color = SERIES[agents.index(agent) % len(SERIES)]
        line_with_band(axes, levels, line, color)
        labels.append((line[-1].mean, agent, color))
    axes.set_xlabel(f"{share_of(suite)} [%]")
    axes.set_ylabel("share of runs above")
    finish(axes, labels, top=1.05)
