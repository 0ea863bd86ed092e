"""The edges of a coordination graph: what is allowed as one, and where their payoffs are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import jit
from marl_envs.core.params import ParameterError, check_int


def check_edges(edges: Any, num_agents: int) -> NDArray[np.int64]:
    """Return the edges [G, 2]: each joins two different agents, and no two join the same; else raise ParameterError."""
    found: list[tuple[int, int]] = []
    for index, edge in enumerate(edges):
        pair = tuple(edge) if isinstance(edge, (list, tuple, np.ndarray)) else ()
        if len(pair) != 2 or pair[0] == pair[1]:
            raise ParameterError(f"edges[{index}] must be a pair of two different agents, not {edge!r}")
        low, high = sorted(check_int(f"edges[{index}]", agent, 0, num_agents - 1) for agent in pair)
        if (low, high) in found:
            raise ParameterError(f"edges[{index}] joins the agents {low} and {high} a second time")
        found.append((low, high))
    if not found:
        raise ParameterError("edges must hold at least one pair of agents")
    return np.array([tuple(edge) for edge in edges], np.int64)


def ragged(lists: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each list begins (and the last one ends), and all lists one after the other."""
    return np.cumsum([0, *map(len, lists)]).astype(np.int64), np.array([*chain.from_iterable(lists)], np.int64)


@jit(inline=True)
def gather(q: Any, run: Any, states: Any, e: Any, payoffs: Any) -> None:
    """Copy what environment e's edges pay in their states [E, G] out of q [runs * G, S', N * N] into [G, N, N]."""
    edges, choices = payoffs.shape[0], payoffs.shape[1]
    for g in range(edges):
        for x in range(choices):
            for y in range(choices):
                payoffs[g, x, y] = q[run * edges + g, states[e, g], x * choices + y]
