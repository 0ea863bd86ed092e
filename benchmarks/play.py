"""Stored episodes in the viewer: played again exactly as they were measured, with the checkpoint at hand.

The episodes of a final evaluation follow from the job's seed and from who plays. So an episode is found by playing the
evaluation once more; what comes out must be what was stored, or the code is no longer the same. From where the episode
begins it is then shown by its actions, and somebody can take over an agent in its midst.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from benchmarks import catalogue, store
from benchmarks.errors import InputError
from benchmarks.jobs import Job
from benchmarks.kinds import LearnerAgent
from marl_envs.core.snapshot import Snapshot

if TYPE_CHECKING:
    from marl_envs.render.viewer import Session, Source

WORST, BEST, DEADLOCK, REPLAY = "worst", "best", "first-deadlock", "replay"
_WHEN = ("deadlock_first", "deadlock_at")  # metrics that say when the first deadlock was: NaN without one
BEFORE = 10  # steps, or seconds, before a deadlock at which the viewer begins


@dataclass(frozen=True)
class Stored:
    """An episode of a finished run: which one, and what was measured."""

    job: Job
    folder: Path
    number: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Played:
    """An episode that was played again: where it began, and its actions."""

    start: Snapshot
    actions: NDArray[Any]  # [T, A]
    metrics: dict[str, float]


def play(run: Path, episode: str, job: str = "") -> None:
    """Open the viewer on a stored episode.

    Args:
        run: a run folder, or a results folder.
        episode: "worst" or "best" by the headline, "first-deadlock", "replay" (the one recorded for the report), or the
            number of an episode.
        job: words of the job's title ("tiny / independent / seed 0"), to say which one of a results folder.

    Raises:
        InputError: no finished run, no such job or episode, or one that does not come out as it was stored.
        DisplayError: there is no display; says what to do.
    """
    from marl_envs.__main__ import show

    show(source_of(run, episode, job))


def source_of(run: Path, episode: str, job: str = "") -> Source:
    """Return what the viewer is to show, see `play`."""
    folder, spec = find_run(run, job)
    if episode == REPLAY:
        return _recorded(folder, spec)
    stored = find_episode(folder, spec, episode)
    session = session_of(stored)
    if episode == DEADLOCK:
        approach(session, stored.metrics)
    return session


def approach(session: Session, metrics: dict[str, float]) -> None:
    """Go on until shortly before the first deadlock, whose step or time [s] the metrics say."""
    if not np.isnan(step := metrics.get("deadlock_first", np.nan)):
        while session.at < step - BEFORE and session.forward():
            pass
    elif not np.isnan(time := metrics.get("deadlock_at", np.nan)):
        while float(session.moment().frame["seconds"]) < time - BEFORE and session.forward():
            pass


def find_run(run: Path, job: str = "") -> tuple[Path, Job]:
    """Return the run folder and its job; raise InputError if there is not exactly one that is meant."""
    if (run / "config.json").is_file():
        return run, _job_in(run)
    folders = sorted(path.parent for path in run.glob("runs/*/" + store.DONE))
    if not folders:
        raise InputError(f"{run} is neither a run folder nor a results folder with finished runs")
    found = [(folder, spec) for folder, spec in ((folder, _job_in(folder)) for folder in folders) if _fits(spec, job)]
    if len(found) != 1:
        titles = "\n  ".join(sorted(spec.title for _, spec in found or [(f, _job_in(f)) for f in folders]))
        which = "several jobs fit" if found else f"no job fits {job!r}"
        raise InputError(f"{run}: {which}; say which one by --job, with words of its title:\n  {titles}")
    return found[0]


def _fits(spec: Job, words: str) -> bool:
    return spec.title == words or all(
        word in spec.title.replace("/", " ").split() for word in words.replace("/", " ").split()
    )


def _job_in(folder: Path) -> Job:
    path = folder / "config.json"
    try:
        return Job.model_validate(json.loads(path.read_text(encoding="utf-8"))["job"])
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise InputError(f"{path} is damaged or of another version: {error}") from error


def find_episode(folder: Path, job: Job, episode: str) -> Stored:
    """Return the episode that is asked for; raise InputError if there is none."""
    stored = read_episodes(folder)
    if episode in (WORST, BEST):
        number = _extreme(stored, job, best=episode == BEST)
    elif episode == DEADLOCK:
        number = _first_deadlock(stored, folder)
    elif episode.isdigit() and int(episode) < len(stored):
        number = int(episode)
    else:
        raise InputError(
            f"--episode must be {WORST}, {BEST}, {DEADLOCK}, {REPLAY} or a number from 0 to {len(stored) - 1}, "
            f"not {episode!r}"
        )
    return Stored(job, folder, number, stored[number])


def read_episodes(folder: Path) -> list[dict[str, float]]:
    """Return the metrics of the stored episodes of the final evaluation, in their order."""
    import polars as pl

    path = folder / "episodes.parquet"
    if not path.is_file():
        raise InputError(f"{folder} is no finished run: it has no {path.name}")
    rows = pl.read_parquet(path).filter(pl.col("phase") == "eval").select("episode", "metric", "value").iter_rows()
    found: dict[int, dict[str, float]] = {}
    for number, metric, value in rows:
        found.setdefault(number, {})[metric] = float("nan") if value is None else value
    return [found[number] for number in sorted(found)]


def _extreme(stored: list[dict[str, float]], job: Job, best: bool) -> int:
    values = np.array([metrics[job.headline] for metrics in stored])
    if np.isnan(values).all():
        raise InputError(f"{job.headline} is undefined in every episode: name one by its number")
    highest = best == (job.better == "higher")
    return int(np.nanargmax(values) if highest else np.nanargmin(values))


def _first_deadlock(stored: list[dict[str, float]], folder: Path) -> int:
    names = [name for name in _WHEN if name in stored[0]]
    if not names:
        raise InputError(f"{folder}: this environment counts no deadlocks")
    for number, metrics in enumerate(stored):
        if not np.isnan(metrics[names[0]]):
            return number
    raise InputError(f"{folder}: none of the {len(stored)} episodes has a deadlock")


def _recorded(folder: Path, job: Job) -> Source:
    from marl_envs.render import TrajectoryError, load
    from marl_envs.render.viewer import Film

    path = folder / store.REPLAY
    if not path.is_file():
        raise InputError(f"{folder} ({job.title}) has no {store.REPLAY}: it is recorded for the first seed only")
    try:
        return Film(load(path), job.title)
    except TrajectoryError as error:
        raise InputError(str(error)) from error


def session_of(stored: Stored) -> Session:
    """Return a session of the episode, at its beginning.

    Raises:
        InputError: the episode was played during training, or does not come out as it was stored.
    """
    from benchmarks.simulate import EVALUATION
    from marl_envs.core.random import seed_stream
    from marl_envs.core.registry import from_fingerprint
    from marl_envs.render.viewer import Session

    job = stored.job
    if job.train is not None and isinstance(job.train.result, int):
        raise InputError(
            f"{job.title}: its episodes were played while it trained; --episode {REPLAY} shows a later one"
        )
    policy, vec = player_of(job, stored.folder), _vec_of(job, job.evaluate.num_envs)
    played = play_again(policy, vec, job.evaluate.episodes, int(seed_stream(job.seed, EVALUATION)) >> 1, stored.number)
    different = [name for name, value in stored.metrics.items() if not _same(value, played.metrics[name])]
    if different:
        raise InputError(
            f"{stored.folder}: episode {stored.number} comes out differently now ({', '.join(different[:3])}): the "
            f"code has changed since; run the suite again, or see --episode {REPLAY}"
        )
    env = from_fingerprint(vec.fingerprint)
    name = f"{job.title}, episode {stored.number}"
    return Session(env, policy, job.seed, name=name, start=played.start, script=played.actions)


def _same(one: float, other: float) -> bool:
    return one == other or (np.isnan(one) and np.isnan(other))


def player_of(job: Job, folder: Path) -> Any:
    """Return who plays the job: the policy, or what the checkpoint has learned, without exploration."""
    if not isinstance(job.settings, LearnerAgent):
        return catalogue.make_policy(job)
    from agents import CheckpointError, checkpoint
    from benchmarks.learners import make_learner, seen_by

    assert job.train is not None
    trained_in = seen_by(job.settings, catalogue.make(job, job.train.num_envs, training=True))
    learner = make_learner(job.settings, trained_in, job.seed)
    path = folder / "checkpoint.npz"
    try:
        header, arrays = checkpoint.read(path)
        learner.restore(path, header["learner"], checkpoint.section(arrays, "learner"))
    except (FileNotFoundError, KeyError, CheckpointError) as error:
        raise InputError(f"{path}: {error}") from error
    return learner.greedy()


def _vec_of(job: Job, num_envs: int) -> Any:
    from benchmarks.learners import seen_by

    vec = catalogue.make(job, num_envs)
    return seen_by(job.settings, vec) if isinstance(job.settings, LearnerAgent) else vec


def play_again(policy: Any, vec: Any, episodes: int, seed: int, number: int) -> Played:
    """Play an evaluation (see `agents.evaluate`) until its episode `number` is over, and return that one."""
    share = np.full(vec.num_envs, episodes // vec.num_envs) + (np.arange(vec.num_envs) < episodes % vec.num_envs)
    row = int(np.searchsorted(np.cumsum(share), number, side="right"))
    before = number - int(share[:row].sum())  # episodes of the row that come first
    policy.reset(seed)
    obs, info = vec.reset(seed=seed)
    actions: list[NDArray[Any]] = []
    start = _of_row(vec.get_state(), row) if before == 0 else None
    while True:
        chosen = _choose(policy, vec, obs, info)
        if start is not None:
            actions.append(np.array(chosen[row]))
        obs, _, _, _, info = vec.step(chosen)
        if not info["_metrics"][row]:
            continue
        if start is not None:
            metrics = {name: float(values[row]) for name, values in info["metrics"].items()}
            return Played(start, np.array(actions), metrics)
        before -= 1
        start = _of_row(vec.get_state(), row) if before == 0 else None


def _choose(policy: Any, vec: Any, obs: Any, info: dict[str, Any]) -> NDArray[Any]:
    """Return the actions that `agents.evaluate` would have taken."""
    chosen: NDArray[Any] = (
        policy.choose(obs, info.get("action_mask")) if hasattr(policy, "choose") else policy.act(vec, obs)
    )
    return chosen


def _of_row(snapshot: Snapshot, row: int) -> Snapshot:
    """Return the part of a snapshot that is one environment's, as a snapshot of a batch of one."""
    arrays = {name: values[row : row + 1].copy() for name, values in snapshot.arrays.items()}
    return Snapshot({**snapshot.meta, "num_envs": 1}, arrays)
