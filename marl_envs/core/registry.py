"""Registered environments: a short list of ids, as data; nothing is imported until one is made."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gymnasium
import pettingzoo

if TYPE_CHECKING:
    from marl_envs.core.parallel import ParallelEnv
    from marl_envs.core.vector import VectorEnv


@dataclass(frozen=True)
class Spec:
    """An id and what it stands for."""

    id: str  # "marl_envs/NAME-vVERSION"
    module: str  # has parallel_env, env and vector_env
    parameters: dict[str, Any] = field(default_factory=dict)


_WAREHOUSE = "marl_envs.warehouse_v0"
_ERRANDS = "marl_envs.errands_v0"
_SIGNALS = "marl_envs.traffic_signals_v0"
_INTERSECTION = "marl_envs.intersection_v0"
_TRAFFIC = "marl_envs.traffic_v0"
_VACUUM = "marl_envs.vacuum_v0"
_MATRIX = "marl_envs.matrix_v0"
_GRID = "marl_envs.gridworld_v0"
SPECS = {
    spec.id: spec
    for spec in (
        Spec("marl_envs/warehouse-tiny-2ag-v0", _WAREHOUSE, {"layout": "tiny", "num_robots": 2}),
        Spec("marl_envs/warehouse-tiny-4ag-v0", _WAREHOUSE, {"layout": "tiny", "num_robots": 4}),
        Spec("marl_envs/warehouse-small-4ag-v0", _WAREHOUSE, {"layout": "small", "num_robots": 4}),
        Spec("marl_envs/warehouse-medium-8ag-v0", _WAREHOUSE, {"layout": "medium", "num_robots": 8}),
        Spec("marl_envs/warehouse-large-8ag-v0", _WAREHOUSE, {"layout": "large", "num_robots": 8}),
        Spec("marl_envs/warehouse-5x5-2ag-goal-v0", _WAREHOUSE, {"layout": "5x5", "observation": "goal"}),
        Spec("marl_envs/warehouse-5x5-2ag-tabular-v0", _WAREHOUSE, {"layout": "5x5", "observation": "tabular"}),
        Spec("marl_envs/warehouse-tiny-2ag-image-v0", _WAREHOUSE, {"layout": "tiny", "observation": "image"}),
        Spec(
            "marl_envs/warehouse-tiny-4ag-battery-v0",
            _WAREHOUSE,
            {"layout": "tiny", "num_robots": 4, "observation": "goal", "battery": 400},
        ),
        Spec("marl_envs/errands-8ag-v0", _ERRANDS, {"floor": "aisles-2x3", "num_robots": 8}),
        Spec(
            "marl_envs/errands-8ag-rotate-tabular-v0",
            _ERRANDS,
            {"floor": "aisles-2x3", "num_robots": 8, "moves": "rotate", "observation": "tabular"},
        ),
        Spec("marl_envs/errands-8ag-image-v0", _ERRANDS, {"floor": "aisles-2x3", "observation": "image"}),
        Spec("marl_envs/errands-8ag-battery-v0", _ERRANDS, {"floor": "aisles-2x3", "num_robots": 8, "battery": 400}),
        Spec(
            "marl_envs/signals-cross-tabular-v0",
            _SIGNALS,
            {"network": "cross", "observation": "tabular", "actions": "fullest", "warmup": 60.0},
        ),
        Spec(
            "marl_envs/signals-tee-tiles-v0",
            _SIGNALS,
            {"network": "tee", "observation": "tiles", "actions": "fullest", "warmup": 60.0},
        ),
        Spec("marl_envs/signals-2x2-v0", _SIGNALS, {"network": "grid-2x2", "warmup": 60.0}),
        Spec("marl_envs/intersection-cross-4-v0", _INTERSECTION, {"layout": "cross", "num_vehicles": 4}),
        Spec(
            "marl_envs/intersection-cross-8-flow-v0",
            _INTERSECTION,
            {"layout": "cross", "num_vehicles": 8, "arrivals": "flow", "observation": "tabular", "mask_unsafe": True},
        ),
        Spec("marl_envs/intersection-roundabout-8-v0", _INTERSECTION, {"layout": "roundabout", "num_vehicles": 8}),
        Spec("marl_envs/intersection-grid-2x2-16-v0", _INTERSECTION, {"layout": "grid-2x2", "num_vehicles": 16}),
        Spec(
            "marl_envs/intersection-rilsa1-flow-v0",
            _INTERSECTION,
            {"layout": "rilsa1", "num_vehicles": 16, "arrivals": "flow", "flow": 600.0, "background": 0.5},
        ),
        Spec("marl_envs/traffic-cross-both-v0", _TRAFFIC, {"layout": "cross-turns", "num_vehicles": 4}),
        Spec(
            "marl_envs/errands-kiva-60ag-v0",
            _ERRANDS,
            {"floor": "kiva", "num_robots": 60, "starts": "stations", "goals": "sides", "observation": "tabular"},
        ),
        Spec("marl_envs/vacuum-v0", _VACUUM),
        Spec("marl_envs/vacuum-2ag-v0", _VACUUM, {"rules": "dock", "num_robots": 2}),
        Spec("marl_envs/climbing-v0", _MATRIX, {"game": "climbing"}),
        Spec("marl_envs/penalty-v0", _MATRIX, {"game": "penalty", "repeated": True, "observation": "vector"}),
        Spec("marl_envs/cliff-v0", _GRID, {"world": "cliff"}),
        Spec("marl_envs/dyna-maze-v0", _GRID, {"world": "dyna_maze"}),
        Spec("marl_envs/four-rooms-v0", _GRID, {"world": "four_rooms"}),
        Spec("marl_envs/t-maze-v0", _GRID, {"world": "t_maze"}),
    )
}


def register_all() -> None:
    """Put every id into Gymnasium's registry, and into PettingZoo's where this version has one (1.27 and later)."""
    for id in SPECS:
        if id not in gymnasium.registry:  # a module that is loaded again must not warn
            gymnasium.register(
                id,
                "marl_envs.interop.joint:make",
                vector_entry_point="marl_envs.interop.flat:make",
                kwargs={"env_id": id},
                # The checker complains of one reward for each agent, at every episode.
                disable_env_checker=True,
            )
    if hasattr(pettingzoo, "register"):
        for spec in SPECS.values():
            if spec.id not in pettingzoo.parallel_registry:
                pettingzoo.register("parallel", spec.id, f"{spec.module}:parallel_env", kwargs=dict(spec.parameters))
                pettingzoo.register("aec", spec.id, f"{spec.module}:env", kwargs=dict(spec.parameters))


def list_environments() -> list[str]:
    """Return the registered ids."""
    return list(SPECS)


def _spec(id: str) -> Spec:
    if id not in SPECS:
        raise ValueError(f"unknown environment {id!r}; registered are {', '.join(SPECS)}")
    return SPECS[id]


def make(id: str, **parameters: Any) -> ParallelEnv:
    """Return the PettingZoo parallel environment of that id; keyword arguments replace its parameters.

    Raises:
        ValueError: unknown id, parameter or value.
    """
    spec = _spec(id)
    env: ParallelEnv = importlib.import_module(spec.module).parallel_env(**{**spec.parameters, **parameters})
    return env


def make_vec(id: str, num_envs: int = 1, num_threads: int = 1, *, copy: bool = False, **parameters: Any) -> VectorEnv:
    """Return `num_envs` environments of that id as one VectorEnv.

    Raises:
        ValueError: unknown id, parameter or value.
    """
    spec = _spec(id)
    merged = {**spec.parameters, **parameters}
    vec: VectorEnv = importlib.import_module(spec.module).vector_env(num_envs, num_threads, copy=copy, **merged)
    return vec


def from_fingerprint(fingerprint: dict[str, Any], face: str = "parallel_env", **arguments: Any) -> Any:
    """Return the environment that `fingerprint` describes, as "parallel_env", "env" or "vector_env".

    Raises:
        ValueError: it names no environment of this package, or says more of it than its parameters, such as drivers
            that were drawn (`traffic.signals.randomise`).
    """
    name = fingerprint.get("env", "")
    known = {spec.module for spec in SPECS.values()}
    if f"marl_envs.{name}" not in known:
        raise ValueError(f"unknown environment {name!r}; known are {', '.join(sorted(m[10:] for m in known))}")
    more = sorted(fingerprint.keys() - {"env", "params"})
    if more:
        raise ValueError(f"{name} cannot be made from its parameters alone, as it also has {', '.join(more)}")
    module = importlib.import_module(f"marl_envs.{name}")
    return getattr(module, face)(**{**fingerprint["params"], **arguments})
