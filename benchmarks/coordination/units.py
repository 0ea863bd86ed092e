"""Units of measuring: each is a spec of its own, which engines run like the jobs of a suite, and a folder of its own.

A unit's folder is named by a hash of all that decides its numbers, so a killed run loses at most what was running, and
another training, suite or code is another folder.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import store
from benchmarks.config_parts import Strict
from benchmarks.engines import Choice
from benchmarks.errors import InputError
from benchmarks.jobs import Job, code_digest, digest_of, job_key
from benchmarks.kinds import LearnerAgent
from benchmarks.locks import lock
from benchmarks.runner import run_missing
from marl_envs import metrics

FOLDER = "coordination"  # in the results folder: laid out as one itself, with a run for each unit
NUMBERS = "numbers.json"
MEASURING = ("measures.py", "playing.py", "tasks.py", "teams.py")  # here; they and the metrics decide a unit's numbers


class Unit(Strict):
    """One measure of one run, and the runs whose tables it needs."""

    measure: str
    job: Job
    runs: dict[int, str]  # seed -> run folder's name
    code: str  # digest of the code that is to measure

    @property
    def key(self) -> str:
        """The folder's name."""
        spec = [self.measure, job_key(self.job), sorted(self.runs.items()), code_digest(), self.code]
        return hashlib.sha256(json.dumps(spec).encode()).hexdigest()[:16]

    @property
    def environment(self) -> str:
        """Where it was trained, see `benchmarks.jobs.Spec`."""
        return self.job.environment

    @property
    def agent(self) -> str:
        """Who, and what is measured."""
        return f"{self.job.agent}: {self.measure}"

    @property
    def title(self) -> str:
        """The unit's name on the screen."""
        return f"{self.measure} / {self.job.title}"

    @property
    def train_steps(self) -> int:
        """Nothing is trained."""
        return 0


@lru_cache
def own_digest() -> str:
    """Return a digest of the code that measures."""
    here = [Path(__file__).parent / name for name in MEASURING]
    return digest_of([*here, *sorted(Path(metrics.__file__).parent.glob("*.py"))])


def expand(jobs: dict[str, Job]) -> list[Unit]:
    """Return the units of a suite's jobs (key -> job): three a learner's run, and one a run of the reference policy."""

    def unit(measure: str, job: Job, runs: dict[int, str]) -> Unit:
        return Unit(measure=measure, job=job, runs=runs, code=own_digest())

    units = []
    for key, job in jobs.items():
        runs = {j.seed: k for k, j in jobs.items() if (j.environment, j.agent) == (job.environment, job.agent)}
        if job.role == "bound":
            continue
        if isinstance(job.settings, LearnerAgent):
            own = {job.seed: key}
            units += [unit("cross", job, runs), unit("drop", job, own), unit("behaviour", job, own)]
        elif job.settings.kind != "random":
            units.append(unit("planner", job, {}))
    return units


def read(unit: Unit, out: Path) -> dict[str, Any]:
    """Return the numbers of a unit that has been measured; `out` is the suite's results folder."""
    found: dict[str, Any] = json.loads(path_of(unit, out).read_text(encoding="utf-8"))
    return found


def path_of(unit: Unit, out: Path) -> Path:
    """Return where a unit's numbers are kept."""
    return store.run_folder(out / FOLDER, unit.key) / NUMBERS


def measure(unit: Unit, folder: Path) -> dict[str, float]:
    """Measure one unit and write its numbers into `folder`, which is two levels below FOLDER of the results.

    Raises:
        InputError: this process has other code than the one that wants to know, or agents cannot be exchanged.
    """
    from benchmarks.coordination.measures import MEASURES
    from benchmarks.coordination.teams import tables_of

    if unit.code != own_digest():
        raise InputError(f"this worker measures by other code ({own_digest()}) than {unit.code}: update its checkout")
    tables = {seed: tables_of(unit.job, key, folder.parents[2]) for seed, key in unit.runs.items()}
    numbers = MEASURES[unit.measure](unit.job, tables)
    (folder / NUMBERS).write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    return {}


def measure_missing(units: list[Unit], out: Path, choice: Choice | int, console: Console) -> None:
    """Measure what is missing, on the engine of `choice`; a number: that many processes of this machine.

    Raises:
        RunError: a unit failed (the others are kept), or the folder cannot be written.
    """
    console.print(f"{len(units)} measurements of trained agents")
    with lock(out / FOLDER):
        run_missing({unit.key: unit for unit in units}, out / FOLDER, choice, measure, console)
