"""Episodes of a finished run, found by what happened in them and played again from the run's own policy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.evaluation import chooser
from benchmarks import catalogue, store
from benchmarks.errors import InputError
from benchmarks.jobs import Job
from benchmarks.kinds import KINDS, LearnerAgent
from benchmarks.learners import seen_by
from benchmarks.simulate import EVALUATION, derived
from marl_envs.render.trajectory import Trajectory, pack_frames

if TYPE_CHECKING:
    import polars as pl


class Found(NamedTuple):
    """An episode worth watching."""

    what: str  # worst, best, first-deadlock or first-collision
    key: str  # of the run
    number: int  # of the episode in the run's final evaluation
    value: float  # of the headline metric in it
    step: int  # at which it happened; 0: nothing to point at


def find(episodes: pl.DataFrame, jobs: dict[str, Job], what: str) -> Found | None:
    """Return the episode of these runs (of one environment and agent) that `what` names, or None if there is none.

    Args:
        episodes: final evaluation episodes of the runs in long form, with column `run`.
        jobs: the runs, by the name of their folder.
        what: "worst" or "best" by the headline metric; "first-deadlock" or "first-collision": the first by seed and
            number in which there was one.

    Raises:
        InputError: another word, or no metric of the family tells.
    """
    some = next(iter(jobs.values()))
    if what in ("worst", "best"):
        up = (what == "best") == (some.better == "higher")
        return _extreme(_values(episodes, jobs, some.headline), 1 if up else -1, what)
    events = catalogue.FAMILIES[some.env].events
    if what not in events:
        raise InputError(f"{some.env} counts no {what!r}; allowed are {', '.join(('worst', 'best', *events))}")
    return _first(episodes, jobs, what)


def _values(episodes: pl.DataFrame, jobs: dict[str, Job], metric: str) -> Iterator[tuple[str, int, float]]:
    """Yield run, number and value of the episodes that can be played again, by seed and number."""
    import polars as pl

    chosen = episodes.filter((pl.col("metric") == metric) & pl.col("run").is_in(list(jobs))).sort("seed", "episode")
    for key, number, value in chosen.select("run", "episode", "value").iter_rows():
        if number >= _first_kept(jobs[key]) and not math.isnan(value):
            yield key, number, value


def _extreme(values: Iterator[tuple[str, int, float]], sign: int, what: str) -> Found | None:
    found = max(values, key=lambda row: sign * row[2], default=None)
    return None if found is None else Found(what, *found, 0)


def _first(episodes: pl.DataFrame, jobs: dict[str, Job], what: str) -> Found | None:
    some = next(iter(jobs.values()))
    event = catalogue.FAMILIES[some.env].events[what]
    happened = next((row for row in _values(episodes, jobs, event.counted) if row[2] > 0), None)
    if happened is None:
        return None
    key, number, _ = happened

    def of(metric: str) -> float:
        return next((value for k, n, value in _values(episodes, jobs, metric) if (k, n) == (key, number)), math.nan)

    at = of(event.at) / event.unit(jobs[key].params) if event.at else math.nan
    return Found(what, key, number, of(some.headline), 0 if math.isnan(at) else int(at))


def _first_kept(job: Job) -> int:
    """Return the first episode that the run's own policy has played: what came before were younger ones."""
    if job.train is None or not isinstance(job.train.result, int):
        return 0
    return (min(job.train.result, job.train.evaluations + 1) - 1) * job.evaluate.episodes


def play(job: Job, folder: Path, number: int) -> Trajectory:
    """Return episode `number` of the run's final evaluation, with its frames, played again as it was.

    The last step of the episode is left out: a batch shows the next episode's start in its place.

    Args:
        job: the run's spec.
        folder: its folder, with the checkpoint of what has learned.
        number: as in episodes.parquet.

    Raises:
        InputError: no such episode, or one that an earlier policy of the training played.
    """
    first = _first_kept(job)
    if not first <= number < first + job.evaluate.episodes:
        last = first + job.evaluate.episodes - 1
        raise InputError(f"{job.title}: episode {number} cannot be played again; allowed are {first} to {last}")
    vec = catalogue.make(job, job.evaluate.num_envs)
    row, before = _place(job, number - first)
    frames, actions = _played(job, folder, vec, row, before)
    agents = tuple(vec.agents)
    vec.close()
    return Trajectory(
        env=vec.fingerprint,
        seed=derived(job.seed, EVALUATION),
        agents=agents,
        actions=np.array(actions[:-1], np.int16).reshape(-1, len(agents)),
        positions=pack_frames(frames),
        info={"job": job.title, "episode": number},
    )


def _place(job: Job, number: int) -> tuple[int, int]:
    """Return the row of the batch that plays an episode, and how many it plays before, see `agents.evaluate`."""
    share, more = divmod(job.evaluate.episodes, job.evaluate.num_envs)
    for row in range(job.evaluate.num_envs):
        size = share + (row < more)
        if number < size:
            return row, number
        number -= size
    raise AssertionError("more episodes than are played")


def _played(job: Job, folder: Path, vec: Any, row: int, before: int) -> tuple[list[Any], list[Any]]:
    """Return the frames before each step, and the actions, of the episode that `row` plays after `before` others."""
    seed = derived(job.seed, EVALUATION)
    vec.require_guidance()  # frames need it; it changes no trajectory
    seen = seen_by(job.settings, vec) if isinstance(job.settings, LearnerAgent) else vec
    choose = chooser(_player(job, folder, seen), seen, seed, job.train_params is not None)
    obs, info = seen.reset(seed=seed)
    frames, actions = [], []
    while before >= 0:
        if before == 0:
            frames.append({name: np.array(values) for name, values in vec.frame(row).items()})
        chosen = choose(obs, info)
        if before == 0:
            actions.append(np.array(chosen[row]))
        obs, _, _, _, info = seen.step(chosen)
        before -= int(info["_metrics"][row])
    return frames, actions


def _player(job: Job, folder: Path, vec: Any) -> Any:
    """Return who played the run's final evaluation."""
    import agents

    if not isinstance(job.settings, LearnerAgent):
        return catalogue.make_policy(job)
    learner = getattr(agents, KINDS[job.settings.kind].learner)
    return learner.load(folder / store.CHECKPOINT, vec, transfer=job.train_params is not None)
