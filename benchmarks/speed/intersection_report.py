"""Which cases of vehicles at junctions are measured, and the table and the line that are printed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rich.table import Table

from benchmarks.speed import intersection
from benchmarks.speed.measure import Block, Case

GROUP, FACE = "batch of 1024", "PettingZoo ParallelEnv"
MISSING = (
    "highway-env is not installed (the extra `peers`), so there are no ratios. highway-env 1.12.1 was seen at about 60 "
    "agent-steps per CPU-second with 4 agents and its other traffic, 110 without, on an AMD EPYC core."
)


def cases() -> list[Case]:
    """Return the cases with four vehicles, and the peer's."""
    found = [
        Case(f"{GROUP}, tabular", partial(intersection.batch, 1024, observation="tabular"), "four"),
        Case(f"{GROUP}, features", partial(intersection.batch, 1024), "four"),
        Case(FACE, intersection.parallel, "four"),
    ]
    if intersection.has_highway():
        found += [
            Case("highway-env 1.12.1", intersection.highway, "four", peer=True),
            Case("the same without other traffic", partial(intersection.highway, False), "four", compared=False),
        ]
    return found


def town_cases() -> list[Case]:
    """Return towns from few to many vehicles."""
    return [
        Case(layout, partial(intersection.town, number), "cost by size", compared=False)
        for number, (layout, _) in intersection.TOWNS.items()
    ]


def table(cases: Sequence[Case], blocks: Sequence[Block]) -> Table:
    """Return the table of agent-steps and of simulated vehicle-seconds, with ratios to the peer."""
    title = "4 agents at a crossing, one thread: agent-steps, and simulated vehicle-seconds, per CPU-second"
    found = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("what", "agent-steps", "best", "spread", "x peer", "vehicle-seconds", "x peer "):
        found.add_column(column, justify="left" if column == "what" else "right")
    peer = next(((case, block) for case, block in zip(cases, blocks, strict=True) if case.peer), None)
    for case, block in zip(cases, blocks, strict=True):
        seconds = intersection.rate_of_seconds(case.median, block)
        steps_ratio = seconds_ratio = ""
        if peer and case.compared and not case.peer:
            steps_ratio = f"{case.median / peer[0].median:,.0f}"
            seconds_ratio = f"{seconds / intersection.rate_of_seconds(peer[0].median, peer[1]):,.0f}"
        numbers = f"{case.median:,.0f}", f"{case.best:,.0f}", f"{case.spread:.0%}", steps_ratio
        found.add_row(case.name, *numbers, f"{seconds:,.0f}", seconds_ratio)
    return found


def town_line(cases: Sequence[Case], blocks: Sequence[Block]) -> str:
    """Return the cost of a vehicle-step by the number of vehicles."""
    costs = (
        f"{1e9 / case.median:,.0f} ns with {number} ({case.name}, {block.vehicles / envs:.0f} drive)"  # type: ignore[attr-defined]
        for case, block, (number, (_, envs)) in zip(cases, blocks, intersection.TOWNS.items(), strict=True)
    )
    return f"Cost of a vehicle-step of 0.25 s by vehicles: {', '.join(costs)}"


def notes() -> list[str]:
    """Return what one must know to read the table."""
    lines = [
        "Vehicles: random play, all that drive count. Ours decide every 0.5 s, in two steps of the engine; highway-env "
        "every 1 s, in 15 steps; its agents drive among other vehicles, and an episode ends for all at the first crash."
    ]
    return lines if intersection.has_highway() else [*lines, MISSING]
