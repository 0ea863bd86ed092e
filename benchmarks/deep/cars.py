"""Cars that drive themselves over a junction with networks, on the tasks and episodes of the suite `intersection`.

What is played, how many episodes, with which seeds, and the tables and rules beside the networks are the suite's own
jobs. What differs is what a network is shown: the vector "features" in place of a number for a table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from agents import EpsilonGreedy, Linear, evaluate, train
from agents.deep import MLP, QMIX, DeepVDN, IndependentDQN, SharedRewardDQN
from agents.history import Episode
from benchmarks import catalogue
from benchmarks.config import load_suite, suite_path
from benchmarks.deep.crossing import SUITE
from benchmarks.deep.view import View
from benchmarks.jobs import Job, expand
from benchmarks.kinds import LearnerAgent
from benchmarks.learners import make_learner
from benchmarks.simulate import EVALUATION, derived
from marl_envs import intersection_v0
from marl_envs.metrics.safety import Rate, safety_rate
from marl_envs.traffic.vehicles.observe import MOST_TIME, OF_CONFLICT, OF_LEADER, OF_SELF

ENVS = 64  # that are learned in
LEARNERS: dict[str, tuple[type[Any], str, float]] = {  # class, reward, first learning rate
    "own reward": (IndependentDQN, "individual", 3e-3),
    "shared reward": (SharedRewardDQN, "team", 3e-3),
    "VDN": (DeepVDN, "team", 3e-3),
    "QMIX": (QMIX, "team", 1e-3),
}
STEPS = {"cross-4": 1_000_000, "cross-8": 2_000_000}  # agent-steps of a network
EVALUATIONS, JUDGED = 20, 1024  # in a training, and episodes of each; of the best one is the policy that counts
CONFLICTS = 2  # that are shown, the most pressing
NEAR_WAY, NEAR_TIME, NEAR_MARGIN = 20.0, 4.0, 2.0  # what fills the range of the numbers that are shown larger [m, s, s]
MOST_BRAKING = 2.0  # shown, in shares of the hardest


class Near:
    """Shows "features" [E, A, F] with what decides near the junction once more, larger.

    Their ranges are 100 m and 20 s, so that a car that gets by by 0.3 s differs from one that crashes by 0.015. Added
    are ways, times and margins of the own car, the one ahead and all conflicts, clipped where they are far; own time to
    each zone less the other's; and how hard the own car would have to brake for the stop line, and the other for the
    zone, as a share of the hardest braking.
    """

    def __init__(self, vec: Any) -> None:
        """Show those of `vec`, an intersection_v0 with "features" and neither crosswalks nor routes."""
        params = vec.params
        firsts = OF_SELF + OF_LEADER + OF_CONFLICT * np.arange(params.conflicts)
        self.ways = np.concatenate([[1, OF_SELF + 1], *(firsts + k for k in (3, 4, 5, 6))])
        self.times, self.margins = np.concatenate([firsts + 7, firsts + 8]), firsts + 9
        self.firsts, self.view, self.brake = firsts, float(params.view), float(params.hard_brake)
        self.fastest = float(params.speed)
        size = vec.observation_space.shape[0] + len(self.ways) + 5 * len(firsts) + 1
        low, high = -np.ones(size, np.float32), np.ones(size, np.float32)
        self.space = Box(low, MOST_BRAKING * high, dtype=np.float32)

    def __call__(self, obs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features as the network sees them."""
        ways = obs[..., self.ways] * (self.view / NEAR_WAY)
        times = obs[..., self.times] * (MOST_TIME / NEAR_TIME)
        margins = obs[..., self.margins] * (MOST_TIME / NEAR_MARGIN)
        later = (obs[..., self.firsts + 7] - obs[..., self.firsts + 8]) * (MOST_TIME / NEAR_MARGIN)
        larger = np.clip(np.concatenate([ways, times, margins, later], -1), -1.0, 1.0)
        own = self._braking(obs[..., :1], -obs[..., 1:2])
        theirs = self._braking(obs[..., self.firsts + 10], obs[..., self.firsts + 5])
        return np.concatenate([obs, larger, own, theirs], -1, dtype=np.float32)

    def _braking(self, speed: NDArray[np.float32], way: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return v^2 / 2s as a share of the hardest braking; 0 where the place lies behind."""
        metres, fast = way * self.view, speed * self.fastest
        needed = fast * fast / (2.0 * np.maximum(metres, 0.1)) / self.brake
        return np.where(metres > 0.0, np.minimum(needed, MOST_BRAKING), 0.0)


def job(environment: str, agent: str, seed: int) -> Job:
    """Return a job of the suite, with any seed."""
    jobs = expand(load_suite(suite_path(SUITE)).model_copy(update={"seeds": 1}))
    (found,) = (one for one in jobs if (one.environment, one.agent) == (environment, agent))
    return found.model_copy(update={"seed": seed})


def measured(policy: Any, vec: Any, task: Job) -> list[Episode]:
    """Return the episodes that the suite measures `task` by, played by `policy` in `vec`."""
    return evaluate(policy, vec, task.evaluate.episodes, derived(task.seed, EVALUATION))


def ruled(task: Job) -> list[Episode]:
    """Return the episodes of a rule."""
    return measured(catalogue.make_policy(task), catalogue.make(task, task.evaluate.num_envs), task)


def tabulated(task: Job) -> list[Episode]:
    """Return the episodes of a table, trained as in the suite."""
    assert task.train is not None
    assert isinstance(task.settings, LearnerAgent)
    vec = catalogue.make(task, task.train.num_envs)
    learner = make_learner(task.settings, vec, task.seed)
    train(learner, vec, task.train_steps, seed=task.seed, progress=False)
    return measured(learner, catalogue.make(task, task.evaluate.num_envs), task)


def world(task: Job, reward: str, num_envs: int, near: bool = True) -> Any:
    """Return the task's batch as a network sees it; not `near`: the features as they are."""
    params = {**task.params, "observation": "features", "conflicts": CONFLICTS, "reward": reward}
    vec = intersection_v0.vector_env(num_envs=num_envs, num_threads=1, **params)
    if not near:
        return vec
    show = Near(vec)
    return View(vec, show, show.space)


def network(name: str, vec: Any, seed: int) -> Any:
    """Return a learner for `vec`.

    Exploration ends, as in the suite: who tries something else there is in the way. Targets add one reward, as a sum
    of several blames the first action for exploration after it. The loss is linear early, as a crash costs two hundred
    times what standing for a decision does.
    """
    cls, _, rate = LEARNERS[name]
    return cls(
        vec,
        body=MLP((64, 64)),
        gamma=0.99,
        learning_rate=Linear(rate, 1e-4),
        exploration=EpsilonGreedy(Linear(0.2, 0.0, until=0.8)),
        replay=200_000,
        batch=128,
        learn_after=5000,
        tau=0.02,
        huber=0.3,
        seed=seed,
    )


def learned(name: str, task: Job, steps: int) -> list[Episode]:
    """Return the episodes of a network that learned for `steps` agent-steps.

    Policies that differ little in delay differ in how often they crash, so the one with the highest return counts.
    """
    _, reward, _ = LEARNERS[name]
    vec = world(task, reward, ENVS)
    learner = network(name, vec, task.seed)
    train(
        *(learner, vec, steps),
        seed=task.seed,
        eval_every=steps // EVALUATIONS,
        eval_env=world(task, reward, JUDGED // 4),
        eval_episodes=JUDGED,
        keep_best="return",
        progress=False,
    )
    return measured(learner, world(task, reward, task.evaluate.num_envs), task)


def mean_delay(episodes: list[Episode]) -> float:
    """Return the mean delay [s], the mean over episodes, as the suite takes it."""
    return float(np.nanmean([episode["delay"] for episode in episodes]))


def collisions(episodes: list[Episode]) -> Rate:
    """Return the collisions in 1000 vehicles with Garwood's interval."""
    crashes, created = (sum(episode[name] for episode in episodes) for name in ("collisions", "created"))
    return safety_rate(crashes, created, per=1000.0)
