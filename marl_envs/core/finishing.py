"""Agents that finish before the others, in the PettingZoo face: they stay listed until the common end, or leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Results = tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]


def living(actions: Any, agents: Sequence[str], alive: Sequence[bool]) -> Any:
    """Return `actions` with the no-op for those who have finished, whatever was given for them."""
    if not isinstance(actions, Mapping):
        return actions
    return {**actions, **{agent: 0 for agent, lives in zip(agents, alive, strict=True) if not lives}}


def staying(results: Results, ended: bool, alive: Mapping[str, bool]) -> None:
    """Write into `results` what is so while finished agents stay listed.

    Flags are False until the common last step; there all are terminated if all have finished, else all truncated:
    libraries that expect a fixed set of agents break on anything else.
    """
    _, _, terminations, truncations, infos = results
    finished = ended and not any(alive.values())
    for agent, lives in alive.items():
        terminations[agent], truncations[agent] = finished, ended and not finished
        infos[agent]["alive"] = int(lives)


def leaving(results: Results, listed: Sequence[str], alive: Mapping[str, bool]) -> Results:
    """Return the results of those who were `listed` until now, each with its own flags."""
    obs, rewards, terminations, truncations, infos = results
    for agent in listed:
        infos[agent]["alive"] = int(alive[agent])
    return (
        {agent: obs[agent] for agent in listed},
        {agent: rewards[agent] for agent in listed},
        {agent: terminations[agent] for agent in listed},
        {agent: truncations[agent] for agent in listed},
        {agent: infos[agent] for agent in listed},
    )
