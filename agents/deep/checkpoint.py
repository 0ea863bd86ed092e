"""Checkpoints in the format safetensors: a table of plain arrays, and a JSON header beside them. No pickle.

`agents.checkpoint` writes and reads this format where a file's name ends in .safetensors; else its own, .npz. Both hold
the same, and any file of either is safe to open.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from agents.checkpoint import Arrays

_HEADER = "header"


def encode(text: str, arrays: Arrays) -> bytes:
    """Return the file that holds the JSON `text` and the arrays."""
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata={_HEADER: text})


def decode(path: Path) -> tuple[str, Arrays]:
    """Return what `encode` put into the file.

    Raises:
        ValueError: no file of this format, or one of something else.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            arrays: Arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
            text = (file.metadata() or {}).get(_HEADER)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    if text is None:
        raise ValueError("its header is missing")
    return text, arrays
