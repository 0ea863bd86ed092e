"""Learners that train in marl_envs environments, and the loops that train and evaluate them.

    vec = marl_envs.warehouse_v0.vector_env(num_envs=256, layout="tiny", num_robots=2, observation="tabular")
    learner = IndependentQLearning(vec, seed=0)
    history = train(learner, vec, 20_000_000, seed=0, eval_every=2_000_000)
    learner.save("robots.npz")

`schedules` and `exploration` are separate from the learners; `tabular` holds tables and their kernels, `linear` sums of
tables, `values`, `models` and `options` the other learners on tables, a file each, `multi` those for teams and games;
`single_agent` makes Gymnasium's environments batches; `training` and `evaluation` work with any learner (`learner` says
what that is); `checkpoint` is the file format.
"""

from agents.checkpoint import CheckpointError
from agents.evaluation import evaluate
from agents.exploration import UCB1, Boltzmann, EpsilonGreedy, Exploration, Optimistic
from agents.history import Evaluation, History
from agents.learner import Learner
from agents.linear.coding import TileCoder
from agents.linear.qlearning import IndependentLinearQLearning, SharedRewardLinearQLearning
from agents.linear.sarsa_lambda import LinearSarsaLambda, SarsaLambda
from agents.models.dyna import DynaQ, DynaQPlus
from agents.models.sweeping import PrioritizedSweeping
from agents.options.intra_option import IntraOptionQLearning
from agents.options.options import Options, hallway_options, primitive_options
from agents.options.smdp import SMDPQLearning
from agents.schedules import Approach, Constant, Exponential, Linear, Schedule, decaying
from agents.single_agent import GymnasiumEnv
from agents.tabular.policy import GreedyTable
from agents.tabular.qlearning import IndependentQLearning, SharedRewardQLearning
from agents.training import train
from agents.values.double_q import DoubleQLearning
from agents.values.expected_sarsa import ExpectedSarsa
from agents.values.n_step import NStepSarsa
from agents.values.q_lambda import WatkinsQLambda
from agents.values.sarsa import Sarsa

__all__ = [
    "UCB1",
    "Approach",
    "Boltzmann",
    "CheckpointError",
    "Constant",
    "DoubleQLearning",
    "DynaQ",
    "DynaQPlus",
    "EpsilonGreedy",
    "Evaluation",
    "ExpectedSarsa",
    "Exploration",
    "Exponential",
    "GreedyTable",
    "GymnasiumEnv",
    "History",
    "IndependentLinearQLearning",
    "IndependentQLearning",
    "IntraOptionQLearning",
    "Learner",
    "Linear",
    "LinearSarsaLambda",
    "NStepSarsa",
    "Optimistic",
    "Options",
    "PrioritizedSweeping",
    "SMDPQLearning",
    "Sarsa",
    "SarsaLambda",
    "Schedule",
    "SharedRewardLinearQLearning",
    "SharedRewardQLearning",
    "TileCoder",
    "WatkinsQLambda",
    "decaying",
    "evaluate",
    "hallway_options",
    "primitive_options",
    "train",
]
