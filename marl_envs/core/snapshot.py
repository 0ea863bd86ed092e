"""A full copy of environments' state: to continue later, elsewhere, or from the same point with other actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Snapshot:
    """State arrays (first axis: environments) and `meta`: the fingerprint and the number of environments. Picklable."""

    meta: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def take(fingerprint: dict[str, Any], state: Any) -> Snapshot:
    """Return a copy of `state` (a NamedTuple of arrays)."""
    arrays = {name: np.array(value) for name, value in state._asdict().items()}
    return Snapshot({"fingerprint": fingerprint, "num_envs": len(state[0])}, arrays)


def put(snapshot: Snapshot, fingerprint: dict[str, Any], state: Any) -> None:
    """Copy a snapshot into `state`; raise ValueError, with nothing changed, if it was taken from something else."""
    theirs = snapshot.meta["fingerprint"]
    if theirs != fingerprint:
        names = {*theirs["params"], *fingerprint["params"]}
        differ = sorted(n for n in names if theirs["params"].get(n) != fingerprint["params"].get(n)) or ["env"]
        raise ValueError(f"the snapshot was taken from another environment; these differ: {', '.join(differ)}")
    current = state._asdict()
    for name in current:
        if name not in snapshot.arrays:
            raise ValueError(f"the snapshot lacks {name!r}")
        array = snapshot.arrays[name]
        if array.shape != current[name].shape or array.dtype != current[name].dtype:
            raise ValueError(
                f"the snapshot's {name!r} has shape {array.shape} and type {array.dtype}, "
                f"not {current[name].shape} and {current[name].dtype}"
            )
    for name, array in current.items():
        array[...] = snapshot.arrays[name]
