"""Pictures into files: which suffix means what, and checks before anything is played."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from marl_envs.render.canvas import Image
from marl_envs.render.gif import checked_rate, load_pillow, write_gif
from marl_envs.render.pygame_loader import load_pygame
from marl_envs.render.video import load_av, write_mp4

GIF, MP4, TRAJECTORY, FRAMES = ".gif", ".mp4", ".npz", ""
FASTEST_VIDEO = 240.0  # [pictures/s]


def check_target(path: Path, fps: float, name: str) -> None:
    """Refuse what cannot be written, and import what writing needs, before an episode is played in vain.

    Raises:
        ValueError: another suffix, or more pictures a second (called `name`) than the format can show.
        FileNotFoundError, NotADirectoryError, PermissionError: the folder to write into is missing, is none, or may
            not be written.
        ImportError: a package is missing; names the extra.
    """
    suffix = path.suffix.lower()
    if suffix not in (GIF, MP4, TRAJECTORY, FRAMES):
        raise ValueError(
            f"the file's name must end in .gif, .mp4 or .npz (or have no suffix: a folder of pictures), "
            f"not {path.suffix!r}: {path}"
        )
    if suffix == GIF:
        checked_rate(fps, name)
    elif not 0 < fps <= FASTEST_VIDEO:
        raise ValueError(f"{name} must be in (0, {FASTEST_VIDEO:g}], not {fps}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent} to write {path.name} into")
    if path.is_dir() != (suffix == FRAMES) and path.exists():
        raise NotADirectoryError(f"{path} is {'a folder' if path.is_dir() else 'a file, not a folder for pictures'}")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder {path.parent} must not be written: choose another path than {path}")
    if suffix != TRAJECTORY:
        load_pygame()
    if suffix == GIF:
        load_pillow()
    elif suffix == MP4:
        load_av()


def write_pictures(path: Path, images: Iterable[Image], fps: float) -> None:
    """Write pictures in the form that the suffix of `path` says; what is there is replaced when all are written.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    suffix = path.suffix.lower()
    write: Callable[[Path, Iterable[Image], float], None]
    if suffix == GIF:
        write = lambda target, made, rate: write_gif(target, list(made), rate)  # noqa: E731
    else:
        write = write_mp4 if suffix == MP4 else write_frames
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(partial, images, fps)
        if path.is_dir():
            shutil.rmtree(path)
        partial.replace(path)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.unlink(missing_ok=True)


def write_frames(folder: Path, images: Iterable[Image], fps: float) -> None:
    """Write `images` as frame-00000.png, frame-00001.png ... into a new folder."""
    del fps
    pygame = load_pygame()
    folder.mkdir()
    for number, image in enumerate(images):
        height, width, _ = image.shape
        surface = pygame.image.frombuffer(image.tobytes(), (width, height), "RGB")
        pygame.image.save(surface, str(folder / f"frame-{number:05}.png"))
