"""What a session remembers of an episode: snapshots to return to, ever further apart, and frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.snapshot import Snapshot
from marl_envs.render.scene import Frame
from marl_envs.render.trajectory import Trajectory, pack_frames

MOST = 256 << 20  # [bytes] of snapshots, and of frames


class Past:
    """The past of one episode of `env`: the moment after t steps can be returned to for every t.

    Where snapshots of all moments would take more than `most` bytes, there is one every 2, 4, 8 ... steps, and the
    actions in between are played again; of the frames the last ones are kept.
    """

    def __init__(self, env: Any, most: int = MOST) -> None:
        self._env, self._most, self._stride = env, most, 1
        self._snapshots: dict[int, Snapshot] = {}
        self._frames: dict[int, Frame] = {}
        self._frame_bytes = 0

    def keep(self, at: int, frame: Frame) -> None:
        """Remember the moment after `at` steps, which the environment is in."""
        if at not in self._frames:
            self._frames[at] = frame
            self._frame_bytes += _size(frame)
        while self._frame_bytes > self._most and len(self._frames) > 2:
            self._frame_bytes -= _size(self._frames.pop(next(iter(self._frames))))
        if at % self._stride or at in self._snapshots:
            return
        self._snapshots[at] = self._env.get_state()
        if len(self._snapshots) * _size(self._snapshots[at].arrays) > self._most and len(self._snapshots) > 2:
            self._stride *= 2
            self._snapshots = {t: one for t, one in self._snapshots.items() if t % self._stride == 0}

    def forget(self, after: int) -> None:
        """Forget what came later than `after` steps."""
        for t in [t for t in self._snapshots if t > after]:
            del self._snapshots[t]
        for t in [t for t in self._frames if t > after]:
            self._frame_bytes -= _size(self._frames.pop(t))

    def restore(self, at: int) -> int:
        """Put the environment into the last remembered moment up to `at`, and return which."""
        found = max(t for t in self._snapshots if t <= at)
        self._env.set_state(self._snapshots[found])
        return found

    def frames(self, at: int, most: int) -> Sequence[Frame]:
        """Return up to `most` frames until the one after `at` steps, without a gap."""
        first = at
        while first - 1 in self._frames and at - first + 1 < most:
            first -= 1
        return [self._frames[t] for t in range(first, at + 1)]

    def trajectory(self, seed: int, actions: list[NDArray[Any]], from_seed: bool) -> Trajectory:
        """Return a trajectory of seed and actions, with frames where all of them are remembered.

        Raises:
            ValueError: it neither began at a seed nor are all frames there.
        """
        agents = tuple(self._env.possible_agents)
        whole = all(t in self._frames for t in range(len(actions) + 1))
        if not from_seed and not whole:
            raise ValueError("the episode did not begin at a seed, and has become too long for its frames to be kept")
        frames = pack_frames([self._frames[t] for t in range(len(actions) + 1)]) if whole else {}
        kind = np.float64 if self._env.vec.simulation.continuous else np.int16
        rows = np.array(actions, kind).reshape(-1, len(agents))
        return Trajectory(self._env.fingerprint, seed, agents, rows, frames, {"from_seed": from_seed})


def _size(arrays: dict[str, NDArray[Any]]) -> int:
    """Return the bytes of some arrays."""
    return sum(array.nbytes for array in arrays.values())
