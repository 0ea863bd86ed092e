"""Reptile for Q-learners: first weights from which a short training learns a new task of a family.

Repeat: draw tasks; train a new learner with the weights phi in each for k steps, which ends in W_task; move phi by the
share epsilon toward the mean of the W_task.
Nichol, Achiam and Schulman, "On first-order meta-learning algorithms", 2018.

Every training begins as one in a task that was never seen does: with an empty replay, with Adam's moments at 0, with
the schedules at their start, and with phi in the target network, too. So phi is all that is kept between rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents import checkpoint
from agents.checkpoint import Arrays, CheckpointError
from agents.interrupt import Interrupt
from agents.streams import LEARNING
from agents.training import common_seed, train
from marl_envs.core.params import ParameterError, check_float, check_int

DRAWING = LEARNING + 4  # stream of the tasks; seeds of trainings come from those behind it


@dataclass(frozen=True)
class _Plan:
    """What decides the course of the meta-training; a resumed one must have the same."""

    rounds: int
    inner_steps: int
    tasks: int
    outer_rate: float
    seed: int


class ReptileQ:
    """Weights made ready for a family of tasks.

    Attributes:
        rounds: moves of phi so far.
        steps: agent-steps of all trainings so far.
    """

    def __init__(
        self,
        make_learner: Callable[[Any, int], Any],
        family: Sequence[Any],
        *,
        inner_steps: int,
        tasks: int = 1,
        outer_rate: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Begin with the first weights of a learner of this seed.

        Args:
            make_learner: from a batch of environments and a seed to a new learner of `agents.deep`.
            family: a batch of environments for each task, all of which give networks of the same shape.
            inner_steps: agent-steps of a training, k.
            tasks: of a round. Every task comes once in each pass through the family, in an order drawn anew.
            outer_rate: epsilon, which falls to 0 in a straight line over the rounds.
            seed: of the first weights, the tasks drawn, and all trainings.

        Raises:
            ParameterError: a value that is not allowed, no tasks, or one whose network has another shape.
        """
        self._make, self.family = make_learner, list(family)
        if not self.family:
            raise ParameterError("family must have at least one task")
        self.inner_steps = check_int("inner_steps", inner_steps, 1, 2**62)
        self.tasks = check_int("tasks", tasks, 1, len(self.family))
        self.outer_rate = check_float("outer_rate", outer_rate, 1e-12, 1.0)
        self.seed = check_int("seed", seed, 0, 2**31 - 1)
        self.rounds = self.steps = 0
        learners = [make_learner(vec, self.seed) for vec in self.family]
        for number, learner in enumerate(learners):
            if learner.layout != learners[0].layout:
                raise ParameterError(
                    f"family[{number}] needs a network of shapes {learner.layout}, but family[0] {learners[0].layout}"
                )
        self._settings = learners[0].settings()
        self._phi = {name: array.copy() for name, array in learners[0].knowledge().items()}

    def knowledge(self) -> Arrays:
        """Return phi, for the `know` of a learner; the live arrays."""
        return self._phi

    def train(
        self,
        rounds: int,
        *,
        checkpoint: str | Path | None = None,
        checkpoint_every: int | None = None,
        resume: bool = False,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        """Meta-train from round `self.rounds` to `rounds`. The same seed gives the same bits, also when resumed.

        Args:
            rounds: moves of phi in all; the outer rate falls to 0 over them.
            checkpoint: file to save to, at the end, when stopped (Ctrl-C, too), and every `checkpoint_every` rounds.
            checkpoint_every: rounds between checkpoints.
            resume: continue from `checkpoint` if the file is there (else it must not be there).
            stop: asked before every round.

        Raises:
            ParameterError: a bad value.
            LossError: a loss is not finite; phi is as before that round.
            FileExistsError: the checkpoint is there and `resume` is False.
            CheckpointError: the checkpoint is broken, or of another meta-training: says what differs.
            OSError: the checkpoint cannot be written; the previous one is intact.
        """
        plan = _Plan(check_int("rounds", rounds, 1, 2**40), self.inner_steps, self.tasks, self.outer_rate, self.seed)
        if checkpoint is None and (checkpoint_every is not None or resume):
            raise ParameterError("checkpoint_every and resume need checkpoint, the file to save to")
        every = plan.rounds if checkpoint_every is None else check_int("checkpoint_every", checkpoint_every, 1, 2**40)
        path = None if checkpoint is None else Path(checkpoint)
        if path is not None and path.exists():
            if not resume:
                raise FileExistsError(f"checkpoint {path} exists: continue it with resume=True, or delete it")
            self._resume(path, plan)
        with Interrupt() as interrupt:
            while self.rounds < plan.rounds and not interrupt.asked and not (stop is not None and stop()):
                if not self._move(plan):
                    break
                if path is not None and self.rounds % every == 0 and self.rounds < plan.rounds:
                    self._save(path, plan)
            if path is not None:
                self._save(path, plan)

    def _move(self, plan: _Plan) -> bool:
        """Play one round; return whether it was played to its end, as phi stays where it was broken off."""
        drawn = [self._task(plan, self.rounds * plan.tasks + k) for k in range(plan.tasks)]
        ends: list[Arrays] = []
        for k, task in enumerate(drawn):
            end = self._trained(self.family[task], plan, k)
            if end is None:
                return False
            ends.append(end)
        rate = plan.outer_rate * (1.0 - self.rounds / plan.rounds)
        for name, weight in self._phi.items():
            if np.issubdtype(weight.dtype, np.floating):
                weight += rate * (np.mean([end[name] for end in ends], axis=0) - weight)
            else:  # a fact, such as that a model's scales are measured
                weight[...] = ends[-1][name]
        self.rounds += 1
        self.steps += sum(self._per_training(self.family[task]) for task in drawn)
        return True

    def _task(self, plan: _Plan, number: int) -> int:
        """Return the task of a training: in each pass every task comes once, in an order drawn anew."""
        done, place = divmod(number, len(self.family))
        order = np.random.default_rng([plan.seed, DRAWING, done]).permutation(len(self.family))
        return int(order[place])

    def _per_training(self, vec: Any) -> int:
        """Return the agent-steps of a training, in whole steps of the batch."""
        per_step = int(vec.num_envs) * int(vec.num_agents)
        return -(-self.inner_steps // per_step) * per_step

    def _trained(self, vec: Any, plan: _Plan, k: int) -> Arrays | None:
        """Return the weights after a training in a task, the k-th of this round, that begins with phi.

        None: Ctrl-C broke it off.
        """
        seed = common_seed(plan.seed, DRAWING + 1 + self.rounds * plan.tasks + k)
        learner = self._make(vec, seed)
        learner.know(self._phi)
        history = train(learner, vec, plan.inner_steps, seed=seed, progress=False)
        weights: Arrays = learner.knowledge()
        return weights if history.steps == history.total_steps else None

    def _described(self, plan: _Plan) -> dict[str, Any]:
        """Return what a checkpoint has to agree with; seeds of learners are drawn from the plan's."""
        learner = {name: value for name, value in self._settings.items() if name != "seed"}
        return {"plan": asdict(plan), "learner": learner, "family": [vec.fingerprint for vec in self.family]}

    def _save(self, path: Path, plan: _Plan) -> None:
        header = {"reptile": self._described(plan), "rounds": self.rounds, "steps": self.steps}
        checkpoint.write(path, header, checkpoint.prefixed(self._phi, "phi"))

    def _resume(self, path: Path, plan: _Plan) -> None:
        header, arrays = checkpoint.read(path)
        if "reptile" not in header:
            raise CheckpointError(f"checkpoint {path} holds no meta-training to resume")
        checkpoint.require_same(path, "meta-training", header["reptile"], self._described(plan))
        phi = checkpoint.section(arrays, "phi")
        found = {name: list(array.shape) for name, array in phi.items()}
        checkpoint.require_same(path, "network", found, {name: list(one.shape) for name, one in self._phi.items()})
        for name, weight in self._phi.items():
            weight[...] = phi[name]
        self.rounds, self.steps = int(header["rounds"]), int(header["steps"])
