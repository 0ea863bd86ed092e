"""Wrappers that change what an environment pays, for both faces."""

from marl_envs.wrappers.bonus import Bonus, BonusParallelEnv, BonusVectorEnv, with_bonus
from marl_envs.wrappers.shaping import Potential, ShapedParallelEnv, ShapedVectorEnv, shaped

__all__ = [
    "Bonus",
    "BonusParallelEnv",
    "BonusVectorEnv",
    "Potential",
    "ShapedParallelEnv",
    "ShapedVectorEnv",
    "shaped",
    "with_bonus",
]
