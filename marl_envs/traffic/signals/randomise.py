"""Traffic signals among drivers who differ from episode to episode: training that is not to depend on one kind.

Domain randomisation (Tobin et al., "Domain randomization for transferring deep neural networks from simulation to the
real world", 2017): what a simulation may have wrong is drawn anew, so that a policy learns what holds for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from marl_envs.core import params
from marl_envs.core.family import Simulation
from marl_envs.core.params import ParameterError, check_float, check_int
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.demand import KIND_FIELDS, Demand
from marl_envs.traffic.signals import networks
from marl_envs.traffic.signals.env import assemble
from marl_envs.traffic.signals.types import Params

Ranges = Mapping[str, tuple[float, float]]
ALLOWED = tuple(name for name in KIND_FIELDS if name not in ("length", "width", "imperfection", "speed_spread"))


@dataclass(frozen=True)
class _Drivers(Simulation):
    """A simulation whose fingerprint says how its drivers were drawn."""

    drawn: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """As of any simulation, and the ranges."""
        return {**super().fingerprint, "drivers": dict(self.drawn)}

    def __reduce__(self) -> tuple[Any, ...]:
        return _Drivers, tuple(getattr(self, one.name) for one in fields(self))


def vector_env(num_envs: int = 1, *, drivers: Ranges, drivers_seed: int = 0, **parameters: Any) -> VectorEnv:
    """Return a batch of `traffic_signals_v0` in which each of the demand sets has drivers of its own.

    All vehicles of a set are changed alike: each number that `drivers` names is multiplied by a factor of the set,
    drawn evenly between two bounds.

    Args:
        num_envs: environments, E.
        drivers: numbers of `demand.Kind`, such as "headway" or "max_acceleration", and the bounds of their factors.
        drivers_seed: of the factors.
        **parameters: of `traffic_signals_v0`, for its vector_env.

    Raises:
        ParameterError: no such number, bounds that are not 0.1 <= low <= high <= 10, or a bad parameter.
    """
    chosen = params.build(Params, parameters)
    if chosen.mask == "obs":
        raise ParameterError('mask "obs" is for PettingZoo; a vector_env gives it in the info: mask="info"')
    bounds = _checked(drivers)
    rng = np.random.default_rng(check_int("drivers_seed", drivers_seed, 0, 2**63 - 1))

    def change(demand: Demand) -> Demand:
        kinds = demand.kinds.copy()
        for name, (low, high) in bounds.items():
            kinds[:, KIND_FIELDS.index(name)] *= rng.uniform(low, high)
        return replace(demand, kinds=kinds)

    simulation = assemble(chosen, networks.load(chosen, change))
    given = {one.name: getattr(simulation, one.name) for one in fields(simulation)}
    drawn = {"ranges": {name: list(pair) for name, pair in bounds.items()}, "seed": drivers_seed}
    return VectorEnv(_Drivers(**given, drawn=drawn), num_envs)


def _checked(drivers: Ranges) -> dict[str, tuple[float, float]]:
    """Return the bounds, checked, in the order of the names in `Kind`."""
    for name, pair in drivers.items():
        if name not in ALLOWED:
            raise ParameterError(f"drivers must name some of {', '.join(ALLOWED)}, not {name!r}")
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ParameterError(f"drivers: {name} must have two bounds, not {pair!r}")
        low = check_float(f"drivers: lower bound of {name}", pair[0], 0.1, 10.0)
        check_float(f"drivers: upper bound of {name}", pair[1], low, 10.0)
    return {name: drivers[name] for name in KIND_FIELDS if name in drivers}
