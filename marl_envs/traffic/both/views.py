"""One kind of agent of a mixed batch, seen as its own family's batch: for controllers and learners of that kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.family import Simulation
from marl_envs.core.pack import part_of
from marl_envs.core.params import check_choice
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.both.types import SIGNAL, VEHICLE
from marl_envs.traffic.signals import env as signals_env
from marl_envs.traffic.signals.types import Settings as SignalSettings
from marl_envs.traffic.signals.types import State as SignalState
from marl_envs.traffic.vehicles import env as vehicles_env
from marl_envs.traffic.vehicles.types import Settings as VehicleSettings
from marl_envs.traffic.vehicles.types import State as VehicleState

KINDS = ("vehicles", "signals")


class KindView:
    """The vehicles or the signals of a batch of `traffic_v0`: reads what the batch holds, and steps nothing.

    Attributes:
        agents: names.
        rows: which of the batch's agents they are.
        arrays, simulation, params: as of `intersection_v0` or `traffic_signals_v0`, with the spaces of `traffic_v0`.
    """

    def __init__(self, vec: VectorEnv, kind: str) -> None:
        """Look at the agents of one kind, "vehicles" or "signals"."""
        check_choice("kind", kind, KINDS)
        self._vec = vec
        count, drives = vec.params.num_vehicles, kind == "vehicles"
        self.rows = slice(0, count) if drives else slice(count, vec.num_agents)
        self.agents: list[str] = vec.agents[self.rows]
        self.arrays: Any = part_of(vec.arrays, *((VehicleState, VEHICLE) if drives else (SignalState, SIGNAL)))
        self.params: Any = vec.params.of_vehicles() if drives else vec.params.of_signals()
        self.simulation = self._simulation(drives)
        self.observation_space, self.action_space = self.simulation.observation_space, self.simulation.action_space

    def _simulation(self, drives: bool) -> Simulation:
        whole = self._vec.simulation
        assert whole.own_spaces is not None
        seen, actions = whole.own_spaces[self.agents[0]]
        return replace(
            whole,
            family=(vehicles_env if drives else signals_env).FAMILY,
            params=self.params,
            agents=self.agents,
            observation_space=seen,
            action_space=actions,
            settings=part_of(whole.settings, *((VehicleSettings, "") if drives else (SignalSettings, SIGNAL))),
            own_spaces=None,
        )

    @property
    def num_envs(self) -> int:
        """Environments, E."""
        return self._vec.num_envs

    @property
    def num_agents(self) -> int:
        """Agents of the kind, A."""
        return len(self.agents)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Of the whole environment."""
        return self._vec.fingerprint

    @property
    def action_mask(self) -> NDArray[np.int8] | None:
        """Their masks [E, A, N], or None without masks."""
        mask = self._vec.action_mask
        return None if mask is None else self.masks(mask)

    def masks(self, mask: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return [E, A, N] of this kind from the masks of all agents."""
        return mask[:, self.rows, : int(self.action_space.n)]

    def seen(self, obs: NDArray[Any]) -> NDArray[Any]:
        """Return [E, A, ...] of this kind from the observations of all agents."""
        own = obs[:, self.rows]
        return own if obs.ndim == 2 else own[..., : self.observation_space.shape[0]]  # type: ignore[index]
