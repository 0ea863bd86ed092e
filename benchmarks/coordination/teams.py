"""Teams put together from checkpoints: any table for any agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.tabular.policy import GreedyTable
from benchmarks import catalogue, store
from benchmarks.errors import InputError
from benchmarks.jobs import Job
from benchmarks.kinds import KINDS

Tables = NDArray[np.float32]  # [A, S, N], one table an agent
EPSILON = 0.1  # of the policies that social influence is measured of: greedy ones have no alternative


def tables_of(job: Job, key: str, out: Path) -> Tables:
    """Return the tables that a finished run learned, one an agent, also where all share one.

    Raises:
        InputError: the learner has no tables of its own for its agents.
    """
    import agents

    vec = catalogue.make(job, 1)
    cls = getattr(agents, KINDS[job.settings.kind].learner)
    learner = cls.load(store.run_folder(out, key) / "checkpoint.npz", vec, transfer=True)
    q = getattr(learner, "q", None)
    if q is None or q.ndim != 3 or len(q) not in (1, vec.num_agents) or q.shape[1] != vec.observation_space.n:
        raise InputError(f"{job.title}: agents cannot be exchanged, as they have no tables of their own")
    return np.repeat(q, vec.num_agents, axis=0) if len(q) == 1 else q


def mixed(first: Tables, second: Tables) -> GreedyTable:
    """Return the team whose agents 0, 2, ... are from `first` and 1, 3, ... from `second`."""
    team = first.copy()
    team[1::2] = second[1::2]
    return GreedyTable(team)


def chances(table: NDArray[Any], obs: Any, mask: Any, epsilon: float) -> NDArray[np.float64]:
    """Return probabilities [M, N] of the actions of one table [S, N]: the best allowed ones, and with epsilon any."""
    values = np.where(mask > 0, table[obs], -np.inf)
    best = values == values.max(axis=-1, keepdims=True)
    greedy = best / best.sum(axis=-1, keepdims=True)
    allowed = (mask > 0) / (mask > 0).sum(axis=-1, keepdims=True)
    found: NDArray[np.float64] = (1.0 - epsilon) * greedy + epsilon * allowed
    return found


def team_chances(tables: Tables, obs: Any, mask: Any, epsilon: float = EPSILON) -> NDArray[np.float64]:
    """Return probabilities [E, A, N] of a team."""
    return np.stack([chances(table, obs[:, a], mask[:, a], epsilon) for a, table in enumerate(tables)], axis=1)
