"""Who plays, by name: what `python -m marl_envs play --policy` takes."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv

NAMES = ("random", "planner", "keyboard")
# family -> class, and the parameter and value that it is for, if not for all
_PLANNERS: dict[str, tuple[tuple[str, tuple[str, str] | None], ...]] = {
    "warehouse_v0": (("marl_envs.warehouse.planner:GreedyPolicy", None),),
    "errands_v0": (
        ("marl_envs.warehouse.errands.pibt:PIBTPolicy", ("moves", "compass")),
        ("marl_envs.warehouse.errands.pibt_rotate:RotatingPIBTPolicy", ("moves", "rotate")),
    ),
    "traffic_signals_v0": (
        ("marl_envs.traffic.signals.controllers:MaxPressure", ("actions", "phase")),
        ("marl_envs.traffic.signals.controllers:SOTL", ("actions", "next")),
        ("marl_envs.traffic.signals.controllers:Threshold", ("actions", "fullest")),
    ),
    "traffic_v0": (("marl_envs.traffic.both.policies:Usual", None),),
    "intersection_v0": (("marl_envs.traffic.vehicles.policies:EngineDriver", None),),
}


class RandomPolicy:
    """Any allowed action, or any number of the space, all alike."""

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start over with random numbers from `seed`."""
        self._generator = np.random.default_rng(seed)

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[Any]:
        """Return actions [E, A]."""
        del obs
        shape, space = (vec.num_envs, vec.num_agents), vec.action_space
        if vec.simulation.continuous:
            return self._generator.uniform(space.low[0], space.high[0], shape)
        scores = self._generator.random((*shape, int(space.n)))
        mask = vec.action_mask
        chosen: NDArray[np.int64] = (scores if mask is None else np.where(mask, scores, -1.0)).argmax(axis=2)
        return chosen


def find_policy(name: str, env: Any) -> Any:
    """Return the policy of that name for a ParallelEnv; None for "keyboard".

    Args:
        name: "random", "planner", "keyboard", or "module:attribute": a policy, a class of policies (made without
            arguments), or a function from observations to actions.
        env: what it is to play.

    Raises:
        ParameterError: the name is none of these, what it names is not there, or the family has no planner.
    """
    if name == "keyboard":
        return None
    if name == "random":
        return RandomPolicy()
    if name == "planner":
        return _planner(env)
    if ":" not in name:
        raise ParameterError(f"policy must be {', '.join(NAMES)} or module:attribute, not {name!r}")
    return _named(name)


def _planner(env: Any) -> Any:
    family = env.unwrapped.fingerprint["env"]
    for reference, needs in _PLANNERS.get(family, ()):
        if needs is None or getattr(env.unwrapped.params, needs[0]) == needs[1]:
            return _named(reference)
    raise ParameterError(
        f"there is no planner for {_which(env, family)}; policy may be random, keyboard or module:attribute"
    )


def _which(env: Any, family: str) -> str:
    """Return what has no planner, and what of the same kind has one."""
    if family not in _PLANNERS:
        return f"{family} (there are for {', '.join(sorted(_PLANNERS))})"
    needs = [needed for _, needed in _PLANNERS[family] if needed is not None]
    name, allowed = needs[0][0], " or ".join(f"{name}={value!r}" for name, value in needs)
    return f"{family} with {name}={getattr(env.unwrapped.params, name)!r} (there are with {allowed})"


def _named(reference: str) -> Any:
    """Return what "module:attribute" names; a class is called."""
    module, _, attribute = reference.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ParameterError(f"policy {reference!r} cannot be imported: {error}") from error
    made = found() if inspect.isclass(found) else found
    if not (hasattr(made, "act") or callable(made)):
        raise ParameterError(f"policy {reference!r} has no act(vec, obs) and is no function of the observations")
    return made
