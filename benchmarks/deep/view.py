"""A batch of environments, seen otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gymnasium.spaces import Box
from numpy.typing import NDArray

Show = Callable[[NDArray[Any]], NDArray[Any]]


class View:
    """A batch whose observations [E, A, D] are shown as `show` gives them, also the final ones; all else is its own."""

    def __init__(self, vec: Any, show: Show, space: Box) -> None:
        """Show the observations of `vec` by `show`, one agent's of which lies in `space`."""
        self.vec, self.show, self.observation_space = vec, show, space

    def __getattr__(self, name: str) -> Any:
        """Return the attribute of the batch below."""
        if name == "vec" or name.startswith("__"):  # not there yet, as while it is being copied
            raise AttributeError(name)
        return getattr(self.vec, name)

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset the batch below."""
        obs, info = self.vec.reset(seed=seed)
        return self.show(obs), info

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take a step of the batch below."""
        obs, reward, terminated, truncated, info = self.vec.step(actions)
        return self.show(obs), reward, terminated, truncated, {**info, "final_obs": self.show(info["final_obs"])}
