"""Signals in SUMO's own simulation instead of ours: `vector_env`, `evaluate`; see docs/traffic.md.

Needs the extra: `pip install "marl-envs[sumo]"`.
"""

from marl_envs.traffic.sumo.env import SumoVectorEnv, vector_env
from marl_envs.traffic.sumo.evaluate import Evaluation, evaluate

__all__ = ["Evaluation", "SumoVectorEnv", "evaluate", "vector_env"]
