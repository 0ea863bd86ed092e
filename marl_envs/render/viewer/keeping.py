"""What the viewer writes: pictures, GIFs that cannot get lost, trajectories. Names never replace a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from marl_envs.render.canvas import Image
from marl_envs.render.gif import FASTEST, write_gif
from marl_envs.render.pygame_loader import load_pygame

MOST = 1200  # pictures of a GIF: beyond, it is written and ends


class Keeper:
    """Writes into `folder`; names begin with what is shown."""

    def __init__(self, folder: Path, title: str) -> None:
        self.folder = folder
        self._stem = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-").lower() or "marl-envs"
        self._pictures: list[Image] = []
        self.recording = False

    def path(self, suffix: str) -> Path:
        """Return the first free name."""
        number = 1
        while (path := self.folder / f"{self._stem}-{number}{suffix}").exists():
            number += 1
        return path

    def screenshot(self, surface: Any) -> Path:
        """Write a PNG of what is shown; raise OSError if it cannot be written."""
        path = self.path(".png")
        self._require()
        load_pygame().image.save(surface, str(path))
        return path

    def start(self) -> str:
        """Begin a GIF; return what to say."""
        self._require()
        self._pictures, self.recording = [], True
        return "recording; v: write it"

    def add(self, surface: Any) -> bool:
        """Add a picture to the GIF that is being made, scaled to its size; return whether there is room for more."""
        pygame = load_pygame()
        if self._pictures and surface.get_size() != self._pictures[0].shape[1::-1]:
            surface = pygame.transform.smoothscale(surface, self._pictures[0].shape[1::-1])
        self._pictures.append(np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1)))
        return len(self._pictures) < MOST

    def stop(self, fps: float) -> str:
        """Write the GIF that is being made, if it has pictures; return what to say."""
        pictures, self._pictures, self.recording = self._pictures, [], False
        if not pictures:
            return "nothing recorded: no step was made"
        path = self.path(".gif")
        write_gif(path, pictures, min(FASTEST, fps))
        return f"wrote {path}"

    def _require(self) -> None:
        if not self.folder.is_dir():
            raise FileNotFoundError(f"no folder {self.folder} to write into")
