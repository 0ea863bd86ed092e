"""The file format of a recorded episode: what GIFs, reports and viewers read.

A trajectory file is an .npz without pickled objects:

- `header`: UTF-8 JSON as uint8: `{"format": "marl_envs.trajectory", "version": 1, "env": fingerprint, "seed": int,
  "agents": [names], "steps": T, "info": {...}}`. The fingerprint names the environment and all its parameters, so
  seed and actions alone are enough to play the episode again.
- `actions`: int16 (T, A), or float64 where actions are numbers.
- `frame/<name>`: optional, (T + 1, ...): the frames themselves (places and so on), for readers that have no simulator.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.render.scene import Frame

FORMAT = "marl_envs.trajectory"
VERSION = 1
_PREFIX = "frame/"


class TrajectoryError(ValueError):
    """A file that is no trajectory, is damaged, or was written in another version of the format."""


@dataclass(frozen=True)
class Trajectory:
    """One recorded episode, or its beginning; raises TrajectoryError where the parts do not fit each other."""

    env: dict[str, Any]  # fingerprint: {"env": name, "params": {...}}, as JSON
    seed: int  # of the reset that began the episode
    agents: tuple[str, ...]  # A names
    actions: NDArray[Any]  # (T, A), int16, or float64 where actions are numbers
    positions: dict[str, NDArray[Any]] = field(default_factory=dict)  # frame arrays, each (T + 1, ...); may be empty
    info: dict[str, Any] = field(default_factory=dict)  # whatever JSON the writer adds: metrics, who acted

    def __post_init__(self) -> None:
        """Check the shapes against each other."""
        if self.actions.ndim != 2 or self.actions.shape[1] != len(self.agents):
            raise TrajectoryError(f"actions must have shape (T, {len(self.agents)}), not {self.actions.shape}")
        for name, values in self.positions.items():
            if values.ndim < 1 or len(values) != self.steps + 1:
                raise TrajectoryError(f"frame array {name!r} must hold {self.steps + 1} frames: {values.shape}")

    @property
    def steps(self) -> int:
        """Number of environment steps, T."""
        return len(self.actions)

    def frames(self) -> Iterator[Frame]:
        """Yield the T + 1 frames: the stored ones, or else by playing the actions in a new environment."""
        if self.positions:
            for t in range(self.steps + 1):
                yield {name: values[t] for name, values in self.positions.items()}
        else:
            yield from self._replay()

    def _replay(self) -> Iterator[Frame]:
        from marl_envs.core.registry import from_fingerprint

        env = from_fingerprint(self.env)
        env.reset(seed=self.seed)
        yield env.frame()
        for actions in self.actions.tolist():
            env.step(dict(zip(self.agents, actions, strict=True)))
            yield env.frame()
        env.close()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trajectory; an existing file is replaced only once the new one is complete."""
        header = {
            "format": FORMAT,
            "version": VERSION,
            "env": self.env,
            "seed": self.seed,
            "agents": list(self.agents),
            "steps": self.steps,
            "info": self.info,
        }
        text = np.frombuffer(json.dumps(header).encode(), np.uint8)
        frames = {_PREFIX + name: values for name, values in self.positions.items()}
        memory = io.BytesIO()
        np.savez_compressed(memory, header=text, actions=self.actions, allow_pickle=False, **frames)
        target = Path(path)
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            partial.write_bytes(memory.getvalue())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Trajectory:
    """Read a trajectory file.

    Raises:
        OSError: there is no such file (FileNotFoundError), or it cannot be read; says which.
        TrajectoryError: if it is no trajectory, is cut short or damaged, or has another version; says which.
    """
    arrays = _read_arrays(path)
    header = _checked_header(path, arrays)
    try:
        return Trajectory(
            env=header["env"],
            seed=int(header["seed"]),
            agents=tuple(header["agents"]),
            actions=arrays["actions"],
            positions={n.removeprefix(_PREFIX): a for n, a in arrays.items() if n.startswith(_PREFIX)},
            info=header["info"],
        )
    except (KeyError, TypeError, TrajectoryError) as error:
        raise TrajectoryError(f"{path}: the parts of the trajectory do not fit ({error})") from error


def _read_arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"there is no file {path}: a trajectory is written by record(env, policy, 'x.npz')"
        ) from error
    except OSError as error:
        raise type(error)(f"the trajectory {path} cannot be read: {error.strerror}") from error
    try:
        if not data.startswith(b"PK"):
            raise ValueError("it is no zip archive")
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise TrajectoryError(f"{path}: damaged, cut short, or not a trajectory file ({error})") from error


def _checked_header(path: str | os.PathLike[str], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the header; raise TrajectoryError unless format and version are ours."""
    try:
        header = json.loads(arrays["header"].tobytes())
        found, version = header["format"], header["version"]
    except (KeyError, TypeError, ValueError) as error:
        raise TrajectoryError(f"{path}: has no trajectory header ({error})") from error
    if found != FORMAT:
        raise TrajectoryError(f"{path}: its format is {found!r}, not {FORMAT!r}")
    if version != VERSION:
        raise TrajectoryError(f"{path}: written in version {version} of the format; this program reads {VERSION}")
    return dict(header)


def pack_frames(frames: list[Frame]) -> dict[str, NDArray[Any]]:
    """Return frames stacked by name, (T + 1, ...), integers in the smallest type that holds them."""
    return {name: _compact(np.stack([frame[name] for frame in frames])) for name in frames[0]}


def _compact(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind not in "iu" or not values.size:
        return values
    low, high = values.min(), values.max()
    kinds = [k for k in (np.int8, np.int16, np.int32) if np.iinfo(k).min <= low and high <= np.iinfo(k).max]
    return values.astype(kinds[0]) if kinds else values
