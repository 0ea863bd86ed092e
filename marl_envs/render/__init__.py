"""Rendering: one renderer for all families, and the trajectory format that GIFs, reports and viewers read.

`record(env, policy, "x.gif")` plays an episode and keeps it. A family's `artist` turns a frame (small arrays) into a
`Scene` (flat shapes in cell units); `Canvas` draws scenes. pygame is imported when something is drawn, not before.
"""

from marl_envs.render.painter import Painter
from marl_envs.render.record import pictures, record, rollout
from marl_envs.render.trajectory import Trajectory, TrajectoryError, load
from marl_envs.render.window import DisplayError

__all__ = ["DisplayError", "Painter", "Trajectory", "TrajectoryError", "load", "pictures", "record", "rollout"]
