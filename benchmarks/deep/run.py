"""`run deep`: each group of experiments is a spec of its own, which engines run like the jobs of a suite."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import machine, store
from benchmarks.deep import table
from benchmarks.deep.row import Row
from benchmarks.engines import Choice
from benchmarks.engines import check as check_engine
from benchmarks.errors import InputError
from benchmarks.group import Group
from benchmarks.locks import lock
from benchmarks.runner import run_missing

HEAD = ("experiment", "what", "target", "ours", "met", "CPU time [s]")


class Play(Group):
    """A group of experiments with networks."""

    @property
    def key(self) -> str:
        """The run folder's name."""
        return hashlib.sha256(json.dumps([self.group, self.code]).encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """The name on the screen."""
        return self.group


def play(spec: Play, folder: Path) -> dict[str, float]:
    """Play one group and write its rows into `folder`.

    Raises:
        InputError: this process has other code than the one that asks.
    """
    if spec.code != table.code():
        raise InputError(f"this worker has other experiments ({table.code()}) than {spec.code}: update its checkout")
    judged = [row.met for row in table.play(spec.group, folder) if row.met is not None]
    return {"met": sum(judged), "of": len(judged)}


def run_deep(out: Path, only: Sequence[str], choice: Choice, console: Console) -> None:
    """Play what is missing; print the table, and write to `out`/deep.md that of all that has been played.

    Args:
        out: the results folder.
        only: names of groups; all of them if there are none.
        choice: the engine and its workers.
        console: where progress and the table go.

    Raises:
        InputError: a bad option, or the extra `deep` is missing.
        RunError: a group failed or a file cannot be written; what was played is kept.
    """
    try:
        import agents.deep  # noqa: F401
    except ImportError as error:
        raise InputError(str(error)) from error
    check_engine(choice)
    specs = [Play(group=group, code=table.code()) for group in chosen(only)]
    with lock(out):
        _drop_gaps(specs, out)
        console.print(f"[bold]Networks[/]: {len(specs)} groups, {choice.workers} workers, results in {out}/")
        run_missing({spec.key: spec for spec in specs}, out, choice, play, console)
        shown = Table(*HEAD)
        for row in rows_of(specs, out):
            shown.add_row(*row.cells())
        console.print(shown)
        _write_markdown(out)
        console.print(f"Table: [bold]{out / 'deep.md'}[/]")


def chosen(only: Sequence[str]) -> list[str]:
    """Return the groups to play, each once, in their order.

    Raises:
        InputError: there is no such group.
    """
    unknown = [name for name in only if name not in table.GROUPS]
    if unknown:
        raise InputError(f"--only: no group {', '.join(map(repr, unknown))}; there are {', '.join(table.GROUPS)}")
    return [name for name in table.GROUPS if name in only or not only]


def _drop_gaps(specs: Sequence[Play], out: Path) -> None:
    """Remove the groups of which something could not be played: what was missing may be installed by now."""
    for spec in specs:
        folder = store.run_folder(out, spec.key)
        kept = folder.is_dir() and store.check(folder) is None  # what is damaged is removed, and told, later
        if kept and any(row.ours is None for row in table.play(spec.group, folder)):
            shutil.rmtree(folder)


def rows_of(specs: Sequence[Play], out: Path) -> list[Row]:
    """Return the rows of groups that have been played."""
    return [row for spec in specs for row in table.play(spec.group, store.run_folder(out, spec.key))]


def _write_markdown(out: Path) -> None:
    """Write the table of all that this code has played, and below it on what."""
    specs = [Play(group=group, code=table.code()) for group in table.GROUPS]
    specs = [spec for spec in specs if store.run_folder(out, spec.key).is_dir()]
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows_of(specs, out))]
    facts = [store.facts(store.run_folder(out, spec.key)) for spec in specs]
    minutes = sum(fact["cpu_seconds"] for fact in facts) / 60
    below = [f"{len(specs)} of {len(table.GROUPS)} groups, {minutes:.1f} CPU-minutes.", *machine.summarised(facts)]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n" + "\n".join(below) + "\n"
    with store.writing(out / "deep.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
