"""Learners that train in marl_envs environments, and the loops that train and evaluate them.

    vec = warehouse_v0.vector_env(num_envs=256, layout="tiny", num_robots=2, observation="tabular")
    learner = IndependentQLearning(vec, seed=0)
    history = train(learner, vec, 20_000_000, seed=0, eval_every=2_000_000)
    learner.save("robots.npz")

All learners can be imported from here. Which one (docs/learners.md, docs/learners-multi.md):

- Q-learning for many agents: `IndependentQLearning`, `SharedRewardQLearning`; on tiles `...LinearQLearning`
- other values on tables: `Sarsa`, `ExpectedSarsa`, `NStepSarsa`, `SarsaLambda`, `DoubleQLearning`, `WatkinsQLambda`;
  `LeaningSarsaLambda` begins as a rule
- with a model of the world: `DynaQ`, `DynaQPlus`, `PrioritizedSweeping`
- choosing courses of action: `SMDPQLearning`, `IntraOptionQLearning`, over `Options` or an `OptionsEnv`
- teams that decide together: `CentralQLearning`, `CoordinationGraphQLearning`; that learn together, `VDN`
- teams that decide apart: `HystereticQLearning`, `LenientQLearning`, `DistributedQLearning`, `FMQ`, `RecursiveFMQ`
- games: `PHC`, `WoLFPHC`, `JointActionLearner`

Where things are: `tabular` holds tables and their kernels, `linear` sums of tables, `values`, `models` and `options`
the other learners on tables, a file each, `multi` those for teams and games; `schedules` and `exploration` are separate
from the learners; `single_agent` makes Gymnasium's environments batches; `training`, `evaluation`, `transfer` and
`curriculum` work with any learner (`learner` says what that is); `checkpoint` is the file format.
"""

from agents.checkpoint import CheckpointError
from agents.curriculum import Stage, climb
from agents.evaluation import evaluate
from agents.exploration import UCB1, Boltzmann, EpsilonGreedy, Exploration, Optimistic
from agents.history import Evaluation, History
from agents.learner import Learner
from agents.linear.coding import TileCoder
from agents.linear.qlearning import IndependentLinearQLearning, SharedRewardLinearQLearning
from agents.linear.sarsa_lambda import LinearSarsaLambda, SarsaLambda
from agents.models.dyna import DynaQ, DynaQPlus
from agents.models.sweeping import PrioritizedSweeping
from agents.multi import (
    FMQ,
    PHC,
    VDN,
    CentralQLearning,
    CoordinationGraphQLearning,
    DifferenceRewards,
    DistributedQLearning,
    HystereticQLearning,
    JointActionLearner,
    LenientQLearning,
    RecursiveFMQ,
    WoLFPHC,
)
from agents.options.env import OptionsEnv
from agents.options.intra_option import IntraOptionQLearning
from agents.options.options import Options, hallway_options, primitive_options
from agents.options.shelves import ShelfOptions
from agents.options.smdp import SMDPQLearning
from agents.options.worker import WorkerEnv
from agents.schedules import Approach, Constant, Exponential, Linear, Schedule, decaying
from agents.single_agent import GymnasiumEnv
from agents.tabular.policy import GreedyTable
from agents.tabular.qlearning import IndependentQLearning, SharedRewardQLearning
from agents.training import train
from agents.transfer import gain
from agents.values.double_q import DoubleQLearning
from agents.values.expected_sarsa import ExpectedSarsa
from agents.values.leaning import LeaningSarsaLambda
from agents.values.n_step import NStepSarsa
from agents.values.q_lambda import WatkinsQLambda
from agents.values.sarsa import Sarsa

__all__ = [
    "FMQ",
    "PHC",
    "UCB1",
    "VDN",
    "Approach",
    "Boltzmann",
    "CentralQLearning",
    "CheckpointError",
    "Constant",
    "CoordinationGraphQLearning",
    "DifferenceRewards",
    "DistributedQLearning",
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
    "HystereticQLearning",
    "IndependentLinearQLearning",
    "IndependentQLearning",
    "IntraOptionQLearning",
    "JointActionLearner",
    "LeaningSarsaLambda",
    "Learner",
    "LenientQLearning",
    "Linear",
    "LinearSarsaLambda",
    "NStepSarsa",
    "Optimistic",
    "Options",
    "OptionsEnv",
    "PrioritizedSweeping",
    "RecursiveFMQ",
    "SMDPQLearning",
    "Sarsa",
    "SarsaLambda",
    "Schedule",
    "SharedRewardLinearQLearning",
    "SharedRewardQLearning",
    "ShelfOptions",
    "Stage",
    "TileCoder",
    "WatkinsQLambda",
    "WoLFPHC",
    "WorkerEnv",
    "climb",
    "decaying",
    "evaluate",
    "gain",
    "hallway_options",
    "primitive_options",
    "train",
]
