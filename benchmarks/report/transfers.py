"""What learners gained by starting from what was learned elsewhere, beside those that started from nothing."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from agents.history import Evaluation, History
from agents.transfer import Gain, gain
from benchmarks.config import Suite
from benchmarks.kinds import LearnerAgent
from benchmarks.statistics import t_interval
from benchmarks.tables import Table, number

if TYPE_CHECKING:
    import polars as pl

COLUMNS = (
    *("agent", "compared with", "learned elsewhere", "jump start", "level"),
    *("from nothing", "with knowledge", "time saved", "seeds that got there"),
)


def transfer_table(evals: pl.DataFrame, environment: str, suite: Suite) -> Table | None:
    """Return a line for every agent of an environment that has a start, or None if there is none.

    Steps are means over the seeds in which both trainings came to the level, [million agent-steps].
    """
    lines = []
    for name in suite.players(environment):
        agent = suite.agents[name]
        if isinstance(agent, LearnerAgent) and agent.start is not None:
            found = gains(evals, environment, suite, name, agent.start.compare)
            if found:
                steps = f"{agent.start.train_steps / 1e6:g}"
                lines.append([name, agent.start.compare, steps, *_cells(found, _sign(suite, environment))])
    if not lines:
        return None
    units = ["", "", "M steps", suite.headline_in(environment), suite.headline_in(environment)]
    return Table("What knowledge from elsewhere saved", list(COLUMNS), [*units, "M steps", "M steps", "%", ""], lines)


def gains(evals: pl.DataFrame, environment: str, suite: Suite, agent: str, scratch: str) -> list[Gain]:
    """Return the gain of each seed that both trainings have; "more is better" whatever the metric."""
    metric, sign = suite.headline_in(environment), _sign(suite, environment)
    known, new = (histories(evals, environment, name, metric, sign) for name in (agent, scratch))
    return [gain(new[seed], known[seed], metric) for seed in sorted(set(new) & set(known))]


def _sign(suite: Suite, environment: str) -> float:
    """Return what the headline metric is multiplied by, so that more is better."""
    return 1.0 if suite.better_in(environment) == "higher" else -1.0


def histories(evals: pl.DataFrame, environment: str, agent: str, metric: str, sign: float) -> dict[int, History]:
    """Return the courses of an agent's trainings by seed, with the values of `metric` times `sign`."""
    import polars as pl

    rows = evals.filter((pl.col("env") == environment) & (pl.col("algo") == agent) & (pl.col("metric") == metric)).sort(
        "seed", "step", "episode"
    )
    found: dict[int, History] = {}
    for seed, step, value in rows.select("seed", "step", "value").iter_rows():
        history = found.setdefault(seed, History(0))
        if not history.evaluations or history.evaluations[-1].steps != step:
            history.evaluations.append(Evaluation(step, []))
        history.evaluations[-1].episodes.append({metric: sign * value})
    return found


def _cells(found: list[Gain], sign: float) -> list[str]:
    """Return the cells of a line, after those that name it; the level as the metric itself, without `sign`."""
    both = [one for one in found if one.time_saved is not None]
    level = number(t_interval([sign * one.level for one in found]))
    steps = [_millions([one.scratch_steps for one in both]), _millions([one.transfer_steps for one in both])]
    saved = number(t_interval([100.0 * (one.time_saved or 0.0) for one in both])) if both else "-"
    return [number(t_interval([one.jump_start for one in found])), level, *steps, saved, f"{len(both)} of {len(found)}"]


def _millions(steps: list[int | None]) -> str:
    known = [step for step in steps if step is not None]
    return f"{statistics.mean(known) / 1e6:.2f}" if known else "-"
