"""Agents from outside: any Python callable or class by its dotted path, and any checkpoint of a learner."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.config_agents import CheckpointAgent, ExternalAgent
from benchmarks.errors import InputError

LEARNERS = ("agents", "agents.deep")  # where the classes of checkpoints are


class Function:
    """A function `f(vec, obs, rng, **settings) -> actions [E, A]` as a policy; `rng` is a NumPy generator."""

    def __init__(self, function: Callable[..., Any], settings: dict[str, Any]) -> None:
        self._function, self._settings = function, settings
        self._rng = np.random.default_rng(0)

    def reset(self, seed: int) -> None:
        """Start over with random numbers from `seed`."""
        self._rng = np.random.default_rng(seed)

    def act(self, vec: Any, obs: Any) -> NDArray[np.int64]:
        """Return what the function does."""
        return np.asarray(self._function(vec, obs, self._rng, **self._settings), np.int64)


class Instance:
    """An object with `act(vec, obs) -> actions [E, A]`, and perhaps `reset(seed)`, as a policy."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def reset(self, seed: int) -> None:
        """Start over, if the object can."""
        if hasattr(self._made, "reset"):
            self._made.reset(seed)

    def act(self, vec: Any, obs: Any) -> NDArray[np.int64]:
        """Return what the object does."""
        return np.asarray(self._made.act(vec, obs), np.int64)


def with_digest(settings: Any) -> Any:
    """Return the settings with a digest of the source or checkpoint, so that a changed one is another run.

    Only the file that is named is looked at, not what it imports. Other agents' settings come back as they are.

    Raises:
        InputError: there is no such file or module.
    """
    if isinstance(settings, CheckpointAgent):
        path = Path(settings.file).resolve()
        if not path.is_file():
            raise InputError(f"file: there is no checkpoint {path}")
        return settings.model_copy(update={"file": str(path), "digest": _digest(path)})
    if isinstance(settings, ExternalAgent):
        return settings.model_copy(update={"digest": _digest(_source(settings.policy))})
    return settings


def make(settings: ExternalAgent | CheckpointAgent, vec: Any) -> Any:
    """Return the policy for the environment `vec`.

    Raises:
        InputError: it cannot be imported, made or loaded.
    """
    if isinstance(settings, CheckpointAgent):
        return _loaded(settings, vec)
    try:
        module, _, attribute = settings.policy.partition(":")
        named = importlib.import_module(module)
        for part in attribute.split("."):
            named = getattr(named, part)
    except (ImportError, AttributeError) as error:
        raise InputError(f"policy: {settings.policy} cannot be imported: {error}") from error
    if not inspect.isclass(named) and callable(named):
        return Function(named, settings.settings)
    try:
        made = named(**settings.settings) if inspect.isclass(named) else named
    except (TypeError, ValueError) as error:
        raise InputError(f"policy: {settings.policy} cannot be made: {error}") from error
    if not callable(getattr(made, "act", None)):
        raise InputError(f"policy: {settings.policy} must be a function, or have a method act(vec, obs)")
    return Instance(made)


def _loaded(settings: CheckpointAgent, vec: Any) -> Any:
    """Return the greedy policy of a learner's checkpoint."""
    from agents import CheckpointError, checkpoint
    from marl_envs.core.params import ParameterError

    try:
        header, _ = checkpoint.read(settings.file)
        name = str(((header.get("learner") or {}).get("settings") or {}).get("algorithm"))
        return _class(name).load(settings.file, vec, transfer=settings.transfer).greedy()
    except (OSError, CheckpointError, ParameterError) as error:
        raise InputError(f"file: {error}") from error


def _class(name: str) -> Any:
    """Return the learner's class of this name."""
    for module in LEARNERS:
        if importlib.util.find_spec(module) is not None:
            found = getattr(importlib.import_module(module), name, None)
            if found is not None:
                return found
    raise InputError(f"file: no learner {name!r} in {' or '.join(LEARNERS)}")


def _source(policy: str) -> Path:
    module = policy.partition(":")[0]
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError) as error:
        raise InputError(f"policy: no module {module!r}: {error}") from error
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise InputError(f"policy: no module {module!r} with a file; it must be importable from here (PYTHONPATH)")
    return Path(spec.origin)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
