"""Tabular learners to and from checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from agents.checkpoint import Arrays, CheckpointError, require_same
from agents.exploration import from_rule_config
from agents.schedules import from_config, to_config


def encode(value: Any) -> Any:
    """Return a setting as what JSON can hold."""
    if hasattr(value, "kind"):
        return to_config(value)
    if hasattr(value, "to_config"):
        return value.to_config()
    return [encode(item) for item in value] if isinstance(value, tuple) else value


def decode(value: Any) -> Any:
    """Return the setting that `encode` described."""
    if isinstance(value, dict) and "kind" in value:
        return from_config(value)
    if isinstance(value, dict) and "rule" in value:
        return from_rule_config(value)
    return tuple(decode(item) for item in value) if isinstance(value, list) else value


def dump(learner: Any) -> tuple[dict[str, Any], Arrays]:
    """Return the learner as a JSON-able dict and arrays (not copies)."""
    header = {
        "settings": learner.settings(),
        "environment": learner.fingerprint,
        "num_envs": learner.num_envs,
        "layout": learner.layout,
        "steps": learner.steps,
        "total_steps": learner.total_steps,
    }
    return header, {**learner.knowledge(), **learner.course()}


def restore(learner: Any, path: str | Path, header: dict[str, Any], arrays: Arrays) -> None:
    """Put a dumped learner into `learner`, which then continues as the dumped one would have.

    Raises:
        CheckpointError: made with other settings, for another environment or batch size, or incomplete; `learner` is
            unchanged.
    """
    own, _ = dump(learner)
    require_same(path, "environment", header.get("environment"), own["environment"])
    for name in ("settings", "num_envs"):
        require_same(path, "learner", {name: header.get(name)}, {name: own[name]})
    _fill(learner, path, header, arrays, with_streams=True)


def load(cls: Any, path: str | Path, header: dict[str, Any], arrays: Arrays, vec: Any, transfer: bool) -> Any:
    """Return a new learner for `vec` from a dump; with `transfer`, `vec` may have other parameters.

    Raises:
        CheckpointError: made by another learner, for another environment, or incomplete.
        ParameterError: `vec` does not fit this kind of learner.
    """
    settings = dict(header.get("settings") or {})
    require_same(path, "learner", settings.pop("algorithm", None), cls.__name__)
    if not transfer:
        require_same(path, "environment", header.get("environment"), vec.fingerprint)
    try:
        learner = cls(vec, **{name: decode(value) for name, value in settings.items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"checkpoint {path} has broken settings: {error!r}") from error
    _fill(learner, path, header, arrays, with_streams=header.get("num_envs") == learner.num_envs)
    return learner


def _fill(learner: Any, path: str | Path, header: dict[str, Any], arrays: Arrays, with_streams: bool) -> None:
    """Copy the tables, the counters and, where the batch size is the same, the random streams and the memory."""
    wanted: Arrays = {**learner.knowledge(), **(learner.course() if with_streams else {})}
    for name, target in wanted.items():
        array = arrays.get(name, np.zeros(0))
        if array.shape != target.shape or array.dtype != target.dtype:
            raise CheckpointError(
                f"checkpoint {path} has {name} {array.dtype} {array.shape}, needed is {target.dtype} {target.shape}"
            )
    require_same(path, "layout of tables", header.get("layout"), learner.layout)
    steps, total_steps = header.get("steps"), header.get("total_steps")
    if not isinstance(steps, int) or not isinstance(total_steps, int):
        raise CheckpointError(f"checkpoint {path} does not say how far the training was")
    for name, target in wanted.items():
        target[...] = arrays[name]
    if hasattr(learner, "filled"):  # what was given to fill need not be what the learner works with
        learner.filled(wanted)
    learner.steps, learner.total_steps = steps, total_steps
