"""`run classics`: each group of classics and seed is a spec of its own, which engines run like the jobs of a suite."""

from __future__ import annotations

import csv
import hashlib
import json
import statistics
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import machine, store
from benchmarks.classics.table import GROUPS, Row
from benchmarks.engines import Choice
from benchmarks.engines import check as check_engine
from benchmarks.errors import InputError
from benchmarks.group import Group
from benchmarks.jobs import code_digest, digest_of
from benchmarks.locks import lock
from benchmarks.runner import run_missing
from benchmarks.suite import at_least_one

ROWS = "rows.json"
HEAD = ("classic", "what", "published", "ours", "verdict")


class Play(Group):
    """A group of classics with one seed."""

    seed: int

    @property
    def key(self) -> str:
        """The run folder's name."""
        spec = json.dumps([self.group, self.seed, code_digest(), self.code])
        return hashlib.sha256(spec.encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """The name on the screen."""
        return f"{self.group} / seed {self.seed}"


@lru_cache
def own_digest() -> str:
    """Return a digest of the code of the classics."""
    return digest_of(sorted(Path(__file__).parent.glob("*.py")))


def play(spec: Play, folder: Path) -> dict[str, float]:
    """Play one group and write its rows into `folder`.

    Raises:
        InputError: this process has other code than the one that asks.
    """
    if spec.code != own_digest():
        raise InputError(f"this worker has other classics ({own_digest()}) than {spec.code}: update its checkout")
    rows = GROUPS[spec.group](spec.seed)
    (folder / ROWS).write_text(json.dumps([asdict(row) for row in rows], indent=1, default=float), encoding="utf-8")
    return {"agree": sum(row.verdict == "agrees" for row in rows), "of": len(rows)}


def run_classics(out: Path, seeds: int | None, choice: Choice, console: Console) -> None:
    """Play what is missing of all classics; print the table, write `out`/classics.md and summary.csv.

    Args:
        out: the results folder.
        seeds: how often everything is played, each time with another seed; once if not given.
        choice: the engine and its workers.
        console: where progress and the table go.

    Raises:
        InputError: a bad option.
        RunError: a group failed or a file cannot be written; what was played is kept.
    """
    count = at_least_one("--seeds", 1 if seeds is None else seeds)
    check_engine(choice)
    specs = [Play(group=group, seed=seed, code=own_digest()) for group in GROUPS for seed in range(count)]
    with lock(out):
        console.print(f"[bold]Classics[/]: {len(specs)} jobs, {choice.workers} workers, results in {out}/")
        run_missing({spec.key: spec for spec in specs}, out, choice, play, console)
        lines = joined([_read(spec, out) for spec in specs])
        _print(lines, console)
        _write_markdown(lines, specs, out)
        _write_csv(lines, out)
        console.print(f"Table: [bold]{out / 'classics.md'}[/]")


def joined(played: list[list[Row]]) -> list[list[Row]]:
    """Return the rows of each number, one a seed, in the order of the groups."""
    found: dict[tuple[str, str], list[Row]] = {}
    for rows in played:
        for row in rows:
            found.setdefault((row.classic, row.what), []).append(row)
    return list(found.values())


def cells(rows: list[Row]) -> tuple[str, ...]:
    """Return a line of the table: the mean over seeds, and in how many of them it agrees."""
    first = rows[0]
    published = first.published if isinstance(first.published, str) else f"{first.published:g}"
    agree = sum(row.verdict == "agrees" for row in rows)
    word = "agrees" if agree == len(rows) else "differs" if not agree else f"agrees in {agree} of {len(rows)}"
    return first.classic, first.what, published, f"{statistics.fmean(row.ours for row in rows):.5g}", word


def _read(spec: Play, out: Path) -> list[Row]:
    rows = json.loads((store.run_folder(out, spec.key) / ROWS).read_text(encoding="utf-8"))
    return [Row(**row) for row in rows]


def _print(lines: list[list[Row]], console: Console) -> None:
    table = Table(*HEAD)
    for rows in lines:
        table.add_row(*cells(rows))
    console.print(table)


def _write_markdown(lines: list[list[Row]], specs: list[Play], out: Path) -> None:
    """Write the table, and below it what it was played on."""
    shown = [HEAD, ("---",) * len(HEAD), *map(cells, lines)]
    facts = [store.facts(store.run_folder(out, spec.key)) for spec in specs]
    minutes = sum(fact["cpu_seconds"] for fact in facts) / 60
    below = [f"{len(lines[0])} seeds, {minutes:.1f} CPU-minutes.", *machine.summarised(facts)]
    with store.writing(out / "classics.md") as temporary:
        temporary.write_text(
            "".join(f"| {' | '.join(line)} |\n" for line in shown) + "\n" + "\n".join(below) + "\n", encoding="utf-8"
        )


def _write_csv(lines: list[list[Row]], out: Path) -> None:
    """Write summary.csv: no timings and no dates, so the same seeds give the same bytes."""
    with store.writing(out / "summary.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["classic", "what", "published", "seeds", "mean", "seeds_that_agree"])
        for rows in lines:
            mean, agree = statistics.fmean(row.ours for row in rows), sum(row.verdict == "agrees" for row in rows)
            writer.writerow([rows[0].classic, rows[0].what, rows[0].published, len(rows), f"{mean:.9g}", agree])
