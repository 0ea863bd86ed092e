"""Units of measuring: what is missing is measured, in worker processes, each into a file of its own.

A unit's file is named by a hash of all that decides its numbers, so a killed run loses at most what was running, and
another training, suite or code is another file.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape

from benchmarks import store
from benchmarks.errors import InputError, RunError
from benchmarks.jobs import Job, code_digest, job_key
from benchmarks.kinds import LearnerAgent
from marl_envs import metrics

FOLDER = "coordination"
MEASURING = ("measures.py", "playing.py", "tasks.py", "teams.py")  # here; they and the metrics decide a unit's numbers


class Unit(NamedTuple):
    """One measure of one run, and the runs whose tables it needs."""

    measure: str
    job: Job
    runs: dict[int, str]  # seed -> run folder's name

    @property
    def key(self) -> str:
        """The file's name, without its ending."""
        spec = [self.measure, job_key(self.job), sorted(self.runs.items()), code_digest(), own_digest()]
        return hashlib.sha256(json.dumps(spec).encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """The unit's name on the screen."""
        return f"{self.measure} / {self.job.title}"


@lru_cache
def own_digest() -> str:
    """Return a digest of the code that measures."""
    digest = hashlib.sha256()
    here = [Path(__file__).parent / name for name in MEASURING]
    for path in [*here, *sorted(Path(metrics.__file__).parent.glob("*.py"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def expand(jobs: dict[str, Job]) -> list[Unit]:
    """Return the units of a suite's jobs (key -> job): three a learner's run, and one a run of the reference policy."""
    units = []
    for key, job in jobs.items():
        runs = {j.seed: k for k, j in jobs.items() if (j.environment, j.agent) == (job.environment, job.agent)}
        if job.role == "bound":
            continue
        if isinstance(job.settings, LearnerAgent):
            own = {job.seed: key}
            units += [Unit("cross", job, runs), Unit("drop", job, own), Unit("behaviour", job, own)]
        elif job.settings.kind != "random":
            units.append(Unit("planner", job, {}))
    return units


def path_of(unit: Unit, out: Path) -> Path:
    """Return where a unit's numbers are kept."""
    return out / FOLDER / f"{unit.key}.json"


def read(unit: Unit, out: Path) -> dict[str, Any] | None:
    """Return a unit's numbers, or None where it has not been measured, or its file is damaged."""
    try:
        found: dict[str, Any] = json.loads(path_of(unit, out).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found["numbers"] if isinstance(found, dict) and "numbers" in found else None


def measure(unit: Unit, out: Path) -> str:
    """Measure one unit and write its file; return what went wrong, or nothing."""
    from benchmarks.coordination.measures import MEASURES
    from benchmarks.coordination.teams import tables_of

    try:
        tables = {seed: tables_of(unit.job, key, out) for seed, key in unit.runs.items()}
        numbers = MEASURES[unit.measure](unit.job, tables)
        with store.writing(path_of(unit, out)) as temporary:
            temporary.write_text(json.dumps({"unit": unit.title, "numbers": numbers}, indent=1), encoding="utf-8")
    except (InputError, RunError) as error:
        return f"{unit.title}: {error}"
    except Exception:
        return f"{unit.title}:\n{traceback.format_exc()}"
    return ""


def measure_missing(units: list[Unit], out: Path, workers: int, console: Console) -> None:
    """Measure what is missing, `workers` units at a time.

    Raises:
        RunError: a unit failed (the others are kept), or the folder cannot be written.
    """
    try:
        (out / FOLDER).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise store.disk_error(error, out / FOLDER) from error
    missing = [unit for unit in units if read(unit, out) is None]
    console.print(f"{len(units)} measurements; {len(missing)} to do")
    failed = [problem for problem in _measured(missing, out, workers) if problem]
    for problem in failed:
        console.print(escape(problem), style="dim")
    if failed:
        raise RunError(f"{len(failed)} of {len(missing)} measurements failed; the others are kept")


def _measured(units: list[Unit], out: Path, workers: int) -> Iterator[str]:
    if min(workers, len(units)) <= 1:
        yield from (measure(unit, out) for unit in units)
        return
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with joblib.parallel_config("loky", inner_max_num_threads=1):
        parallel = joblib.Parallel(n_jobs=min(workers, len(units)), batch_size=1, return_as="generator_unordered")
    results: Any = parallel(joblib.delayed(measure)(unit, out) for unit in units)
    with closing(results):  # ends the workers if units are still measured
        try:
            yield from results
        except TerminatedWorkerError as error:
            raise RunError(
                "a worker process was killed (out of memory?); what was measured is kept, the same command continues"
            ) from error
