"""Rows of the table about our own environments: memory, hierarchy, a learned model, each with its control."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.deep.row import Row, timed
from benchmarks.statistics.estimates import t_interval


def spread(values: Sequence[float]) -> str:
    """Return values of several seeds as text."""
    return ", ".join(f"{value:.3g}" for value in values)


def gain(first: Sequence[float], second: Sequence[float]) -> tuple[float, str]:
    """Return the mean difference of paired seeds and its 95 % interval as text."""
    found = t_interval([a - b for a, b in zip(first, second, strict=True)])
    return found.mean, f"95 % interval {found.low:.2f} to {found.high:.2f}"


def finding_home(name: str, seeds: int = 4) -> list[Row]:
    """Remember where a shelf belongs: deliveries with `name`, gain over the same learner without memory."""
    from benchmarks.deep import corridor

    with_memory = [timed(lambda seed=seed: corridor.deliveries(name, seed)) for seed in range(seeds)]  # type: ignore[misc]
    without = [timed(lambda seed=seed: corridor.deliveries("no memory", seed)) for seed in range(seeds)]  # type: ignore[misc]
    ours, control = [score for score, _ in with_memory], [score for score, _ in without]
    best = corridor.CYCLES / corridor.round_length(memory=False)
    difference, interval = gain(ours, control)
    seconds = sum(spent for _, spent in with_memory)
    where = "corridor of homes"
    return [
        Row(
            where,
            f"{name}: deliveries, worst of {seeds} seeds ({spread(ours)})",
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
            difference > 0,
            sum(spent for _, spent in without),
        ),
    ]


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "corridor-gru": lambda: finding_home("GRU"),
    "corridor-attention": lambda: finding_home("attention"),
}
