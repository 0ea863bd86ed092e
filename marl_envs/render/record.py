"""Playing an episode and keeping it: as a GIF to look at, or as a trajectory to replay."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marl_envs.render.artists import painter_for
from marl_envs.render.canvas import Image, checked_size
from marl_envs.render.files import TRAJECTORY, check_target, write_pictures
from marl_envs.render.scene import Artist, Frame
from marl_envs.render.theme import Theme, get_theme
from marl_envs.render.trajectory import Trajectory, pack_frames

Actions: TypeAlias = dict[str, Any]
# Something with act(vec, obs (1, A, ...)) -> (1, A), such as GreedyPolicy(), or a function from the dictionary of
# observations to the dictionary of actions.
Player: TypeAlias = Any


def record(
    env: Any,
    policy: Player,
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    steps: int | None = None,
    fps: float = 8,
    smooth: int = 1,
    size: tuple[int, int] | None = None,
    theme: str | Theme = "light",
) -> Trajectory:
    """Play one episode and write it to `path`, whose suffix says how.

    `.gif` and `.mp4` are moving pictures, `.npz` is a trajectory, and without a suffix `path` is a folder of PNG
    pictures; a folder that is there is replaced.

    Args:
        env: a ParallelEnv of this package.
        policy: a policy with `act(vec, obs)`, or a function from observations to actions, both dictionaries by agent.
        path: the file, or the folder, to write.
        seed: of the episode, and of the policy if it has `reset(seed)`.
        steps: at most this many steps; None plays to the end.
        fps: steps a second in the moving picture.
        smooth: pictures a step; more than 1 shows movements in between.
        size: (width, height) of the pictures [pixels]; None fits the scene.
        theme: "light", "dark" or a Theme.

    Returns:
        The trajectory, with frames and, in `info`, the episode's metrics.

    Raises:
        ValueError: another suffix, or a number out of its range.
        OSError: `path` cannot be written; a missing folder is found before anything is played.
        TypeError: an environment of another package, or a policy that is neither kind.
        ImportError: if a package for the file is missing; names the extra.
    """
    path = Path(path)
    if smooth < 1:
        raise ValueError(f"smooth must be at least 1, not {smooth}")
    check_target(path, fps * smooth, "fps" if smooth == 1 else "fps * smooth")
    theme, size = get_theme(theme), None if size is None else checked_size(size)
    trajectory = rollout(env, policy, seed=seed, steps=steps)
    if path.suffix.lower() == TRAJECTORY:
        trajectory.save(path)
    else:
        write_pictures(path, pictures(trajectory, size, theme, smooth), fps * smooth)
    return trajectory


def rollout(env: Any, policy: Player, *, seed: int = 0, steps: int | None = None) -> Trajectory:
    """Play one episode (or its first `steps` steps) and return it with its frames; see `record` for the arguments."""
    if steps is not None and steps < 0:
        raise ValueError(f"steps must be None or at least 0, not {steps}")
    base = env.unwrapped
    if not (hasattr(base, "frame") and hasattr(base, "fingerprint")):
        raise TypeError(f"env must be a ParallelEnv of marl_envs, not {type(env).__name__}")
    choose = _chooser(env, policy)
    if hasattr(policy, "reset"):
        policy.reset(seed)
    obs, _ = env.reset(seed=seed)
    agents = tuple(env.possible_agents)
    continuous = base.vec.simulation.continuous
    actions: list[list[float]] = []
    frames = [_copied(base.frame())]
    while env.agents and (steps is None or len(actions) < steps):
        chosen = choose(obs)
        actions.append([np.asarray(chosen.get(agent, 0)).item() for agent in agents])
        obs = env.step(chosen)[0]
        frames.append(_copied(base.frame()))
    return Trajectory(
        env=base.fingerprint,
        seed=seed,
        agents=agents,
        actions=np.array(actions, np.float64 if continuous else np.int16).reshape(-1, len(agents)),
        positions=pack_frames(frames),
        info={"metrics": _plain(base.metrics())},
    )


def pictures(
    trajectory: Trajectory, size: tuple[int, int] | None = None, theme: str | Theme = "light", smooth: int = 1
) -> Iterator[Image]:
    """Yield a trajectory's pictures, uint8 (height, width, 3): one a frame, `smooth` a step."""
    painter = painter_for(trajectory.env, size, theme)
    for frame in _smoothed(painter.artist, trajectory.frames(), smooth):
        yield painter.picture(frame)


def _smoothed(artist: Artist, frames: Iterator[Frame], smooth: int) -> Iterator[Frame]:
    """Yield the frames with `smooth - 1` moments between each two."""
    before: Frame | None = None
    for after in frames:
        if before is not None:
            for i in range(1, smooth):
                yield artist.between(before, after, i / smooth)
        yield after
        before = after


def _chooser(env: Any, policy: Player) -> Callable[[dict[str, Any]], Actions]:
    """Return a function from the dictionary of observations to the dictionary of actions."""
    base = env.unwrapped
    agents = base.possible_agents
    if hasattr(policy, "act"):

        def choose(obs: dict[str, Any]) -> Actions:
            if env is base:  # also where agents have left, or observations hold the mask
                stacked = np.array(base.vec.simulation.seen(base.vec.out.label, base.vec.out.obs))
            else:  # as a wrapper has made them
                stacked = np.stack([np.asarray(obs[agent]) for agent in agents])[None]
            return dict(zip(agents, policy.act(base.vec, stacked)[0].tolist(), strict=True))

        return choose
    if callable(policy):
        return lambda obs: dict(policy(obs))
    raise TypeError(f"policy must have act(vec, obs) or be a function of the observations, not {policy!r}")


def _copied(frame: Frame) -> Frame:
    return {name: np.array(values) for name, values in frame.items()}


def _plain(metrics: dict[str, Any]) -> dict[str, float | None]:
    """Return metrics as JSON numbers; None where undefined."""
    values: dict[str, NDArray[Any]] = {name: np.asarray(value).reshape(()) for name, value in metrics.items()}
    return {name: None if np.isnan(value) else float(value) for name, value in values.items()}
