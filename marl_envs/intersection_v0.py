"""Vehicles as agents at junctions: `parallel_env`, `env`, `vector_env`; see docs/intersection.md."""

from __future__ import annotations

from typing import Any

from marl_envs.core import params
from marl_envs.core.parallel import ParallelEnv, to_aec
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.vehicles.env import FAMILY, build
from marl_envs.traffic.vehicles.params import Params

__all__ = ["FAMILY", "Params", "env", "parallel_env", "vector_env"]


def parallel_env(
    render_mode: str | None = None, render_size: tuple[int, int] = (640, 480), **parameters: Any
) -> ParallelEnv:
    """Return PettingZoo's parallel environment; parameters are the fields of `Params`, the size is in pixels."""
    return ParallelEnv(build(params.build(Params, parameters)), render_mode, render_size)


def env(render_mode: str | None = None, **arguments: Any) -> Any:
    """Return PettingZoo's AEC environment (its own conversion of the parallel one, and with its arguments)."""
    return to_aec(parallel_env(render_mode, **arguments))


def vector_env(num_envs: int = 1, num_threads: int = 1, *, copy: bool = False, **parameters: Any) -> VectorEnv:
    """Return a batch of environments: arrays [E, A, ...] in and out; parameters are the fields of `Params`."""
    chosen = params.build(Params, parameters)
    if chosen.mask == "obs":
        raise params.ParameterError('mask "obs" is for PettingZoo; a vector_env gives it in the info: mask="info"')
    return VectorEnv(build(chosen), num_envs, num_threads, copy=copy)
