"""What the training loop asks of a learner, and which half of it planners share.

Write a new learner as one file: on tables, a subclass of `agents.values.base.ValueLearner` with `_improve`; of any
other kind, anything with these methods. `train` and `evaluate` need no more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from agents.checkpoint import Arrays


@runtime_checkable
class Chooser(Protocol):
    """The acting half, that of trained policies, planners and recorders too (`marl_envs.core.policy.Policy`)."""

    def reset(self, seed: int) -> None:
        """Start over: forget what was seen and take random numbers from `seed`."""
        ...

    def act(self, vec: Any, obs: NDArray[Any]) -> NDArray[np.int64]:
        """Return actions int64 [E, A] for the last observations of the VectorEnv `vec`, obeying its masks."""
        ...


@runtime_checkable
class Learner(Protocol):
    """What learns: E environments, A agents, N actions; masks are int8 [E, A, N], None: all allowed."""

    num_envs: int
    fingerprint: dict[str, Any]  # of the environment it was made for

    def begin(self, total_steps: int) -> None:
        """Plan a training of that many agent-steps: schedules start anew, what was learned stays."""
        ...

    def act(self, obs: NDArray[Any], mask: NDArray[np.int8] | None = None, explore: bool = True) -> NDArray[np.int64]:
        """Return actions int64 [E, A]."""
        ...

    def update(
        self,
        obs: NDArray[Any],
        actions: NDArray[np.int64],
        reward: NDArray[np.float32],
        next_obs: NDArray[Any],
        final_obs: NDArray[Any],
        ended: NDArray[np.bool_],
        terminated: NDArray[np.bool_],
        alive: NDArray[np.bool_],
        next_mask: NDArray[np.int8] | None = None,
        final_mask: NDArray[np.int8] | None = None,
    ) -> None:
        """Learn from one step of the batch, as VectorEnv gives it; `TabularQLearning.update` explains each."""
        ...

    def greedy(self) -> Any:
        """Return a Chooser that plays what was learned, with `choose(obs, mask)` beside `act`."""
        ...

    def knowledge(self) -> Arrays:
        """Return what was learned, the live arrays."""
        ...

    def know(self, arrays: Arrays) -> None:
        """Take over what another moment's `knowledge` was."""
        ...

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen, as a JSON-able dict."""
        ...

    def dump(self) -> tuple[dict[str, Any], Arrays]:
        """Return all that a checkpoint needs to go on with the same bits."""
        ...

    def restore(self, path: str | Path, header: dict[str, Any], arrays: Arrays) -> None:
        """Continue as the learner that `dump` described."""
        ...

    def save(self, path: str | Path) -> None:
        """Write the learner to a file; the class's `load(path, vec)` reads it."""
        ...
