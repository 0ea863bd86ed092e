"""What other libraries need beyond PettingZoo; docs/plug-in.md says which library needs what (most need nothing).

Nothing here imports a library that is not asked for: `sb3`, `rllib`, `benchmarl` ... are modules of their own.
"""

from marl_envs.interop.episodes import EpisodeLog
from marl_envs.interop.flat import FlatVectorEnv
from marl_envs.interop.joint import JointGymEnv

__all__ = ["EpisodeLog", "FlatVectorEnv", "JointGymEnv"]
