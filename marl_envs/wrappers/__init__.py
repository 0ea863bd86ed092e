"""Wrappers that change what an environment pays, for both faces."""

from marl_envs.wrappers.shaping import Potential, ShapedParallelEnv, ShapedVectorEnv, shaped

__all__ = ["Potential", "ShapedParallelEnv", "ShapedVectorEnv", "shaped"]
