"""The tables of the comparison: settings of both sides, figures, differences. Intervals are Student's over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.deep.peers.played import SIDES, Played
from benchmarks.deep.peers.settings import ALGORITHMS, chosen
from benchmarks.statistics.estimates import t_interval

SETTINGS = ("setting", "ours", "BenchMARL", "BenchMARL's default")
FIGURES = ("algorithm", "side", "deliveries, each seed", "return", "CPU time [s]", "frames", "batches")
GAINS = ("algorithm", "deliveries: ours - BenchMARL", "return: ours - BenchMARL", "CPU time: ours / BenchMARL")


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


def settings_rows(defaults: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return what each side is given, and BenchMARL's `defaults` by name; QMIX has all settings."""

    def listed(values: dict[str, Any]) -> str:
        return ", ".join(f"`{name}={value!r}`" for name, value in values.items()) or "always so"

    rows: list[tuple[str, ...]] = []
    for one in chosen("qmix"):
        theirs = one.experiment | one.algorithm
        usual = ", ".join(str(defaults[name]) for name in theirs) or "-"
        rows.append((one.what, listed(one.ours), listed(theirs), usual))
    return rows


def interval(values: Sequence[float], digits: int = 1) -> str:
    """Return a mean and its 95 % interval as text."""
    found = t_interval(values)
    return f"{found.mean:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def figures(played: Sequence[Played]) -> list[str]:
    """Return the tables of all figures and of the differences of pairs with one seed."""
    rows, gains = [], []
    for algorithm in ALGORITHMS:
        pairs = {side: sorted(_of(played, algorithm, side), key=lambda one: one.seed) for side in SIDES}
        rows += [_row(runs) for runs in pairs.values() if runs]
        ours, theirs = pairs.values()
        if ours and [one.seed for one in ours] == [one.seed for one in theirs]:
            gains.append(_gain(ours, theirs))
    return [markdown(FIGURES, rows), markdown(GAINS, gains)]


def _of(played: Sequence[Played], algorithm: str, side: str) -> list[Played]:
    return [one for one in played if (one.algorithm, one.side) == (algorithm, side)]


def _row(runs: Sequence[Played]) -> tuple[str, ...]:
    first = runs[0]
    return (
        first.algorithm.upper(),
        SIDES[first.side],
        ", ".join(f"{one.deliveries:.1f}" for one in runs),
        interval([one.returned for one in runs]),
        interval([one.cpu_seconds for one in runs]),
        f"{first.frames:,}",
        f"{first.batches:,}",
    )


def _gain(ours: Sequence[Played], theirs: Sequence[Played]) -> tuple[str, ...]:
    pairs = list(zip(ours, theirs, strict=True))
    return (
        ours[0].algorithm.upper(),
        interval([one.deliveries - other.deliveries for one, other in pairs]),
        interval([one.returned - other.returned for one, other in pairs]),
        interval([one.cpu_seconds / other.cpu_seconds for one, other in pairs], 2),
    )
