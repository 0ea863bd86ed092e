"""Frames without a simulator to step: of a file, or of an environment that somebody else plays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from marl_envs.core.vector import VectorEnv
from marl_envs.render.artists import artist_for
from marl_envs.render.marks import RECENT
from marl_envs.render.scene import Artist, Frame, Moment
from marl_envs.render.trajectory import Trajectory
from marl_envs.render.viewer.source import Details, now_of

KEPT = 600  # frames of a live environment that can be gone back to


class _Frames:
    """What frames alone allow: to look at them in either direction."""

    can = frozenset({"back"})
    driver: int | None = None
    controls: ClassVar[dict[str, float]] = {}

    def __init__(self, artist: Artist, agents: list[str], frames: list[Frame]) -> None:
        self.artist, self.agents = artist, agents
        self._frames, self._at = frames, 0

    @property
    def at(self) -> int:
        """Frames before this one."""
        return self._at

    @property
    def over(self) -> bool:
        """Whether the last frame is shown, and nothing will follow."""
        return self._newest

    @property
    def _newest(self) -> bool:
        return self._at >= len(self._frames) - 1

    def acted(self) -> Sequence[float]:
        """Return the actions that led here; none where they are not known."""
        return ()

    def moment(self, chosen: int | None = None, values: bool = False) -> Moment:
        """Return what is to be drawn; nobody can be asked for values."""
        del values
        frames = self._frames[max(0, self._at + 1 - RECENT) : self._at + 1]
        return Moment(frames, tuple(self.acted()), None, chosen)

    def forward(self) -> bool:
        """Show the next frame; return whether there was one."""
        if self._newest:
            return False
        self._at += 1
        return True

    def back(self) -> bool:
        """Show the frame before; return whether there was one."""
        if self._at == 0:
            return False
        self._at -= 1
        return True

    def restart(self) -> None:
        """Show the first frame."""
        self._at = 0

    def reseed(self, by: int) -> None:
        """Stay: there are no other seeds."""

    def drive(self, agent: int | None) -> None:
        """Nobody can drive in what has happened."""

    def steer(self, action: float | None) -> None:
        """Nobody can steer in what has happened."""

    def close(self) -> None:
        """Nothing to let go of."""


class Film(_Frames):
    """Shows a trajectory: its stored frames, or those of its actions.

    Raises:
        ValueError: nothing here draws that environment.
    """

    can = frozenset({"back", "restart", "keep"})

    def __init__(self, trajectory: Trajectory, name: str = "") -> None:
        super().__init__(artist_for(trajectory.env), list(trajectory.agents), list(trajectory.frames()))
        self._trajectory, self._name = trajectory, name

    @property
    def title(self) -> str:
        """What is shown, and from which seed."""
        return f"{self._name or self._trajectory.env['env']} - seed {self._trajectory.seed}"

    def acted(self) -> Sequence[float]:
        """Return the actions that led here."""
        actions: list[float] = self._trajectory.actions[self._at - 1].tolist() if self._at else []
        return actions

    def details(self, agent: int) -> Details:
        """Return the last action of an agent: all that a trajectory knows."""
        number = self._trajectory.actions.dtype.kind == "f"
        return Details(self.agents[agent], action=self.acted()[agent] if self._at else None, number=number)

    def trajectory(self) -> Trajectory:
        """Return the whole of it."""
        return self._trajectory


class Live(_Frames):
    """Shows what an environment's owner plays; its frames come by `push`, and the last KEPT of them stay."""

    over = False

    def __init__(self, artist: Artist, name: str = "") -> None:
        super().__init__(artist, [], [])
        self._name = name
        self._vec: VectorEnv | None = None
        self.asked = False  # for the next frame

    @property
    def title(self) -> str:
        """What is played."""
        return self._name

    def push(self, frame: Frame, vec: VectorEnv | None = None) -> None:
        """Show the frame that is now; with the environment, agents can be asked for details."""
        newest = {name: np.array(values) for name, values in frame.items()}
        if "step" in newest and not newest["step"]:
            self._frames.clear()  # another episode
        self._frames.append(newest)
        del self._frames[:-KEPT]
        self._at, self._vec, self.asked = len(self._frames) - 1, vec, False
        self.agents = list(vec.agents) if vec is not None else []

    def forward(self) -> bool:
        """Show the next frame; where this is the newest, ask for one and return False."""
        self.asked = self._newest
        return super().forward()

    def acted(self) -> Sequence[float]:
        """Return the actions of the last step, where the newest frame is shown."""
        if self._vec is None or not self._newest or len(self._frames) < 2:
            return ()
        taken = self._vec.arrays.controls if self._vec.simulation.continuous else self._vec.arrays.actions
        actions: list[float] = taken[0].tolist()
        return actions

    def details(self, agent: int) -> Details:
        """Return what is known of an agent: all of it now, its name in the past."""
        if self._vec is None or not self._newest:
            return Details(self.agents[agent])
        out, actions = self._vec.out, self.acted()
        return Details(
            name=self.agents[agent],
            **now_of(self._vec, agent),
            action=actions[agent] if actions else None,
            reward=float(out.reward[0, agent]),
            terms=tuple(zip(self._vec.reward_terms, out.terms[0, agent].tolist(), strict=True)),
            number=self._vec.simulation.continuous,
        )

    def trajectory(self) -> Trajectory:
        """Raise ValueError: only who plays knows the seed."""
        raise ValueError("the environment's owner plays: record it with marl_envs.render.record")
