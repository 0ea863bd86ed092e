"""Several batches of environments as one, so that one learner trains in all of them at once.

That is joint training on a family of tasks, or, where they are one task under many parameters, domain randomisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.checkpoint import differences
from marl_envs.core.params import ParameterError, check_int

SEEDS = 2**31  # those of the parts are drawn from this many


class Together:
    """Batches [E_1, A], [E_2, A], ... as one of E = E_1 + E_2 + ... environments, in this order.

    Attributes:
        parts: the batches.
        num_envs, num_agents: E and A.
        params: of the first part.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        """Put the batches `parts` together.

        Raises:
            ParameterError: none, or two that differ in agents, spaces, masks, metrics or kind of reward.
        """
        if not parts:
            raise ParameterError("parts must have at least one batch")
        kinds = [_kind(part) for part in parts]
        for number, kind in enumerate(kinds):
            found = differences(kind, kinds[0])
            if found:
                raise ParameterError(f"parts[{number}] does not go with parts[0]: " + "; ".join(found))
        self.parts = list(parts)
        self.num_envs, self.num_agents = sum(int(part.num_envs) for part in parts), int(parts[0].num_agents)
        self.observation_space, self.action_space = parts[0].observation_space, parts[0].action_space
        self.metric_names, self.params = parts[0].metric_names, parts[0].params
        self._ends = np.cumsum([int(part.num_envs) for part in parts])[:-1]

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Of all parts, with the number of environments of each."""
        return {"together": [{"num_envs": part.num_envs, **part.fingerprint} for part in self.parts]}

    @property
    def action_mask(self) -> NDArray[np.int8] | None:
        """The mask [E, A, N] of the last observation, or None without masks."""
        masks = [part.action_mask for part in self.parts]
        return None if masks[0] is None else np.concatenate(masks)

    def reset(self, *, seed: int) -> tuple[NDArray[Any], dict[str, Any]]:
        """Start an episode in every environment; each part gets a seed of its own, drawn from `seed`."""
        rng = np.random.default_rng(check_int("seed", seed, 0, 2**63 - 1))
        seeds = rng.integers(SEEDS, size=len(self.parts)).tolist()
        began = [part.reset(seed=one) for part, one in zip(self.parts, seeds, strict=True)]
        return np.concatenate([obs for obs, _ in began]), _joined([info for _, info in began])

    def step(self, actions: NDArray[np.int64]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take a step in every environment: arrays as of one batch."""
        taken = [part.step(mine) for part, mine in zip(self.parts, np.split(actions, self._ends), strict=True)]
        obs, reward, terminated, truncated = (np.concatenate(arrays) for arrays in list(zip(*taken, strict=True))[:4])
        return obs, reward, terminated, truncated, _joined([info for *_, info in taken])


def _kind(part: Any) -> dict[str, Any]:
    """Return what has to be the same in all parts, as JSON has it."""
    return {
        "agents": part.num_agents,
        "observations": _numbers(part.observation_space),
        "actions": _numbers(part.action_space),
        "masks": part.action_mask is not None,
        "metrics": list(part.metric_names),
        "reward": getattr(part.params, "reward", None),
    }


def _numbers(space: Any) -> list[Any]:
    """Return what arrays of a space have in common; bounds may differ."""
    return [type(space).__name__, list(space.shape), str(space.dtype), int(getattr(space, "n", 0))]


def _joined(infos: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what all infos have, arrays end to end."""
    shared = [name for name in infos[0] if all(name in info for info in infos)]
    return {
        name: _joined([info[name] for info in infos])
        if isinstance(infos[0][name], dict)
        else np.concatenate([info[name] for info in infos])
        for name in shared
    }
