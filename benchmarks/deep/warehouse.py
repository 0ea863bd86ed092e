"""Networks on RWARE's floors: deliveries beside PIBT's, a planner that sees the whole floor and learns nothing.

Published value-based learners deliver about nothing there, from flattened observations and the reward for deliveries
alone (Papoudakis et al., "Benchmarking multi-agent deep reinforcement learning algorithms in cooperative tasks", 2021).
Here all are paid for coming nearer to their target, too. `goal` shows the way to it, `flattened` only the cells around.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from agents import EpsilonGreedy, Linear, Stage, climb, evaluate
from agents.deep import IndependentDQN, SharedRewardDQN
from benchmarks.deep import settings
from marl_envs import warehouse_v0
from marl_envs.warehouse.pibt import PIBTPolicy

EASIER = "5x5"  # floor of the curriculum's first stage
EASIER_SHARE = 0.3  # of the steps


@dataclass(frozen=True)
class Task:
    """What is learned, and how long. Steps are of environments, as RWARE's, whatever the number of robots."""

    observation: str
    steps: int
    reward: str = "individual"
    curriculum: bool = False
    layout: str = "tiny"
    num_robots: int = 2
    num_envs: int = 128
    train_every: int = 2

    def env(self, layout: str | None = None) -> Any:
        """Return a batch of environments on the task's floor or another one."""
        return warehouse_v0.vector_env(
            num_envs=self.num_envs,
            layout=layout or self.layout,
            num_robots=self.num_robots,
            observation=self.observation,
            reward=self.reward,
            shaping=1.0,
            shaping_gamma=1.0,  # 1: every cell nearer is paid alike, and standing still with nothing
        )

    def learner(self, vec: Any, seed: int) -> Any:
        """Return a learner for `vec`; in a later stage of a curriculum it explores less from the start."""
        cls = SharedRewardDQN if self.reward == "team" else IndependentDQN
        first = 0.2 if self.curriculum and vec.params.layout == self.layout else 1.0
        return cls(
            vec,
            exploration=EpsilonGreedy(Linear(first, 0.05, until=0.5)),
            replay=200_000,
            learn_after=5000,
            train_every=self.train_every,
            seed=seed,
            **settings.MANY,
        )

    def stages(self) -> list[Stage]:
        """Return the curriculum: each stage takes all of its steps."""
        steps = self.steps * self.num_robots
        easier = round(steps * EASIER_SHARE) if self.curriculum else 0
        first = [Stage({"layout": EASIER}, math.inf, easier)] if easier else []
        return [*first, Stage({}, math.inf, steps - easier)]

    def learned(self, seed: int, episodes: int = 128) -> float:
        """Return the mean deliveries of new greedy episodes of 500 steps after learning."""
        stages = self.stages()
        longest = max(stage.most_steps for stage in stages)
        learner, _ = climb(
            *(self.env, lambda vec: self.learner(vec, seed), stages, "deliveries"),
            check_every=longest,
            episodes=1,
            seed=seed,
        )
        return mean_deliveries(learner, self.env(), episodes, 1000 + seed)

    def planned(self, episodes: int = 128) -> float:
        """Return the mean deliveries of PIBT."""
        return mean_deliveries(PIBTPolicy(), self.env(), episodes, 1000)


def mean_deliveries(policy: Any, vec: Any, episodes: int, seed: int) -> float:
    """Return the mean deliveries of `episodes` episodes."""
    return sum(episode["deliveries"] for episode in evaluate(policy, vec, episodes, seed)) / episodes


class Experiment(NamedTuple):
    """A task, what it is called, and the seeds it is played with; the settings were chosen on others."""

    title: str
    task: Task
    seeds: tuple[int, ...] = (1, 2, 3)


HALF, LONG = 500_000, 4_000_000
GOAL = Task("goal", LONG, num_envs=256, train_every=4)
EXPERIMENTS = {
    "own": Experiment("tiny, 2 robots, goal, 0.5 million steps", Task("goal", HALF)),
    "shared": Experiment("the same, shared reward", Task("goal", HALF, reward="team")),
    "own-curriculum": Experiment("own reward, curriculum", Task("goal", HALF, curriculum=True)),
    "shared-curriculum": Experiment("shared reward, curriculum", Task("goal", HALF, reward="team", curriculum=True)),
    "goal": Experiment("tiny, 2 robots, goal, 4 million steps", GOAL),
    "flattened": Experiment("the same, flattened", replace(GOAL, observation="flattened")),
    "small": Experiment(
        "small, 4 robots, goal, 1 million steps", Task("goal", 1_000_000, layout="small", num_robots=4)
    ),
}
