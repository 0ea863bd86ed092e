"""Collections: suites by name that run one after the other, each in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import Field
from rich.console import Console

from benchmarks import yaml_file
from benchmarks.config import SUITES, suite_path
from benchmarks.config_parts import Strict
from benchmarks.errors import InputError, RunError

COLLECTIONS = SUITES / "collections"
CLASSICS = "classics"  # published results of learners, which are no file of environments and agents

RunOne = Callable[[str, Path], None]


class Collection(Strict):
    """A file of `suites/collections`."""

    title: str
    description: str = ""
    suites: list[str] = Field(min_length=1)


def collection_names() -> list[str]:
    """Return the names of the collections that come with the package."""
    return sorted(path.stem for path in COLLECTIONS.glob("*.yaml"))


def load_collection(name: str) -> Collection:
    """Return the collection of that name, whose suites are all there.

    Raises:
        InputError: a bad file, or a suite in it that does not exist or is named twice.
    """
    path = COLLECTIONS / f"{name}.yaml"
    found = yaml_file.read(path, Collection)
    with yaml_file.located(path):
        for suite in found.suites:
            try:
                if suite != CLASSICS:
                    suite_path(suite)
            except InputError as error:
                raise InputError(f"{path}: suites: {error}") from error
            if found.suites.count(suite) > 1:
                raise InputError(f"{path}: suites: {suite} is named twice")
    return found


def run_collection(name: str, out: Path, run: RunOne, console: Console) -> None:
    """Run every suite of a collection with `run(suite, folder)`; one whose jobs fail does not stop the rest.

    Raises:
        InputError: a bad collection, or a suite that cannot run at all.
        RunError: jobs of some suites failed; says of which.
    """
    collection = load_collection(name)
    failed: dict[str, RunError] = {}
    for number, suite in enumerate(collection.suites, 1):
        console.rule(f"[bold]{number} of {len(collection.suites)}: {suite}", align="left")
        try:
            run(suite, out / suite)
        except RunError as error:
            console.print(f"[red]{suite}:[/] {error}")
            failed[suite] = error
    if failed:
        raise RunError("; ".join(f"{suite}: {error}" for suite, error in failed.items()))
    pages = {suite: "classics.md" if suite == CLASSICS else "report.html" for suite in collection.suites}
    console.print(f"Reports: {', '.join(str(out / suite / page) for suite, page in pages.items())}")
