"""MP4 files from pictures, by PyAV, which is imported only here."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from marl_envs.render.canvas import Image


def load_av() -> Any:
    """Return the module `av`; raise ImportError that names the extra where PyAV is missing."""
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise ImportError("writing an MP4 needs PyAV: pip install 'marl-envs[video]' or pip install av") from error


def write_mp4(path: str | os.PathLike[str], images: Iterable[Image], fps: float) -> None:
    """Write `images`, uint8 (height, width, 3) each and all of one size, as H.264 that every browser plays.

    Sides are made even, as the format asks for, by repeating the last row or column.

    Raises:
        ValueError: without pictures.
        ImportError: PyAV is missing.
    """
    av = load_av()
    with av.open(os.fspath(path), "w", format="mp4") as file:
        stream: Any = None
        for image in images:
            height, width, _ = image.shape
            even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            if stream is None:
                stream = file.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
                stream.width, stream.height, stream.pix_fmt = even.shape[1], even.shape[0], "yuv420p"
                stream.options = {"crf": "20", "preset": "medium", "tune": "animation"}
            file.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        if stream is None:
            raise ValueError("a video needs at least one picture")
        file.mux(stream.encode(None))
