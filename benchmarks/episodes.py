"""Episodes of a finished run, found by what happened in them and played again from the run's own policy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents import CheckpointError, checkpoint
from agents.evaluation import chooser
from benchmarks import catalogue, store
from benchmarks.errors import InputError
from benchmarks.jobs import Job
from benchmarks.kinds import LearnerAgent
from benchmarks.learners import make_learner, seen_by
from benchmarks.simulate import EVALUATION, derived
from marl_envs.core.snapshot import Snapshot
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
        allowed = ", ".join(("worst", "best", *events))
        raise InputError(f"{some.env} has no episodes called {what!r}; allowed are {allowed}")
    return _first(episodes, jobs, what)


def _values(episodes: pl.DataFrame, jobs: dict[str, Job], metric: str) -> pl.DataFrame:
    """Return run, episode and value of the episodes that can be played again, by seed and number."""
    import polars as pl

    asked = (pl.col("metric") == metric) & (pl.col("phase") == "eval") & pl.col("run").is_in(list(jobs))
    chosen = episodes.filter(asked & pl.col("value").is_not_nan()).sort("seed", "episode")
    kept = pl.col("run").replace_strict({key: _first_kept(job) for key, job in jobs.items()}, return_dtype=pl.Int64)
    return chosen.filter(pl.col("episode") >= kept).select("run", "episode", "value")


def _extreme(values: pl.DataFrame, sign: int, what: str) -> Found | None:
    import polars as pl

    if values.is_empty():
        return None
    best = values["value"].max() if sign > 0 else values["value"].min()
    key, number, value = values.filter(pl.col("value") == best).row(0)
    return Found(what, key, number, value, 0)


def _first(episodes: pl.DataFrame, jobs: dict[str, Job], what: str) -> Found | None:
    import polars as pl

    some = next(iter(jobs.values()))
    event = catalogue.FAMILIES[some.env].events[what]
    happened = _values(episodes, jobs, event.counted).filter(pl.col("value") > 0)
    if happened.is_empty():
        return None
    key, number, _ = happened.row(0)

    def of(metric: str) -> float:
        found = _values(episodes, jobs, metric).filter(run=key, episode=number)["value"]
        return math.nan if found.is_empty() else float(found[0])

    at = of(event.at) / event.unit(jobs[key].params) if event.at else math.nan
    return Found(what, key, number, of(some.headline), 0 if math.isnan(at) else int(at))


def _first_kept(job: Job) -> int:
    """Return the first episode that the run's own policy has played: what came before were younger ones."""
    if job.train is None or not isinstance(job.train.result, int):
        return 0
    return (min(job.train.result, job.train.evaluations + 1) - 1) * job.evaluate.episodes


class Played(NamedTuple):
    """An episode that was played again: where it began, its actions, and what was measured."""

    start: Snapshot
    actions: NDArray[Any]  # [T, A]
    metrics: dict[str, float]


def play_again(job: Job, folder: Path, number: int) -> Played:
    """Return episode `number` of a run's final evaluation, played again with the run's own policy.

    Args:
        job: the run's spec.
        folder: its folder, with the checkpoint of what has learned.
        number: as in episodes.parquet.

    Raises:
        InputError: no such episode, one that an earlier policy of the training played, no checkpoint, or one that does
            not come out as it was stored.
    """
    first = _first_kept(job)
    if not first <= number < first + job.evaluate.episodes:
        last = first + job.evaluate.episodes - 1
        why = (
            "an earlier policy of the training played it, which is not kept" if 0 <= number < first else "there is none"
        )
        raise InputError(f"{job.title}: no episode {number} to play again ({why}); allowed are {first} to {last}")
    played = _played(job, folder, *_place(job, number - first))
    stored = read_episodes(folder)[number]
    different = [name for name, value in stored.items() if not _same(value, played.metrics[name])]
    if different:
        raise InputError(
            f"{folder}: episode {number} comes out differently now ({', '.join(different[:3])}): the code has changed "
            "since; run the suite again"
        )
    return played


def trajectory(job: Job, folder: Path, number: int) -> Trajectory:
    """Return the same episode with its frames, see `play_again`."""
    from marl_envs.core.registry import from_fingerprint

    played = play_again(job, folder, number)
    env = from_fingerprint(catalogue.make(job, 1).fingerprint)
    env.reset()
    env.set_state(played.start)
    agents = tuple(env.possible_agents)
    frames = [_copied(env.frame())]
    for actions in played.actions:
        env.step(dict(zip(agents, actions, strict=True)))
        frames.append(_copied(env.frame()))
    return Trajectory(
        env=env.fingerprint,
        seed=derived(job.seed, EVALUATION),
        agents=agents,
        actions=played.actions.astype(np.int16),
        positions=pack_frames(frames),
        info={"job": job.title, "episode": number},
    )


def read_episodes(folder: Path) -> list[dict[str, float]]:
    """Return the metrics of the stored episodes of the final evaluation, in their order."""
    import polars as pl

    path = folder / "episodes.parquet"
    if not path.is_file():
        raise InputError(f"{folder} is no finished run: it has no {path.name}")
    rows = pl.read_parquet(path).filter(pl.col("phase") == "eval").select("episode", "metric", "value").iter_rows()
    found: dict[int, dict[str, float]] = {}
    for number, metric, value in rows:
        found.setdefault(number, {})[metric] = math.nan if value is None else value
    return [found[number] for number in sorted(found)]


def player_of(job: Job, folder: Path) -> Any:
    """Return who plays the job: the policy, or what the checkpoint has learned, without exploration.

    Raises:
        InputError: the checkpoint is missing or does not fit.
    """
    if not isinstance(job.settings, LearnerAgent):
        return catalogue.make_policy(job)
    assert job.train is not None
    vec = catalogue.make(job, job.train.num_envs, training=True)
    learner = make_learner(job.settings, seen_by(job.settings, vec), job.seed)
    path = folder / store.CHECKPOINT
    try:
        header, arrays = checkpoint.read(path)
        learner.restore(path, header["learner"], checkpoint.section(arrays, "learner"))
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: without what {job.agent} learned, nothing can be played again") from error
    except (KeyError, CheckpointError) as error:
        raise InputError(f"{path} does not hold what {job.agent} learned ({error}); run the suite again") from error
    return learner


def _place(job: Job, number: int) -> tuple[int, int]:
    """Return the row of the batch that plays an episode, and how many it plays before, see `agents.evaluate`."""
    share, more = divmod(job.evaluate.episodes, job.evaluate.num_envs)
    sizes = np.full(job.evaluate.num_envs, share) + (np.arange(job.evaluate.num_envs) < more)
    row = int(np.searchsorted(np.cumsum(sizes), number, side="right"))
    return row, number - int(sizes[:row].sum())


def _played(job: Job, folder: Path, row: int, before: int) -> Played:
    """Play the evaluation until `row` has ended one episode more than `before`, and return that one."""
    seed = derived(job.seed, EVALUATION)
    vec = catalogue.make(job, job.evaluate.num_envs)
    seen = seen_by(job.settings, vec) if isinstance(job.settings, LearnerAgent) else vec
    choose = chooser(player_of(job, folder), seen, seed, job.train_params is not None)
    obs, info = seen.reset(seed=seed)
    start, actions = vec.get_state(), []
    while True:
        chosen = choose(obs, info)
        actions.append(np.array(chosen[row]))
        obs, _, _, _, info = seen.step(chosen)
        if not info["_metrics"][row]:
            continue
        if before == 0:
            metrics = {name: float(values[row]) for name, values in info["metrics"].items()}
            vec.close()
            return Played(_of_row(start, row), np.array(actions), metrics)
        before, start, actions = before - 1, vec.get_state(), []


def _of_row(snapshot: Snapshot, row: int) -> Snapshot:
    """Return the part of a snapshot that is one environment's, as a snapshot of a batch of one."""
    arrays = {name: values[row : row + 1].copy() for name, values in snapshot.arrays.items()}
    return Snapshot({**snapshot.meta, "num_envs": 1}, arrays)


def _copied(frame: dict[str, Any]) -> dict[str, Any]:
    return {name: np.array(values) for name, values in frame.items()}


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
