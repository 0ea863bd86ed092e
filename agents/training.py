"""The training loop: act, step, learn; now and then evaluate, save, and look whether to stop."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents import checkpoint
from agents.checkpoint import CheckpointError
from agents.evaluation import evaluate
from agents.history import Evaluation, History
from agents.interrupt import Interrupt
from agents.progress import TrainingBar
from agents.streams import EVALUATING
from agents.tracking import Tracker, Trackers
from marl_envs.core.params import ParameterError, check_choice, check_int
from marl_envs.core.random import seed_stream
from marl_envs.core.snapshot import Snapshot


@dataclass(frozen=True)
class _Plan:
    """What decides the course of a training; a resumed one must have the same."""

    steps: int  # [agent-steps], as asked for
    seed: int
    eval_every: int | None  # [agent-steps]
    eval_episodes: int
    eval_seed: int
    keep_best: str | None  # metric
    lowest: bool  # whether less of it is better


def train(
    learner: Any,
    vec: Any,
    steps: int,
    *,
    seed: int,
    eval_every: int | None = None,
    eval_env: Any = None,
    eval_episodes: int = 32,
    eval_seed: int | None = None,
    keep_best: str | None = None,
    lowest: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    progress: bool = True,
    stop: Callable[[], bool] | None = None,
    tracker: Tracker | None = None,
) -> History:
    """Train `learner` in `vec` for `steps` agent-steps (environment steps x E x A, rounded up to whole batches).

    The same seed gives the same bits, with or without evaluations, and also when stopped and resumed. Ctrl-C or
    `stop` ends the training between two steps: the checkpoint is written and the history so far returned; Ctrl-C
    twice breaks off at once.

    Args:
        learner: made for `vec`; it starts from what it knows, its schedules start anew.
        vec: VectorEnv; it is reset with `seed`.
        steps: agent-steps, at least 1.
        seed: of the training environments.
        eval_every: agent-steps between greedy evaluations; also one before the first and one after the last step.
        eval_env: VectorEnv to evaluate in, of any batch size; a copy of `vec` if not given.
        eval_episodes: episodes in an evaluation.
        eval_seed: of evaluations, which play the same episodes every time; derived from `seed` (and far from the
            training's) unless given.
        keep_best: leave the finished learner with the tables of the evaluation that had the highest mean of this metric
            (the policy that the "absolute metric" of Gorsane et al. 2022 scores, on new episodes). Needs `eval_every`.
        lowest: the best evaluation for `keep_best` is that with the lowest mean (of a travel time, say).
        checkpoint: file to save to, at the end, when stopped, and every `checkpoint_every`.
        checkpoint_every: agent-steps between checkpoints.
        resume: continue from `checkpoint` if the file is there (else it must not be there).
        progress: show a progress bar on standard error.
        stop: asked before every step of the batch.
        tracker: is told when the training starts, of every evaluation, and when it ends.

    Raises:
        ParameterError: a bad value, or a learner made for another environment.
        FileExistsError: the checkpoint is there and `resume` is False.
        CheckpointError: the checkpoint is broken, or of another training: says what differs.
        OSError: the checkpoint cannot be written (disk full ...); the previous one is intact.
    """
    plan = _Plan(
        steps=check_int("steps", steps, 1, 2**62),
        seed=check_int("seed", seed, 0, 2**63 - 1),
        eval_every=None if eval_every is None else check_int("eval_every", eval_every, 1, 2**62),
        eval_episodes=check_int("eval_episodes", eval_episodes, 1),
        eval_seed=common_seed(seed, EVALUATING)
        if eval_seed is None
        else check_int("eval_seed", eval_seed, 0, 2**63 - 1),
        keep_best=_checked_metric(keep_best, vec, eval_every),
        lowest=lowest,
    )
    if checkpoint_every is not None:
        check_int("checkpoint_every", checkpoint_every, 1, 2**62)
    check_choice("resume", resume, (True, False))
    check_choice("lowest", lowest, (True, False))
    path = _checked_path(checkpoint, checkpoint_every, resume)
    if path is not None and not hasattr(vec, "get_state"):
        raise ParameterError(
            f"{type(vec).__name__} has no snapshots, so no checkpoint of a training in it can be written"
        )
    _check_environment(learner, vec)
    if eval_env is vec:
        raise ParameterError("eval_env must be another environment than vec: evaluations would disturb the training")
    course = _Course(learner, vec, plan, eval_env, path)
    course.tracker = Trackers() if tracker is None else tracker
    if path is not None and path.exists():
        course.resume(path)
    else:
        course.start()
    course.tracker.on_start(course.history, learner.settings())
    _run(course, _stride(checkpoint_every, course.per_step), progress, stop)
    course.tracker.on_end(course.history)
    return course.history


def _run(course: _Course, save_stride: int | None, progress: bool, stop: Callable[[], bool] | None) -> None:
    """Advance the course to its end or until it is asked to stop, and save it."""
    saved_at = course.done
    with Interrupt() as interrupt, TrainingBar(course.total, course.done * course.per_step, progress) as bar:
        while True:
            course.evaluate_if_due(bar)
            if course.done == course.last or interrupt.asked or (stop is not None and stop()):
                break
            if save_stride is not None and course.done % save_stride == 0 and course.done != saved_at:
                course.save()
                saved_at = course.done
            course.step()
            bar.advance(course.done * course.per_step)
        course.save()
    course.take_best()


class _Course:
    """A training between two steps of the batch: everything that a checkpoint has to hold."""

    def __init__(self, learner: Any, vec: Any, plan: _Plan, eval_env: Any, path: Path | None) -> None:
        self.learner, self.vec, self.plan, self.path = learner, vec, plan, path
        self.per_step = vec.num_envs * vec.num_agents  # [agent-steps] in a step of the batch
        self.last = -(-plan.steps // self.per_step)  # number of the last step of the batch
        self.total = self.last * self.per_step
        self.eval_stride = _stride(plan.eval_every, self.per_step)
        self.eval_env = copy.deepcopy(vec) if eval_env is None and self.eval_stride else eval_env
        self.done = 0  # steps of the batch
        self.best: checkpoint.Arrays = {}  # what `keep_best` keeps of the learner
        self.history = History(self.total)
        self.tracker: Tracker = Trackers()
        self._cpu = time.process_time()

    def start(self) -> None:
        """Begin at the first step."""
        self.learner.begin(self.total)
        obs, info = self.vec.reset(seed=self.plan.seed)
        self._look(obs, info)

    def step(self) -> None:
        """Act, step and learn once."""
        obs, mask, alive = self.obs, self.mask, self.alive
        actions = self.learner.act(obs, mask)
        after, reward, terminated, _, info = self.vec.step(actions)
        self._look(after, info)
        self.learner.update(
            *(obs, actions, reward, after, info["final_obs"], info["ended"], terminated, alive),
            next_mask=self.mask,
            final_mask=info.get("final_action_mask"),
            **{name: self._wanted(name, info) for name in getattr(self.learner, "wants", ())},
        )
        self.done += 1
        if info["ended"].any() and "return" in info["metrics"]:
            self.history.note(self.done * self.per_step, info["metrics"]["return"][info["ended"]])

    def _wanted(self, name: str, info: dict[str, Any]) -> Any:
        """Return what a learner asks for by name: of the step's info, or the global state after the step."""
        return self.vec.state() if name == "state" else info[name]

    def _look(self, obs: Any, info: dict[str, Any]) -> None:
        """Keep what the next action depends on."""
        self.obs, self.mask, self.alive = obs, info.get("action_mask"), info["alive"]

    def evaluate_if_due(self, bar: TrainingBar) -> None:
        """Evaluate at the start, at every stride and at the end; not twice in the same place (after a resume)."""
        if self.eval_stride is None or (self.done % self.eval_stride and self.done != self.last):
            return
        steps = self.done * self.per_step
        evaluations = self.history.evaluations
        if not evaluations or evaluations[-1].steps != steps:
            episodes = evaluate(self.learner, self.eval_env, self.plan.eval_episodes, self.plan.eval_seed)
            evaluations.append(Evaluation(steps, episodes))
            self._keep_if_best()
            self.tracker.on_evaluation(evaluations[-1], self.history)
        bar.evaluated(evaluations[-1])

    def _keep_if_best(self) -> None:
        """Copy what was learned if the last evaluation is the best so far (undefined values never are)."""
        if self.plan.keep_best is not None:
            sign = -1 if self.plan.lowest else 1
            values = [sign * one.mean(self.plan.keep_best) for one in self.history.evaluations]
            if not math.isnan(values[-1]) and all(math.isnan(v) or v < values[-1] for v in values[:-1]):
                self.best = {name: array.copy() for name, array in self.learner.knowledge().items()}

    def take_best(self) -> None:
        """Give the finished learner the best that it knew."""
        if self.done == self.last and self.best:
            self.learner.know(self.best)

    def save(self) -> None:
        """Bring the history up to date and write the checkpoint, if there is to be one."""
        now = time.process_time()
        self.history.cpu_seconds += now - self._cpu
        self.history.steps, self._cpu = self.done * self.per_step, now
        if self.path is None:
            return
        learner, tables = self.learner.dump()
        snapshot = self.vec.get_state()
        seen = {"obs": self.obs, "alive": self.alive} | ({} if self.mask is None else {"mask": self.mask})
        header = {
            "learner": learner,
            "training": {
                "plan": asdict(self.plan),
                "done": self.done,
                "history": self.history.to_config(),
                "environment": snapshot.meta,
            },
        }
        parts = {"learner": tables, "environment": snapshot.arrays, "seen": seen, "best": self.best}
        arrays = {name: array for key, part in parts.items() for name, array in checkpoint.prefixed(part, key).items()}
        checkpoint.write(self.path, header, arrays)

    def resume(self, path: Path) -> None:
        """Continue where the checkpoint stopped."""
        header, arrays = checkpoint.read(path)
        saved = header.get("training")
        if not isinstance(saved, dict):
            raise CheckpointError(f"checkpoint {path} holds a learner but no training to resume: use load")
        checkpoint.require_same(path, "training", saved.get("plan"), asdict(self.plan))
        seen = checkpoint.section(arrays, "seen")
        try:
            history, done = History.from_config(saved["history"]), int(saved["done"])
            obs, alive = seen["obs"], seen["alive"]
            # The learner checks that the fingerprint is the same; but JSON has made lists of its tuples.
            meta = {**saved["environment"], "fingerprint": self.vec.fingerprint}
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"checkpoint {path} lacks part of its training: {error!r}") from error
        self.learner.restore(path, header.get("learner") or {}, checkpoint.section(arrays, "learner"))
        self.vec.set_state(Snapshot(meta=meta, arrays=checkpoint.section(arrays, "environment")))
        self.obs, self.mask, self.alive = obs, seen.get("mask"), alive
        self.history, self.done, self.best = history, done, checkpoint.section(arrays, "best")


def common_seed(seed: int, stream: int) -> int:
    """Return a seed that any environment takes, of 31 bits, from a stream of random numbers of `seed`."""
    return int(seed_stream(seed, stream)) >> 33


def _stride(every: int | None, per_step: int) -> int | None:
    """Return `every` [agent-steps] in steps of the batch, at least 1."""
    return None if every is None else max(1, round(every / per_step))


def _checked_path(path: str | Path | None, every: int | None, resume: bool) -> Path | None:
    """Return the checkpoint's path; find out now, not after an hour, that it cannot be used."""
    if path is None:
        if every is not None or resume:
            raise ParameterError("checkpoint_every and resume need checkpoint, the file to save to")
        return None
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder of the checkpoint {path} does not exist")
    if path.exists() and not resume:
        raise FileExistsError(f"checkpoint {path} exists: continue it with resume=True, or delete it")
    return path


def _checked_metric(metric: str | None, vec: Any, eval_every: int | None) -> str | None:
    """Return the metric to keep the best of; it must be one of the environment's, and evaluated."""
    if metric is not None:
        check_choice("keep_best", metric, vec.metric_names)
        if eval_every is None:
            raise ParameterError("keep_best needs eval_every: without evaluations nothing can be the best")
    return metric


def _check_environment(learner: Any, vec: Any) -> None:
    """Refuse to train a learner in an environment that it was not made for."""
    found = checkpoint.differences(
        {**learner.fingerprint, "num_envs": learner.num_envs}, {**vec.fingerprint, "num_envs": vec.num_envs}
    )
    if found:
        raise ParameterError("the learner was made for another environment: " + "; ".join(found))
