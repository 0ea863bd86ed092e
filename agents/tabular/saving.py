"""Tabular learners to and from checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from agents.checkpoint import Arrays, CheckpointError, require_same
from agents.exploration import from_rule_config
from agents.schedules import from_config

if TYPE_CHECKING:
    from agents.tabular.qlearning import TabularQLearning

L = TypeVar("L", bound="TabularQLearning")


def dump(learner: TabularQLearning) -> tuple[dict[str, Any], Arrays]:
    """Return the learner as a JSON-able dict and arrays (not copies)."""
    header = {
        "settings": learner.settings(),
        "environment": learner.fingerprint,
        "num_envs": learner.num_envs,
        "layout": learner.layout,
        "steps": learner.steps,
        "total_steps": learner.total_steps,
    }
    return header, {"q": learner.q, "rng": learner.rng}


def restore(learner: TabularQLearning, path: str | Path, header: dict[str, Any], arrays: Arrays) -> None:
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


def load(cls: type[L], path: str | Path, header: dict[str, Any], arrays: Arrays, vec: Any, transfer: bool) -> L:
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
        settings["alpha"] = from_config(settings["alpha"])
        settings["exploration"] = from_rule_config(settings["exploration"])
        learner = cls(vec, **settings)
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"checkpoint {path} has broken settings: {error!r}") from error
    _fill(learner, path, header, arrays, with_streams=header.get("num_envs") == learner.num_envs)
    return learner


def _fill(
    learner: TabularQLearning, path: str | Path, header: dict[str, Any], arrays: Arrays, with_streams: bool
) -> None:
    """Copy the tables, the counters and, where the batch size is the same, the random streams."""
    wanted: Arrays = {"q": learner.q}
    if with_streams:
        wanted["rng"] = learner.rng
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
    learner.steps, learner.total_steps = steps, total_steps
