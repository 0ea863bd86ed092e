"""Reference controllers of both kinds together, each as it is in its own family."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.policy import Explains, Policy
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.both.views import KINDS, KindView
from marl_envs.traffic.signals.controllers import SOTL, MaxPressure, Threshold
from marl_envs.traffic.vehicles.policies import EngineDriver


class Together:
    """One policy drives the vehicles, another one switches the signals.

    Policies are those of `traffic/vehicles/policies.py` and `traffic/signals/controllers.py`, or any that act on a
    `KindView`. Where a signal may not do what its policy wants, as between its own decisions, it keeps what it can.
    """

    def __init__(self, vehicles: Policy, signals: Policy) -> None:
        """Take a policy for each kind."""
        self._policies = vehicles, signals
        self._views: tuple[KindView, ...] = ()
        self._vec: VectorEnv | None = None

    def reset(self, seed: int) -> None:
        """Let both start over."""
        for policy in self._policies:
            policy.reset(seed)
        self._vec = None

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A]."""
        parts = []
        for policy, view in zip(self._policies, self._look_at(vec), strict=True):
            actions = np.asarray(policy.act(view, view.seen(obs)), np.int64)  # type: ignore[arg-type]
            mask = view.action_mask
            if mask is not None:
                allowed = np.take_along_axis(mask, actions[..., None], axis=2)[..., 0] > 0
                actions = np.where(allowed, actions, mask.argmax(axis=2))
            parts.append(actions)
        return np.concatenate(parts, axis=1)

    def values(self, vec: VectorEnv, obs: Any) -> NDArray[np.float32]:
        """Return what the policies expect of each action, [E, A, N]; NaN where they do not say, or have no such action.

        `obs` are the observations of all agents.
        """
        found = np.full((vec.num_envs, vec.num_agents, int(vec.action_space.n)), np.nan, np.float32)
        for policy, view in zip(self._policies, self._look_at(vec), strict=True):
            if isinstance(policy, Explains):
                own = policy.values(view, view.seen(obs))  # type: ignore[arg-type]
                found[:, view.rows, : own.shape[2]] = own
        return found

    def _look_at(self, vec: VectorEnv) -> tuple[KindView, ...]:
        """Return the batch as each policy sees it."""
        if self._vec is not vec:
            self._vec, self._views = vec, tuple(KindView(vec, kind) for kind in KINDS)
        return self._views


class Usual(Together):
    """The engine's driver in all vehicles, and at each junction the phase of the highest pressure.

    Where signals cannot choose any phase: SOTL with "next", the threshold rule with "fullest".
    """

    def __init__(self) -> None:
        super().__init__(EngineDriver(), MaxPressure())

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A]."""
        if self._vec is not vec:
            controller = {"phase": MaxPressure, "next": SOTL, "fullest": Threshold}[vec.params.signal_actions]
            self._policies = self._policies[0], controller()
        return super().act(vec, obs)
