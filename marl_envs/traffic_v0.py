"""Vehicles and signals as agents, alone or together: `parallel_env`, `env`, `vector_env`; see docs/traffic-both.md.

`agents="both"` is the environment of this module; its parameters are the fields of `Params`. With "vehicles" or
"signals" the functions return `intersection_v0`'s or `traffic_signals_v0`'s environment, and take its parameters.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from marl_envs import intersection_v0, traffic_signals_v0
from marl_envs.core import params
from marl_envs.core.parallel import ParallelEnv, to_aec
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.both.env import FAMILY, build
from marl_envs.traffic.both.params import Params

__all__ = ["FAMILY", "Params", "env", "parallel_env", "vector_env"]

ALONE: dict[str, ModuleType] = {"vehicles": intersection_v0, "signals": traffic_signals_v0}


def _check_agents(agents: str) -> None:
    params.check_choice("agents", agents, ("both", *ALONE))


def parallel_env(
    render_mode: str | None = None,
    render_size: tuple[int, int] = (640, 480),
    agents: str = "both",
    **parameters: Any,
) -> ParallelEnv:
    """Return PettingZoo's parallel environment, where each agent has the spaces of its kind.

    Args:
        render_mode: "human", "rgb_array", "ansi" or None.
        render_size: (width, height) of pictures [pixels].
        agents: "both", "vehicles" or "signals".
        parameters: the fields of `Params`; unless `agents` is "both", those of the other module's `Params`.

    Raises:
        ParameterError: an unknown parameter or a value that is not allowed.
    """
    _check_agents(agents)
    if agents in ALONE:
        alone: ParallelEnv = ALONE[agents].parallel_env(render_mode, render_size, **parameters)
        return alone
    return ParallelEnv(build(params.build(Params, parameters)), render_mode, render_size)


def env(render_mode: str | None = None, **arguments: Any) -> Any:
    """Return PettingZoo's AEC environment (its own conversion of the parallel one, and with its arguments)."""
    return to_aec(parallel_env(render_mode, **arguments))


def vector_env(
    num_envs: int = 1, num_threads: int = 1, *, copy: bool = False, agents: str = "both", **parameters: Any
) -> VectorEnv:
    """Return a batch of environments: arrays [E, A, ...] in and out, vehicles first; arguments as of `parallel_env`.

    All agents have one space: observations end in zeros where an agent sees fewer numbers, and the mask forbids the
    actions that it does not have. `simulation.own_spaces` holds each agent's own.
    """
    _check_agents(agents)
    if agents in ALONE:
        alone: VectorEnv = ALONE[agents].vector_env(num_envs, num_threads, copy=copy, **parameters)
        return alone
    chosen = params.build(Params, parameters)
    if chosen.mask == "obs":
        raise params.ParameterError('mask "obs" is for PettingZoo; a vector_env gives it in the info: mask="info"')
    return VectorEnv(build(chosen), num_envs, num_threads, copy=copy)
