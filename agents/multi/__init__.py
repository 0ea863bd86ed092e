"""Tabular learners for teams and games: what agents can do about learning at the same time as others.

Each learner is one file. `base` has what they share, `steps` what a step of the batch is to a kernel, `choosing` the
kernels that act on values. All keep one table a group (a run of its own in every environment with `separate_runs`).
"""

from agents.multi.central import CentralQLearning
from agents.multi.difference import DifferenceRewards
from agents.multi.distributed import DistributedQLearning
from agents.multi.fmq import FMQ
from agents.multi.graph import CoordinationGraphQLearning
from agents.multi.hysteretic import HystereticQLearning
from agents.multi.joint_action import JointActionLearner
from agents.multi.lenient import LenientQLearning
from agents.multi.recursive_fmq import RecursiveFMQ
from agents.multi.vdn import VDN
from agents.multi.wolf import PHC, WoLFPHC

__all__ = [
    "FMQ",
    "PHC",
    "VDN",
    "CentralQLearning",
    "CoordinationGraphQLearning",
    "DifferenceRewards",
    "DistributedQLearning",
    "HystereticQLearning",
    "JointActionLearner",
    "LenientQLearning",
    "RecursiveFMQ",
    "WoLFPHC",
]
