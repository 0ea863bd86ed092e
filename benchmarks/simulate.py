"""One job for real: train if the agent learns, evaluate, record a replay, and write the files of the run folder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from agents import CheckpointError, History, checkpoint, evaluate, train
from benchmarks import catalogue, safety, store
from benchmarks.config import Evaluation
from benchmarks.jobs import Job, start_of, training_key
from benchmarks.kinds import LearnerAgent
from benchmarks.learners import make_learner, seen_by
from benchmarks.progress import tracker_of
from marl_envs.core.random import seed_stream
from marl_envs.render import Trajectory, rollout

# Streams of a job's seed, far from those that environments and learners derive from a seed themselves
EVALUATION, REPLAY, SAMPLED, SAFETY = 1 << 43, 1 << 44, 1 << 45, 1 << 46

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
    if job.train is not None and isinstance(job.train.result, int):
        episodes = [episode for _, played in evaluations[-job.train.result :] for episode in played]
    else:
        episodes = _evaluate(job, agent)
    final = _rows(job, folder, "eval", job.train_steps, episodes)
    in_training = [row for step, played in evaluations for row in _rows(job, folder, "train", step, played)]
    store.write_rows(folder / "evals.parquet", in_training)
    if job.replay and catalogue.FAMILIES[job.env].replay:
        _record(job, agent).save(folder / store.REPLAY)
    if job.evaluate.sampled and isinstance(job.settings, LearnerAgent):  # last, as it moves the learner's streams
        final += _rows(job, folder, "sampled", job.train_steps, _sampled(job, agent))
    store.write_rows(folder / "episodes.parquet", final)
    values = [episode[job.headline] for episode in episodes if not math.isnan(episode[job.headline])]
    return {job.headline: sum(values) / len(values) if values else math.nan}


def _evaluate(job: Job, agent: Any) -> list[Episode]:
    """Return new episodes that the agent plays, greedily if it has learned."""
    vec = _made(job, job.evaluate.num_envs, training=False)
    transfer = job.train_params is not None
    episodes = evaluate(agent, vec, job.evaluate.episodes, derived(job.seed, EVALUATION), transfer=transfer)
    vec.close()
    return episodes


class _Exploring:
    """A learner as a policy that explores as it did at the end of its training."""

    def __init__(self, learner: Any) -> None:
        self._learner = learner

    def reset(self, seed: int) -> None:
        """Its random streams go on where the training left them: a job's numbers depend on its seed all the same."""

    def act(self, vec: Any, obs: Any) -> Any:
        """Return actions [E, A]."""
        return self._learner.act(obs, vec.action_mask)


def _sampled(job: Job, learner: Any) -> list[Episode]:
    """Return new episodes that the learner plays as it explores, in a batch of the size that it trained in."""
    vec = _made(job, learner.num_envs, training=False)
    episodes = evaluate(_Exploring(learner), vec, job.evaluate.episodes, derived(job.seed, SAMPLED))
    vec.close()
    return episodes


def _prepare(job: Job, folder: Path) -> tuple[Any, list[tuple[int, list[Episode]]]]:
    """Return the agent, trained if it learns, and its evaluations in training: (agent-steps, episodes)."""
    if not isinstance(job.settings, LearnerAgent):
        return catalogue.make_policy(job), []
    learner, history = _train(job, folder) if job.train_params is None else _shared_training(job, folder)
    learner.save(folder / store.CHECKPOINT)
    return learner, [(one.steps, one.episodes) for one in history.evaluations]


def _shared_training(job: Job, folder: Path) -> tuple[Any, History]:
    """Return what `_train` does, from a file if another job of the same training has left it there."""
    path = folder.parents[1] / "trained" / f"{training_key(job)}.npz"
    if path.is_file():
        assert isinstance(job.settings, LearnerAgent)
        assert job.train is not None
        vec = _made(job, job.train.num_envs)
        learner = make_learner(job.settings, vec, job.seed)
        try:
            header, arrays = checkpoint.read(path)
            learner.restore(path, header["learner"], checkpoint.section(arrays, "learner"))
            return learner, History.from_config(header["history"])
        except CheckpointError:  # damaged: train anew
            path.unlink(missing_ok=True)
    learner, history = _train(job, folder)
    described, arrays = learner.dump()
    path.parent.mkdir(exist_ok=True)
    header = {"learner": described, "history": history.to_config()}
    checkpoint.write(path, header, checkpoint.prefixed(arrays, "learner"))
    (folder / store.TRAINING).unlink(missing_ok=True)  # it was of this training, and another one may follow
    return learner, history


def _train(job: Job, folder: Path) -> tuple[Any, History]:
    """Return the trained learner, and the course of its training, which is resumed if it was interrupted."""
    try:
        learner, history = _run_training(job, folder)
    except CheckpointError:  # damaged, or of other code: the result does not depend on it, so start over
        (folder / store.TRAINING).unlink(missing_ok=True)
        learner, history = _run_training(job, folder)
    if not history.finished:
        raise KeyboardInterrupt
    return learner, history


def _run_training(job: Job, folder: Path) -> tuple[Any, History]:
    plan = job.train
    assert plan is not None
    assert isinstance(job.settings, LearnerAgent)
    vec = _made(job, plan.num_envs)
    learner = make_learner(job.settings, vec, job.seed)
    before = start_of(job)
    if before is not None:  # an interrupted training has its own tables, which replace these
        learner.know(_shared_training(before, folder)[0].knowledge())
    first = {name: array.copy() for name, array in learner.knowledge().items()}
    if isinstance(plan.result, int):  # the evaluations count: they play what the other agents play
        shown = job.evaluate
        eval_seed = derived(job.seed, EVALUATION)
    else:
        shown = Evaluation(num_envs=min(plan.eval_episodes, plan.num_envs), episodes=plan.eval_episodes)
        eval_seed = None
    history = train(
        learner,
        vec,
        job.train_steps,
        seed=job.seed,
        eval_every=max(1, job.train_steps // plan.evaluations),
        eval_env=_made(job, shown.num_envs),
        eval_episodes=shown.episodes,
        eval_seed=eval_seed,
        keep_best=job.headline if plan.result == "best" else None,
        lowest=job.better == "lower",
        checkpoint=folder / store.TRAINING,
        checkpoint_every=max(1, job.train_steps // plan.checkpoints),
        resume=True,
        progress=False,
        tracker=tracker_of(job, folder),
    )
    vec.close()
    if plan.safety_episodes is not None and history.finished:
        judge = _made(tested(job), min(plan.safety_episodes, plan.num_envs))
        lowest, seed = job.better == "lower", derived(job.seed, SAFETY)
        safety.keep_if_better(learner, first, judge, job.headline, lowest, plan.safety_episodes, seed)
        judge.close()
    return learner, history


def tested(job: Job) -> Job:
    """Return the job as its learner is tested for safety: trained where the training was but for `safety_params`."""
    assert job.train is not None
    return job.model_copy(update={"train_params": {**(job.train_params or job.params), **job.train.safety_params}})


def _made(job: Job, num_envs: int, training: bool = True) -> Any:
    """Return the environment that the job trains (or is measured) in, as its agent needs it."""
    vec = catalogue.make(job, num_envs, training)
    return seen_by(job.settings, vec) if isinstance(job.settings, LearnerAgent) else vec


def derived(seed: int, stream: int) -> int:
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
    return rollout(env, player, seed=derived(job.seed, REPLAY))
