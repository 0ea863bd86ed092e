"""Checkpoints: one .npz file of plain arrays with a JSON header inside. No pickle: any file is safe to open.

A name that ends in .safetensors makes it that format, which others can read, too (extra `deep`).

A file is written beside its target and renamed over it when it is safely on the disk: whatever happens, the path
holds the previous checkpoint or the new one, whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = "marl_envs agents checkpoint"
VERSION = 1
SAFETENSORS = ".safetensors"
_HEADER = "header"
_BROKEN = (OSError, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)

Arrays = dict[str, NDArray[Any]]


class CheckpointError(ValueError):
    """A checkpoint cannot be used: broken, or made for something else. The message names the file and why."""


def write(path: str | Path, header: dict[str, Any], arrays: Arrays) -> None:
    """Write `header` (JSON-able) and `arrays` to `path`, atomically.

    Raises:
        OSError: the disk is full or the folder cannot be written; an earlier file at `path` is unchanged.
    """
    path = Path(path)
    text = json.dumps({"format": FORMAT, "version": VERSION, "arrays": sorted(arrays), **header})
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open(temporary, "wb") as file:
            if path.suffix == SAFETENSORS:
                file.write(_safetensors().encode(text, arrays))
            else:
                np.savez(file, **{_HEADER: np.frombuffer(text.encode(), np.uint8)}, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        kept = "; the previous checkpoint is unchanged" if path.exists() else ""
        raise OSError(error.errno, f"cannot write checkpoint: {error.strerror or error}{kept}", str(path)) from error


def read(path: str | Path) -> tuple[dict[str, Any], Arrays]:
    """Return the header and the arrays of the checkpoint at `path`.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it cannot be read, is truncated or corrupted, or is something else.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        if path.suffix == SAFETENSORS:
            text, arrays = _safetensors().decode(path)
        else:
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            text = arrays.pop(_HEADER).tobytes()
        header = json.loads(text)
    except (*_BROKEN, AttributeError, TypeError, struct.error) as error:
        raise CheckpointError(f"{path} is not a whole checkpoint: {type(error).__name__}: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("version") != VERSION:
        raise CheckpointError(f"{path} is not a checkpoint of this version ({FORMAT}, {VERSION})")
    if header["arrays"] != sorted(arrays):
        raise CheckpointError(f"{path} holds the arrays {sorted(arrays)}, but its header lists {header['arrays']}")
    return header, arrays


def _safetensors() -> Any:
    """Return the module of the other format, which needs the extra `deep`."""
    from agents.deep import checkpoint

    return checkpoint


def section(arrays: Arrays, prefix: str) -> Arrays:
    """Return the arrays whose names start with `prefix/`, under the rest of their names."""
    return {name.partition("/")[2]: array for name, array in arrays.items() if name.partition("/")[0] == prefix}


def prefixed(arrays: Arrays, prefix: str) -> Arrays:
    """Return the arrays with `prefix/` before their names."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def named(arrays: Any, prefix: str = "") -> Arrays:
    """Return the arrays of a NamedTuple by name; what is a NamedTuple in it gives its own as `name.inner`."""
    found: Arrays = {}
    for name, value in zip(getattr(arrays, "_fields", ()), arrays, strict=True):
        found |= named(value, f"{prefix}{name}.") if isinstance(value, tuple) else {prefix + name: value}
    return found


def require_same(path: str | Path, what: str, theirs: Any, ours: Any) -> None:
    """Raise CheckpointError, listing each difference, unless the checkpoint's `theirs` equals `ours`."""
    found = differences(theirs, ours)
    if found:
        raise CheckpointError(f"checkpoint {path} was made for another {what}: " + "; ".join(found))


def differences(theirs: Any, ours: Any) -> list[str]:
    """Return one line for each value that differs between two JSON-able values: `name: theirs, here ours`."""
    left, right = (dict(_flatten("", json.loads(json.dumps(value)))) for value in (theirs, ours))
    missing = "(absent)"
    names = list(left) + [name for name in right if name not in left]
    pairs = [(name, left.get(name, missing), right.get(name, missing)) for name in names]
    return [f"{name or 'value'} is {a!r} there, {b!r} here" for name, a, b in pairs if a != b]


def _flatten(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flatten(f"{name}.{key}" if name else key, inner)
    else:
        yield name, value


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last through a power failure, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
