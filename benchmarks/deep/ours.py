"""Rows of the table about our own environments: memory, hierarchy, a learned model, each with its control."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from benchmarks.deep.row import Row, by_seed
from benchmarks.statistics.estimates import t_interval


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Return values of several seeds as text."""
    return ", ".join(f"{value:.{digits}g}" for value in values)


def gain(first: Sequence[float], second: Sequence[float]) -> tuple[float, str, bool]:
    """Return the mean difference of paired seeds, its 95 % interval as text, and whether that lies above 0."""
    found = t_interval([a - b for a, b in zip(first, second, strict=True)])
    return found.mean, f"95 % interval {found.low:.2f} to {found.high:.2f}", found.low > 0.0


def finding_home(name: str, seeds: Sequence[int] = range(4)) -> list[Row]:
    """Remember where a shelf belongs: deliveries with `name`, gain over the same learner without memory."""
    from benchmarks.deep import corridor

    ours, seconds = by_seed(lambda seed: corridor.deliveries(name, seed), seeds)
    control, control_seconds = by_seed(lambda seed: corridor.deliveries("no memory", seed), seeds)
    best = corridor.CYCLES / corridor.round_length(memory=False)
    difference, interval, sure = gain(ours, control)
    where = "corridor of homes"
    return [
        Row(
            where,
            f"{name}: deliveries, worst of {len(seeds)} seeds ({spread(ours)})",
            f"above {best:g}, the best without",
            min(ours),
            min(ours) > best,
            seconds,
        ),
        Row(
            where,
            f"{name}: gain over no memory ({spread(control)}), {interval}",
            "above 0",
            difference,
            sure,
            control_seconds,
        ),
    ]


def managing(seeds: int = 10) -> list[Row]:
    """Options chosen by a network over a learned worker, beside a network that chooses moves, at equal steps."""
    from benchmarks.deep import options

    played, seconds = by_seed(options.managed, range(seeds))
    control, control_seconds = by_seed(options.flat, range(seeds))
    planned = [options.planned(seed) for seed in range(seeds)]
    ours, flat = (
        [100.0 * score / best for score, best in zip(them, planned, strict=True)] for them in (played, control)
    )
    difference, interval, sure = gain(ours, flat)
    return [
        Row(
            "options",
            f"manager over a learned worker: deliveries as % of PIBT's, worst of {seeds} seeds ({spread(ours)})",
            f"above the flat network's mean, {sum(flat) / seeds:.1f}",
            min(ours),
            min(ours) > sum(flat) / seeds,
            seconds,
        ),
        Row(
            "options",
            f"gain over a flat network after as many steps ({spread(flat)}), {interval}",
            "above 0",
            difference,
            sure,
            control_seconds,
        ),
    ]


def imagining(seeds: int = 3) -> list[Row]:
    """CartPole from few steps with a learned model, without, with as many real batches, and with a wrong model."""
    from benchmarks.deep import imagination

    begin, scores, seconds, errors = time.process_time(), {}, {}, []
    for kind in imagination.KINDS:
        played = [imagination.played(kind, seed) for seed in range(seeds)]
        scores[kind] = [one.score for one in played]
        if kind == "model":
            errors = [one.errors.observation for one in played]
        seconds[kind], begin = time.process_time() - begin, time.process_time()
    first, last = (float(sum(error[k] for error in errors)) / seeds for k in (0, -1))
    title, name = "CartPole, 5000 steps", "mean return while learning"
    rows = []
    for kind, wanted in (("no model", True), ("no model, as many batches", False), ("wrong model", True)):
        difference, interval, sure = gain(scores["model"], scores[kind])
        target = "above 0" if wanted else "-"
        rows.append(
            Row(
                title,
                f"{name} ({spread(scores['model'])}): gain over {kind} ({spread(scores[kind])}), {interval}",
                target,
                difference,
                sure if wanted else None,
                seconds[kind] + (seconds["model"] if kind == "no model" else 0.0),
            )
        )
    what = f"the model's error in standard deviations after 1 step ({first:.3f}) and after 5"
    return [*rows, Row(title, what, "below 0.2", last, last < 0.2, 0.0)]


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "corridor-gru": lambda: finding_home("GRU"),
    "corridor-attention": lambda: finding_home("attention", range(7, 12)),
    "options": managing,
    "imagination": imagining,
}
