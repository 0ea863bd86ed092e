"""What acts in an environment: anything with `act` and `reset`. Planners, learners and recorders meet here."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.vector import VectorEnv


class Policy(Protocol):
    """Chooses the actions of all agents in a batch."""

    def reset(self, seed: int) -> None:
        """Start over: forget what was seen and take random numbers from `seed`."""

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[np.int64]:
        """Return actions [E, A]; `obs` is what `vec` gave last. Must not change `vec`'s course."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A policy that can say what it expects of each action; viewers show it."""

    def values(self, vec: VectorEnv, obs: Any) -> NDArray[Any]:
        """Return the value of each action, float [E, A, N]; NaN where it knows none. Must change nothing.

        Viewers also ask with observations that the agents do not have, to draw a map of what is expected elsewhere.
        """
        ...
