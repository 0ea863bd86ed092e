"""Joint play, recorded: what agents saw and did in whole episodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.policy import GreedyTable
from benchmarks import catalogue
from benchmarks.coordination.tasks import place_of
from benchmarks.coordination.teams import Tables, chances
from benchmarks.jobs import Job

MOST_SEEN = 20_000  # observations that diversity is taken over


class Played(NamedTuple):
    """The first episode of each environment, T steps at most."""

    obs: NDArray[np.int32]  # [T, E, A]
    mask: NDArray[np.int8]  # [T, E, A, N]
    actions: NDArray[np.int64]  # [T, E, A]
    active: NDArray[np.bool_]  # [T, E, A] whose action had an effect, in the first episode
    jobs: NDArray[np.int64] | None  # [E, A, zones] what each agent did, or None where each has a job of its own

    def pairs(self, lag: int) -> list[tuple[list[Any], list[Any]]]:
        """Return the actions of two agents, the second's `lag` steps later, for every pair that can be told apart.

        Each is a list of sequences, one an episode, of the steps in which both actions had an effect: what is paired is
        always `lag` steps apart, whatever was left out between.
        """
        steps, environments, agents = self.actions.shape
        early, late = slice(0, steps - lag), slice(lag, steps)
        found = []
        for i, j in ((i, j) for i in range(agents) for j in range(agents) if (i != j if lag else i < j)):
            both = self.active[early, :, i] & self.active[late, :, j]
            first = [self.actions[early, e, i][both[:, e]] for e in range(environments)]
            found.append((first, [self.actions[late, e, j][both[:, e]] for e in range(environments)]))
        return found

    def policies(self, tables: Tables) -> NDArray[np.float64]:
        """Return each agent's greedy probabilities [A, M, N] on what any agent saw."""
        obs, mask = self.obs[self.active], self.mask[self.active]
        every = max(1, len(obs) // MOST_SEEN)
        return np.stack([chances(table, obs[::every], mask[::every], 0.0) for table in tables])


def play(job: Job, tables: Tables, seed: int) -> Played:
    """Let a team play the first episode of every environment of a batch, greedily."""
    vec, place = catalogue.make(job, job.evaluate.num_envs), place_of(job.env)
    team = GreedyTable(tables)
    team.reset(seed)
    obs, info = vec.reset(seed=seed)
    running = np.ones(vec.num_envs, bool)
    jobs = np.zeros((vec.num_envs, vec.num_agents, place.zones), np.int64) if place.picked else None
    rows: list[tuple[Any, ...]] = []
    alive = info["alive"]
    while running.any():
        mask = vec.action_mask
        assert mask is not None, "the suite's environments have masks"
        actions = team.act(vec, obs)
        rows.append((obs.copy(), mask.copy(), actions, place.active(obs, alive) & running[:, None]))
        before = vec.arrays.load.copy() if place.picked else None
        obs, _, _, _, info = vec.step(actions)
        running &= ~info["ended"]
        alive = info["alive"]
        if place.picked and jobs is not None:
            zone = place.picked(vec, before)
            for e, a in np.argwhere((zone >= 0) & running[:, None]):
                jobs[e, a, zone[e, a]] += 1
    seen, masks, chosen, active = (np.stack(column) for column in zip(*rows, strict=True))
    return Played(seen, masks, chosen, active, jobs)
