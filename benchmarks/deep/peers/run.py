"""`python -m benchmarks run deep-peers`: plays what is missing, one JSON file a training, and prints the tables."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import joblib
from rich.console import Console

from benchmarks.deep.peers import report, settings
from benchmarks.deep.peers.played import SIDES, Played
from benchmarks.errors import InputError
from benchmarks.jobs import code_digest, digest_of
from benchmarks.suite import at_least_one

SEEDS = range(1, 9)  # the settings were chosen on 10
EPISODES = 128
JUDGED = 100_000  # first of the seeds of evaluations
NEEDED = ("torch", "safetensors", "torchrl", "tensordict", "benchmarl")


@dataclass(frozen=True)
class Run:
    """One training."""

    algorithm: str
    side: str
    seed: int
    frames: int = settings.FRAMES

    def file(self, out: Path) -> Path:
        """Return where its result lies; what other code wrote stays beside it."""
        return out / f"{self.algorithm}-{self.side}-{self.seed}-{self.frames}-{code()}.json"


RUNS = [Run(algorithm, side, seed) for seed in SEEDS for algorithm in settings.ALGORITHMS for side in SIDES]


@lru_cache
def code() -> str:
    """Return a digest of simulation, learners and this comparison, but for how it is shown."""
    files = sorted(path for path in Path(__file__).parent.glob("*.py") if path.stem != "report")
    return code_digest()[:8] + digest_of(files)[:8]


def require() -> None:
    """Refuse to go on without what both sides need.

    Raises:
        InputError: names the packages that are missing and the extra.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"deep-peers needs BenchMARL and PyTorch, but {', '.join(missing)} cannot be found: install the extra "
            "`benchmarl` beside `deep` and `bench`, in an environment of its own: "
            'pip install -e ".[bench,deep,benchmarl]"'
        )


def measured(run: Run) -> Played:
    """Train and evaluate; both sides alike."""
    import torch

    import marl_envs
    from agents import evaluate

    if run.side == "ours":
        from benchmarks.deep.peers.ours import learn
    else:
        from benchmarks.deep.peers.theirs import learn
    torch.set_num_threads(1)
    learn(run.algorithm, run.seed, 2 * settings.ROUND)  # what is compiled and loaded at first use is no training
    trained = learn(run.algorithm, run.seed, run.frames)
    vec = marl_envs.make_vec(settings.ENVIRONMENT, EPISODES, **settings.PARAMETERS)
    episodes = evaluate(trained.policy, vec, EPISODES, JUDGED + run.seed)
    deliveries, returns = (sum(one[name] for one in episodes) / EPISODES for name in ("deliveries", "return"))
    took = (trained.frames, trained.batches, trained.cpu_seconds)
    return Played(run.algorithm, run.side, run.seed, deliveries, returns, *took)


def play(run: Run, out: Path) -> Played:
    """Return a training's result: that in its file if this code wrote one, else train and write it."""
    path = run.file(out)
    if path.exists():
        return Played(**json.loads(path.read_text()))
    result = measured(run)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(result), indent=1) + "\n")
    os.replace(temporary, path)
    return result


def run_deep_peers(out: Path, workers: int, console: Console, runs: Sequence[Run] = RUNS) -> None:
    """Play all that is missing in `out`, print the tables and write them to `out`/deep-peers.md.

    Raises:
        InputError: the extra is missing, fewer workers than one, or the folder cannot be written.
    """
    require()
    os.environ.setdefault("TQDM_DISABLE", "1")  # BenchMARL's bar, between our lines; read before torch is imported
    at_least_one("--workers", workers)
    try:
        os.makedirs(out, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write results to {out}: {error.strerror}") from error
    played = []
    trainings = (joblib.delayed(play)(run, out) for run in runs)
    for result in joblib.Parallel(n_jobs=workers, return_as="generator")(trainings):
        console.print(f"{result.title}: {result.deliveries:.2f} deliveries, {result.cpu_seconds:.0f} s of CPU time")
        played.append(result)
    from benchmarks.deep.peers.theirs import defaults

    tables = [report.markdown(report.SETTINGS, report.settings_rows(defaults())), *report.figures(played)]
    console.print("\n".join(tables), markup=False, soft_wrap=True)
    (out / "deep-peers.md").write_text("\n".join(tables))
