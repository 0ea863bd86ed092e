"""The command line: `python -m benchmarks list | run SUITE | report DIR | compare A B | ...`, see `--help`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from benchmarks.commands import Ci, Compare, Export, OnResults, Verify
from benchmarks.errors import InputError, RunError

Part = Literal["warehouse", "traffic", "intersection", "learners", "harness", "report", "render", "deep"]  # of speed
BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130  # exit codes


@dataclass(frozen=True)
class List:
    """Show the suites there are.

    Example: python -m benchmarks list
    """


@dataclass(frozen=True)
class Run:
    """Run a suite (again: only what is missing) and write its tables and report.

    Example: python -m benchmarks run quick

    Example: python -m benchmarks run my_suite.yaml --seeds 10 --engine dask --address tcp://host:8786

    Example: python -m benchmarks run deep --only games bandits
    """

    suite: Annotated[str, tyro.conf.Positional]
    """A suite's or collection's name (see `list`), a suite's .yaml file, `classics` (docs/learners.md), `deep` or
    `deep-peers` (docs/learners-deep.md)."""
    out: Path | None = None
    """Results folder; results/SUITE if not given."""
    seeds: int | None = None
    """Number of seeds; the suite's own if not given. The classics are played once, or so many times."""
    workers: int | None = None
    """Jobs at a time; as many as there are cores if not given."""
    engine: Literal["loky", "dask", "ray", "slurm", "serial"] = "loky"
    """Where jobs run: processes of this machine, or a cluster (docs/benchmarks.md). The numbers are the same."""
    address: str | None = None
    """The cluster: a dask scheduler, a ray head, a Slurm partition. Without it, dask and ray start a local one."""
    only: tuple[str, ...] = ()
    """Of `deep`: the groups to play, by name (see `list`); all if not given."""
    tensorboard: bool = False
    """Log trainings for TensorBoard, too: into the folder tensorboard of the results (extra `tensorboard`)."""


@dataclass(frozen=True)
class Report:
    """Write the report of a results folder again (after a change of its looks, say): nothing runs.

    Example: python -m benchmarks report results/quick
    """

    results: Annotated[Path, tyro.conf.Positional]
    """The folder that `run` wrote."""


@dataclass(frozen=True)
class Figure:
    """Write the figure of a suite's sweeps (the headline metric at rising density) as an SVG file.

    Example: python -m benchmarks figure warehouse --out density.svg
    """

    suite: Annotated[str, tyro.conf.Positional]
    """A suite's name, or the path of a .yaml file; it must have run."""
    out: Path
    """The SVG file."""
    results: Path | None = None
    """Results folder; results/SUITE if not given."""


@dataclass(frozen=True)
class Play:
    """Open a stored episode in the viewer, exactly as it was measured (?: all keys).

    Example: python -m benchmarks play results/quick --job floor-5x5/pibt/0 --episode first-deadlock

    Example: python -m benchmarks play results/quick/runs/0123456789abcdef --episode 7
    """

    run: Annotated[Path, tyro.conf.Positional]
    """A run folder, or the folder that `run` wrote."""
    episode: str = "worst"
    """worst or best (by the headline), first-deadlock or first-collision (where there are such), replay (the one in the
    report), or a number."""
    job: Annotated[str, tyro.conf.arg(aliases=["--cell"])] = ""
    """Which run of a results folder: environment/agent/seed, or words of it, such as "tiny greedy", as in `verify`."""


@dataclass(frozen=True)
class Speed:
    """Measure steps and learners' updates per CPU-second, beside rware, cityflow, libsumo and highway-env.

    Example: python -m benchmarks speed --only harness
    """

    seconds: float = 0.5
    """CPU time of one measurement of one case."""
    repeats: int = 5
    """Measurements of every case, taken in turns; the median is shown."""
    only: Part | None = None
    """One part; all if not given."""


@dataclass(frozen=True)
class Fidelity:
    """Compare our travel times with published ones and the reference engine's; exit status 1 if any differs.

    Example: python -m benchmarks fidelity --markdown
    """

    seeds: int = 5
    """Seeds of our own random streams, whose mean may be 1 % off."""
    markdown: bool = False
    """Print Markdown."""
    json: bool = False
    """Print JSON."""


Command = (
    Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | OnResults
    | Annotated[Figure, tyro.conf.subcommand("figure")]
    | Annotated[Play, tyro.conf.subcommand("play")]
    | Annotated[Speed, tyro.conf.subcommand("speed")]
    | Annotated[Fidelity, tyro.conf.subcommand("fidelity")]
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    command = tyro.cli(Command, prog="python -m benchmarks", args=arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    try:
        if isinstance(command, Compare | Ci | Verify | Export):
            return command.execute(console)
        _dispatch(command, console)
    except InputError as error:
        return _complain(error, BAD_INPUT)
    except RunError as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted; finished runs are kept, the same command continues", INTERRUPTED)
    return 0


def _dispatch(command: List | Run | Report | Figure | Play | Speed | Fidelity, console: Console) -> None:
    if isinstance(command, List):
        _list(console)
    elif isinstance(command, Run):
        workers = _cores() if command.workers is None else command.workers
        if command.suite == "deep":
            from benchmarks.deep.run import run_deep
            from benchmarks.engines import Choice

            _no_suite(command, "the experiments with networks have", jobs=True)
            choice = Choice(command.engine, workers, command.address)
            run_deep(command.out or Path("results/deep"), command.only, choice, console)
        elif command.suite == "deep-peers":
            from benchmarks.deep.peers.run import run_deep_peers

            _no_suite(command, "the comparison with BenchMARL has")
            run_deep_peers(command.out or Path("results/deep-peers"), workers, console)
        else:
            _run(command, workers, console)
    elif isinstance(command, Report):
        from benchmarks.suite import render_report

        render_report(command.results, console)
    elif isinstance(command, Figure):
        from benchmarks.suite import draw_figure

        draw_figure(command.suite, command.results, command.out, console)
    elif isinstance(command, Play):
        _play(command)
    elif isinstance(command, Fidelity):
        from benchmarks.fidelity import run_fidelity

        if command.json and command.markdown:
            raise InputError("choose one of --json and --markdown")
        run_fidelity(console, command.seeds, "json" if command.json else "markdown" if command.markdown else "table")
    else:
        from benchmarks.speed import run_speed

        run_speed(command.seconds, command.repeats, console, command.only)


def _no_suite(command: Run, who: str, jobs: bool = False) -> None:
    """Refuse options of suites to experiments that are none; `jobs`: any engine runs these, and some can be chosen."""
    if command.seeds is not None:
        raise InputError(f"{who} seeds of their own: leave --seeds out")
    if command.tensorboard:
        raise InputError(f"{who} trainings of their own: leave --tensorboard out")
    if not jobs and (command.engine not in ("loky", "serial") or command.address is not None):
        raise InputError(f"{who} processes of their own on this machine: leave --engine and --address out")
    if not jobs and command.only:
        raise InputError("--only is for groups of `deep`: leave it out")


def _run(command: Run, workers: int, console: Console) -> None:
    """Run a suite, or all of a collection."""
    from benchmarks.collection import CLASSICS, collection_names, run_collection
    from benchmarks.engines import Choice
    from benchmarks.suite import RESULTS, run_suite

    choice = Choice(command.engine, workers, command.address)
    if command.only:
        raise InputError("--only is for groups of `deep`: leave it out")
    if command.suite == CLASSICS and command.tensorboard:
        raise InputError("the classics have trainings of their own: leave --tensorboard out")

    def run(suite: str, out: Path | None) -> None:
        if suite == CLASSICS:
            from benchmarks.classics.run import run_classics

            if command.tensorboard:
                console.print("classics: their trainings are not logged for TensorBoard", style="yellow")
            run_classics(out or RESULTS / suite, command.seeds, choice, console)
            return
        run_suite(suite, out, command.seeds, choice, console, tensorboard=command.tensorboard)

    if command.suite in collection_names():
        run_collection(command.suite, command.out or RESULTS / command.suite, run, console)
    else:
        run(command.suite, command.out)


def _play(command: Play) -> None:
    from benchmarks.play import play
    from marl_envs.render import DisplayError

    try:
        play(command.run, command.episode, command.job)
    except (DisplayError, ImportError) as error:
        raise InputError(str(error)) from error


def _complain(error: object, code: int) -> int:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]error:[/] {escape(str(error))}")
    return code


def _list(console: Console) -> None:
    from benchmarks.collection import collection_names, load_collection
    from benchmarks.config import load_suite, suite_names, suite_path
    from benchmarks.deep.table import GROUPS

    for name in collection_names():
        collection = load_collection(name)
        console.print(f"[bold]{name}[/]  {collection.title}: {collection.description.strip()}")
        console.print(f"  suites: {', '.join(collection.suites)}")
    console.print("[bold]classics[/]  Published results of learners beside ours (docs/learners.md)")
    console.print("[bold]deep[/]  What networks are needed for, beside the controls without (docs/learners-deep.md)")
    console.print(f"  groups: {', '.join(GROUPS)}")
    console.print(
        "[bold]deep-peers[/]  IQL, VDN and QMIX beside BenchMARL's, with equal settings (docs/learners-deep.md)"
    )
    for name in suite_names():
        suite = load_suite(suite_path(name))
        console.print(f"[bold]{name}[/]  {suite.title}: {suite.description.strip()}")
        console.print(f"  environments: {', '.join(suite.environments)}")
        console.print(f"  agents: {', '.join(suite.agents)}; {suite.seeds} seeds")


def _cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
