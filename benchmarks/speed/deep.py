"""How fast networks learn, and what part of a training the environment takes: two robots on RWARE's tiny floor.

The training is the loop of `train` (act, step, learn), batch after batch, with the CPU time of each part apart.
"""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

from rich.console import Console

ENVS, LEARN_AFTER = 32, 1000
MISSING = "Networks: not measured, the extra `deep` is missing"


class Spent(NamedTuple):
    """CPU time of a part of a training [s], and the batches learned in it."""

    environment: float
    learner: float
    batches: int

    @property
    def share(self) -> float:
        """The environment's part, in [0, 1]."""
        return self.environment / (self.environment + self.learner)

    @property
    def rate(self) -> float:
        """Batches learned per second of all."""
        return self.batches / (self.environment + self.learner)


class Training:
    """A training of a DQN, as far as `spend` takes it; learning has begun."""

    def __init__(self) -> None:
        """Make it, and remember what is needed to learn from."""
        from agents.deep import IndependentDQN
        from marl_envs import warehouse_v0

        self.vec = warehouse_v0.vector_env(ENVS, layout="tiny", num_robots=2, observation="goal")
        self.learner = IndependentDQN(self.vec, learn_after=LEARN_AFTER)
        self.learner.begin(10**9)
        self.obs, self.info = self.vec.reset(seed=0)
        while not self.learner.counts[2]:
            self._step()

    def spend(self, seconds: float) -> Spent:
        """Train for at least `seconds` of CPU time."""
        inside = outside = 0.0
        before = int(self.learner.counts[2])
        while inside + outside < seconds:
            begin = time.process_time()
            stepping = self._step()
            inside += stepping
            outside += time.process_time() - begin - stepping
        return Spent(inside, outside, int(self.learner.counts[2]) - before)

    def _step(self) -> float:
        """Act, step and learn once; return the CPU time of the environment's step [s]."""
        obs, alive = self.obs, self.info["alive"]
        actions = self.learner.act(obs, self.info.get("action_mask"))
        begin = time.process_time()
        self.obs, reward, terminated, _, self.info = self.vec.step(actions)
        stepping = time.process_time() - begin
        info = self.info
        self.learner.update(
            *(obs, actions, reward, self.obs, info["final_obs"], info["ended"], terminated, alive),
            next_mask=info.get("action_mask"),
            final_mask=info.get("final_action_mask"),
        )
        return stepping


def run_deep_speed(seconds: float, repeats: int, console: Console) -> None:
    """Measure and print; without the extra say that it is missing."""
    try:
        import torch
    except ImportError:
        console.print(MISSING)
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # networks this small gain nothing from more, and CPU time would count the waiting
    try:
        training = Training()
        parts = [training.spend(seconds) for _ in range(repeats)]
    finally:
        torch.set_num_threads(threads)
    rate, share = (statistics.median(values) for values in zip(*((one.rate, one.share) for one in parts), strict=True))
    batch, where = training.learner.chosen.batch, training.learner.device.type
    console.print(f"DQN, {ENVS} environments of two robots, batches of {batch}, {where}, one thread:")
    console.print(f"  {rate:,.0f} batches learned per CPU-second, acting and stepping included")
    console.print(f"  the environment's share of the CPU time: {share:.1%}")
