"""Which cases are measured, and the table that is printed."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.errors import InputError
from benchmarks.speed import ceiling, ours, peers
from benchmarks.speed.deep import run_deep_speed
from benchmarks.speed.harness import run_harness
from benchmarks.speed.learners import run_learners
from benchmarks.speed.measure import Block, Case, measure, prepare
from benchmarks.speed.page import run_page
from benchmarks.speed.render import run_render
from benchmarks.warmup import compiling_message

TINY, SMALL, THREADS = "RWARE tiny, 2 robots", "RWARE small, 4 robots", "RWARE small, 4 robots, wall time"
ERRANDS = "Errands on 140x500 cells"
BATCHES = (1024, 8192)  # of the comparison of two threads with one


def cpu_cases(with_rware: bool) -> list[Case]:
    """Return the cases that are measured by CPU time."""
    cases = [
        Case("batch of 1024", partial(ours.batch, ours.TINY, 1024), TINY),
        Case("batch of 1024, with action masks", partial(ours.batch, {**ours.TINY, "mask": "info"}, 1024), TINY),
        Case("PettingZoo ParallelEnv", partial(ours.parallel, ours.TINY), TINY),
        Case("tabular Q-learning, batch of 256", partial(ours.training, ours.TINY), TINY, compared=False),
        Case("batch of 1024", partial(ours.batch, ours.SMALL, 1024), SMALL),
        Case("batch of 1024, with action masks", partial(ours.batch, {**ours.SMALL, "mask": "info"}, 1024), SMALL),
    ]
    cases += [
        Case(f"{robots:,} robots x {envs:,}", partial(ours.errands, robots, envs), ERRANDS, compared=False)
        for robots, envs in ((10, 100), (100, 10), (1_000, 1), (10_000, 1))
    ]
    cases.append(Case("10,000 robots x 1, PIBT", partial(ours.errands, 10_000, 1, True), ERRANDS, compared=False))
    if with_rware:
        cases += [
            Case("rware 2.0.0", partial(peers.rware, "rware-tiny-2ag-v2"), TINY, peer=True),
            Case("rware 2.0.0", partial(peers.rware, "rware-small-4ag-v2"), SMALL, peer=True),
        ]
    return cases


def thread_cases() -> list[Case]:
    """Return pairs of one and two threads, measured by wall time; none on a single processor."""
    if _processors() < 2:
        return []
    return [
        Case(f"batch of {size}, {threads} thread{'s' * (threads > 1)}", run, THREADS, clock=time.perf_counter)
        for size in BATCHES
        for threads in (1, 2)
        for run in [partial(ours.batch, ours.SMALL, size, threads)]
    ]


def run_speed(seconds: float, repeats: int, console: Console, only: str | None = None) -> None:
    """Measure and print.

    Args:
        seconds: CPU time of one measurement.
        repeats: measurements of each case.
        console: where to print.
        only: "warehouse", "traffic", "intersection", "learners", "harness", "report", "render" or "deep"; None: all.

    Raises:
        InputError: a time or number of repeats that is not positive.
    """
    if not 0 < seconds <= 600:
        raise InputError(f"--seconds must be above 0 and at most 600, not {seconds}")
    if repeats < 1:
        raise InputError(f"--repeats must be at least 1, not {repeats}")
    parts = {"warehouse": _warehouse, "traffic": _traffic, "intersection": _intersection, "learners": run_learners}
    parts |= {"harness": run_harness, "report": run_page, "render": run_render, "deep": run_deep_speed}
    for name, part in parts.items():
        if only in (None, name):
            part(seconds, repeats, console)
    for line in _notes(repeats):
        console.print(line, style="dim")


def _measured(parts: Sequence[Sequence[Case]], seconds: float, repeats: int, console: Console) -> list[list[Block]]:
    """Measure the cases of each part in turns, and return their blocks of work."""
    with compiling_message(console):
        blocks = [prepare(cases) for cases in parts]
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=repeats * sum(map(len, parts)))
        for cases, prepared in zip(parts, blocks, strict=True):
            measure(cases, prepared, seconds, repeats, lambda: progress.advance(task))
    return blocks


def _warehouse(seconds: float, repeats: int, console: Console) -> None:
    with_rware = peers.has_rware()
    cpu, threads = cpu_cases(with_rware), thread_cases()
    _measured((cpu, threads), seconds, repeats, console)
    console.print(speed_table(cpu))
    for line in thread_lines(threads):
        console.print(line)
    if threads:
        for size in BATCHES:
            ratio = ceiling.two_processes(ours.SMALL, size, seconds, repeats)
            console.print(f"Two separate processes against one, {THREADS}, {size} in all: {ratio:.2f} x")
    for line in () if with_rware else (peers.MISSING, peers.KNOWN):
        console.print(line, style="dim")


def _traffic(seconds: float, repeats: int, console: Console) -> None:
    from benchmarks.speed import traffic_report as report

    with compiling_message(console):
        report.compile_kernels()
    console.print("filling the roads (about a minute) ...", style="dim")
    parts = report.cases(), report.size_cases(), report.signal_cases()
    engines, sizes, signals = _measured(parts, seconds, repeats, console)
    console.print(report.engine_table(parts[0], engines))
    console.print(report.size_line(parts[1], sizes))
    console.print(report.signal_line(parts[2][0], signals[0]))
    for line in report.notes():
        console.print(line, style="dim")


def _intersection(seconds: float, repeats: int, console: Console) -> None:
    from benchmarks.speed import intersection_report as report

    cases, towns = report.cases(), report.town_cases()
    blocks, sizes = _measured((cases, towns), seconds, repeats, console)
    console.print(report.table(cases, blocks))
    console.print(report.town_line(towns, sizes))
    for line in report.notes():
        console.print(line, style="dim")


def speed_table(cases: list[Case]) -> Table:
    """Return the table of rates, with ratios to the peer of the same group."""
    title = "Agent-steps per CPU-second, one thread (learning: agent-updates, environment included)"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("environment", "what", "median", "best", "spread", "x rware"):
        table.add_column(column, justify="left" if column in ("environment", "what") else "right")
    for case in sorted(cases, key=lambda case: (case.group, case.peer)):
        peer = next((other for other in cases if other.peer and other.group == case.group), None)
        ratio = f"{case.median / peer.median:,.0f}" if peer and not case.peer and case.compared else ""
        table.add_row(case.group, case.name, f"{case.median:,.0f}", f"{case.best:,.0f}", f"{case.spread:.0%}", ratio)
    return table


def thread_lines(cases: list[Case]) -> list[str]:
    """Return one line a pair of cases (one thread, two threads): the median ratio of measurements taken in turns."""
    if not cases:
        return ["One processor only: two threads are not compared with one."]
    return [
        f"Two threads against one, {one.group}, {one.name.partition(',')[0]}: "
        f"{statistics.median(b / a for a, b in zip(one.rates, two.rates, strict=True)):.2f} x "
        f"({one.median / 1e6:.1f} -> {two.median / 1e6:.1f} million agent-steps/s)"
        for one, two in zip(cases[::2], cases[1::2], strict=True)
    ]


def _notes(repeats: int) -> list[str]:
    lines = [f"Medians of {repeats} measurements taken in turns; but for traffic engines, random play with resets."]
    if hasattr(os, "getloadavg"):
        load, cores = os.getloadavg()[0], _processors()
        busy = ": other work is running, wall times are too low" if load > cores + 0.5 else ""
        lines.append(f"Load average {load:.1f} on {cores} processors{busy}.")
    return lines


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
