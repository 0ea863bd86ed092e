"""Stored episodes in the viewer: played again exactly as they were measured, with the checkpoint at hand.

The episodes of a final evaluation follow from the job's seed and from who plays. So an episode is found by playing the
evaluation once more; what comes out must be what was stored, or the code is no longer the same. From where the episode
begins it is then shown by its actions, and somebody can take over an agent in its midst.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import catalogue, store
from benchmarks.episodes import find, play_again, player_of, read_episodes
from benchmarks.errors import InputError
from benchmarks.jobs import Job, read_config
from benchmarks.kinds import LearnerAgent
from benchmarks.naming import the_run

if TYPE_CHECKING:
    from marl_envs.render.viewer import Session, Source

REPLAY = "replay"
BEFORE = 10  # steps before what an episode is found by at which the viewer begins


@dataclass(frozen=True)
class Stored:
    """An episode of a finished run: which one, and what was measured."""

    job: Job
    folder: Path
    number: int
    step: int = 0  # at which happened what it was found by


def play(run: Path, episode: str, job: str = "") -> None:
    """Open the viewer on a stored episode.

    Args:
        run: a run folder, or a results folder.
        episode: "worst" or "best" by the headline, "first-deadlock" or "first-collision" where the family counts them,
            "replay" (the one recorded for the report), or the number of an episode.
        job: "environment/agent/seed", or words of it, to say which one of a results folder.

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
    approach(session, stored.step)
    return session


def approach(session: Session, step: int) -> None:
    """Go on until shortly before a step."""
    while session.at < step - BEFORE and session.forward():
        pass


def find_run(run: Path, job: str = "") -> tuple[Path, Job]:
    """Return the run folder and its job; raise InputError if there is not exactly one that is meant."""
    if (run / "config.json").is_file():
        alone = read_config(run)[0]
        return the_run({run: alone}, job, run), alone
    folders = sorted(path.parent for path in run.glob("runs/*/" + store.DONE))
    if not folders:
        raise InputError(f"{run} is neither a run folder nor a results folder with finished runs")
    jobs = {folder: read_config(folder)[0] for folder in folders}
    folder = the_run(jobs, job, run)
    return folder, jobs[folder]


def find_episode(folder: Path, job: Job, episode: str) -> Stored:
    """Return the episode that is asked for; raise InputError if there is none."""
    stored = read_episodes(folder)
    if episode.isdigit():
        if int(episode) >= len(stored):
            raise InputError(f"--episode must be a number from 0 to {len(stored) - 1}, not {episode}")
        return Stored(job, folder, int(episode))
    import polars as pl

    rows = pl.read_parquet(folder / "episodes.parquet")
    found = find(rows, {rows["run"][0]: job}, episode)
    if found is None:
        raise InputError(f"{folder}: none of its {len(stored)} episodes is there to be shown as {episode}")
    return Stored(job, folder, found.number, found.step)


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
    from marl_envs.core.registry import from_fingerprint
    from marl_envs.render.viewer import Session

    job = stored.job
    played = play_again(job, stored.folder, stored.number)
    vec = catalogue.make(job, 1)
    env = from_fingerprint(vec.fingerprint)
    name = f"{job.title}, episode {stored.number}"
    player = player_of(job, stored.folder)
    policy = player.greedy() if isinstance(job.settings, LearnerAgent) else player
    return Session(env, policy, job.seed, name=name, start=played.start, script=played.actions)
