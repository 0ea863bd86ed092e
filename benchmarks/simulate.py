"""One job for real: train if the agent learns, evaluate, record a replay, and write the files of the run folder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from agents import CheckpointError, evaluate, train
from benchmarks import catalogue, store
from benchmarks.config import LearnerAgent
from benchmarks.jobs import Job
from benchmarks.learners import make_learner
from marl_envs.core.random import seed_stream
from marl_envs.render import Trajectory, rollout

# Streams of a job's seed, far from those that environments and learners derive from a seed themselves
EVALUATION, REPLAY = 1 << 43, 1 << 44

Episode = dict[str, float]


def simulate(job: Job, folder: Path) -> dict[str, float]:
    """Run `job`, write episodes.parquet, evals.parquet, checkpoint.npz and replay.npz into `folder`.

    Returns:
        Numbers to show: the mean of the headline metric over the final evaluation.

    Raises:
        KeyboardInterrupt: Ctrl-C during the training; a checkpoint is in `folder`.
        OSError: a file cannot be written.
    """
    agent, evaluations = _prepare(job, folder)
    vec = catalogue.make(job, job.evaluate.num_envs)
    seed = _derived(job.seed, EVALUATION)
    episodes = evaluate(agent, vec, job.evaluate.episodes, seed)
    vec.close()
    store.write_rows(folder / "episodes.parquet", _rows(job, folder, "eval", job.train_steps, episodes))
    in_training = [row for step, played in evaluations for row in _rows(job, folder, "train", step, played)]
    store.write_rows(folder / "evals.parquet", in_training)
    if job.replay:
        _record(job, agent).save(folder / store.REPLAY)
    values = [episode[job.headline] for episode in episodes if not math.isnan(episode[job.headline])]
    return {job.headline: sum(values) / len(values) if values else math.nan}


def _prepare(job: Job, folder: Path) -> tuple[Any, list[tuple[int, list[Episode]]]]:
    """Return the agent, trained if it learns, and its evaluations in training: (agent-steps, episodes)."""
    if not isinstance(job.settings, LearnerAgent):
        return catalogue.make_policy(job), []
    try:
        learner, history = _train(job, folder)
    except CheckpointError:  # damaged, or of other code: the result does not depend on it, so start over
        (folder / store.TRAINING).unlink(missing_ok=True)
        learner, history = _train(job, folder)
    if not history.finished:
        raise KeyboardInterrupt
    learner.save(folder / "checkpoint.npz")
    return learner, [(one.steps, one.episodes) for one in history.evaluations]


def _train(job: Job, folder: Path) -> tuple[Any, Any]:
    plan = job.train
    assert plan is not None
    assert isinstance(job.settings, LearnerAgent)
    vec = catalogue.make(job, plan.num_envs)
    learner = make_learner(job.settings, vec, job.seed)
    history = train(
        learner,
        vec,
        job.train_steps,
        seed=job.seed,
        eval_every=max(1, job.train_steps // plan.evaluations),
        eval_env=catalogue.make(job, min(plan.eval_episodes, plan.num_envs)),
        eval_episodes=plan.eval_episodes,
        keep_best=job.headline,
        checkpoint=folder / store.TRAINING,
        checkpoint_every=max(1, job.train_steps // plan.checkpoints),
        resume=True,
        progress=False,
    )
    vec.close()
    return learner, history


def _derived(seed: int, stream: int) -> int:
    """Return the seed of another stream, as a Python int that every reset accepts."""
    return int(seed_stream(seed, stream)) >> 1


def _rows(job: Job, folder: Path, phase: str, step: int, episodes: list[Episode]) -> list[tuple[Any, ...]]:
    """Return long-format rows: one an episode and metric."""
    names = (folder.name.removesuffix(store.PART), job.seed, job.environment, job.agent, phase, step)
    return [
        (*names, number, "team", metric, value)
        for number, episode in enumerate(episodes)
        for metric, value in episode.items()
    ]


def _record(job: Job, agent: Any) -> Trajectory:
    """Return one episode, greedy where the agent has learned."""
    from marl_envs.core.registry import from_fingerprint

    env = from_fingerprint(catalogue.make(job, 1).fingerprint)
    player = agent.greedy() if hasattr(agent, "greedy") else agent
    return rollout(env, player, seed=_derived(job.seed, REPLAY))
