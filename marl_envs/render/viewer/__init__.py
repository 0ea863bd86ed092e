"""The viewer: one window for all environments, and sessions that work without any.

`Session` plays an environment forwards and backwards, `Film` shows stored frames, `Live` what somebody else plays.
`Viewer` holds what is seen of one of them, and does commands; `watch` connects it with a window.
"""

from marl_envs.render.viewer.film import Film, Live
from marl_envs.render.viewer.loop import watch
from marl_envs.render.viewer.session import Session
from marl_envs.render.viewer.source import Details, Source
from marl_envs.render.viewer.viewer import Viewer

__all__ = ["Details", "Film", "Live", "Session", "Source", "Viewer", "watch"]
