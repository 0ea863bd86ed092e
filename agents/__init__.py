"""Learners that train in marl_envs environments, and the loops that train and evaluate them.

    vec = marl_envs.warehouse_v0.vector_env(num_envs=256, layout="tiny", num_robots=2, observation="tabular")
    learner = IndependentQLearning(vec, seed=0)
    history = train(learner, vec, 20_000_000, seed=0, eval_every=2_000_000)
    learner.save("robots.npz")

`schedules` and `exploration` are separate from the learners; `tabular` holds tables and their kernels, `linear` sums of
tables; `training` and `evaluation` work with any learner; `checkpoint` is the file format.
"""

from agents.checkpoint import CheckpointError
from agents.evaluation import evaluate
from agents.exploration import Boltzmann, EpsilonGreedy, Exploration
from agents.history import Evaluation, History
from agents.linear.qlearning import IndependentLinearQLearning, SharedRewardLinearQLearning
from agents.schedules import Constant, Exponential, Linear, Schedule
from agents.tabular.policy import GreedyTable
from agents.tabular.qlearning import IndependentQLearning, SharedRewardQLearning
from agents.training import train

__all__ = [
    "Boltzmann",
    "CheckpointError",
    "Constant",
    "EpsilonGreedy",
    "Evaluation",
    "Exploration",
    "Exponential",
    "GreedyTable",
    "History",
    "IndependentLinearQLearning",
    "IndependentQLearning",
    "Linear",
    "Schedule",
    "SharedRewardLinearQLearning",
    "SharedRewardQLearning",
    "evaluate",
    "train",
]
