"""Multi-agent environments for warehouse robots and traffic: PettingZoo environments and fast batches of arrays.

    import marl_envs
    env = marl_envs.make("marl_envs/warehouse-tiny-2ag-v0")  # PettingZoo ParallelEnv
    vec = marl_envs.make_vec("marl_envs/warehouse-tiny-2ag-v0", num_envs=1024)  # arrays [E, A, ...]

Importing the package compiles nothing and imports neither numba nor pygame.
"""

from marl_envs.core.registry import from_fingerprint, list_environments, make, make_vec, register_all

__version__ = "0.1.0"
__all__ = ["from_fingerprint", "list_environments", "make", "make_vec"]

register_all()
