"""GIF files from pictures, by pillow, which is imported only here."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.render.canvas import Image

FASTEST = 50  # [pictures/s] what browsers show
_COLORS = 128  # the pictures are flat: more would only enlarge the file
_SAMPLES = 6  # pictures that the palette is made from


def load_pillow() -> Any:
    """Return the module `PIL.Image`; raise ImportError that names the extra where pillow is missing."""
    try:
        return importlib.import_module("PIL.Image")
    except ImportError as error:
        raise ImportError("writing a GIF needs pillow: pip install 'marl-envs[bench]' or pip install pillow") from error


def checked_rate(fps: float, name: str) -> float:
    """Return the pictures a second; raise ValueError, naming it `name`, if a GIF cannot show that many."""
    if not 0 < fps <= FASTEST:
        raise ValueError(f"{name} must be in (0, {FASTEST}], not {fps}")
    return fps


def write_gif(path: str | os.PathLike[str], images: Sequence[Image], fps: float) -> None:
    """Write `images`, uint8 (height, width, 3) each, as a GIF that repeats; a GIF counts time in 10 ms.

    Raises:
        ValueError: without pictures, or if `fps` is not in (0, 50].
        ImportError: if pillow is missing.
    """
    if not len(images):
        raise ValueError("a GIF needs at least one picture")
    checked_rate(fps, "fps")
    pil = load_pillow()
    painted = _Palette(images)
    first, *rest = [painted.picture(pil, image) for image in images]
    duration = round(100 / fps) * 10  # [ms]
    # optimize: what has not changed since the last picture becomes transparent, a third of the size
    first.save(path, format="GIF", save_all=True, append_images=rest, duration=duration, loop=0, optimize=True)


class _Palette:
    """One palette for all pictures: the commonest colours, exactly, so that flat areas keep theirs."""

    def __init__(self, images: Sequence[Image]) -> None:
        chosen = images[:: max(1, len(images) // _SAMPLES)][:_SAMPLES]
        codes, counts = np.unique(np.concatenate([_codes(image).ravel() for image in chosen]), return_counts=True)
        commonest = codes[np.argsort(-counts, kind="stable")[:_COLORS]]
        self._colors = _split(commonest)
        self._nearest = np.full(1 << 24, -1, np.int16)  # colour -> entry; filled as colours turn up

    def picture(self, pil: Any, image: Image) -> Any:
        """Return pillow's picture of `image` in the colours of the palette."""
        codes = _codes(image)
        entries = self._nearest[codes]
        if (entries < 0).any():
            new = np.unique(codes[entries < 0])
            distance = np.abs(_split(new)[:, None].astype(np.int16) - self._colors).sum(axis=2)
            self._nearest[new] = distance.argmin(axis=1)
            entries = self._nearest[codes]
        picture = pil.fromarray(entries.astype(np.uint8))
        picture.putpalette(self._colors.tobytes())
        return picture


def _codes(image: Image) -> NDArray[np.int32]:
    """Return one number a pixel: 0xRRGGBB."""
    wide = image.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _split(codes: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return red, green and blue of colour codes, (N, 3)."""
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8)
