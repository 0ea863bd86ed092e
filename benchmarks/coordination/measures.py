"""What is measured of trained teams: one function a unit of work, from tables to numbers; each is a plain function.

A unit's result is a flat dict of numbers (and a row of the cross-play matrix), so it is kept as JSON. Its seeds are
derived from the run's, so that it does not matter when or where it is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from agents import evaluate
from agents.tabular.policy import GreedyTable
from benchmarks import catalogue
from benchmarks.coordination.tasks import Place, place_of
from benchmarks.coordination.teams import Tables, mixed, team_chances
from benchmarks.jobs import Job
from marl_envs import metrics
from marl_envs.core.random import seed_stream

Numbers = dict[str, Any]
STREAM = 1 << 46  # of a seed, far from those of training and evaluation
NOISES, LOSSES = (0.05, 0.2), (0.1, 0.5)
INFLUENCE_ENVS, INFLUENCE_STEPS = 32, 40
SHIFTS = 100  # of the null of action information


def seed_of(seed: int) -> int:
    """Return the seed of the episodes in which the run `seed` is measured."""
    return int(seed_stream(seed, STREAM)) >> 1


def mean_of(job: Job, policy: Any, metric: str, **params: Any) -> float:
    """Return the mean of a metric over the suite's evaluation episodes, with other parameters if given."""
    changed = job.model_copy(update={"params": {**job.params, **params}})
    vec = catalogue.make(changed, job.evaluate.num_envs)
    episodes = evaluate(policy, vec, job.evaluate.episodes, seed_of(job.seed))
    vec.close()
    values = [episode[metric] for episode in episodes if not np.isnan(episode[metric])]
    return float(np.mean(values)) if values else float("nan")


def cross_row(job: Job, tables: Mapping[int, Tables]) -> Numbers:
    """Return how agents 0, 2, ... of this run do with agents 1, 3, ... of every run."""
    own = tables[job.seed]
    return {"row": [mean_of(job, mixed(own, other), job.headline) for _, other in sorted(tables.items())]}


def drop_out(job: Job, tables: Mapping[int, Tables]) -> Numbers:
    """Return the share that is kept with agents removed, frozen, noisy or blind; and credit, by frozen agents."""
    place, own = place_of(job.env), tables[job.seed]
    agents, count = range(len(own)), place.counted
    frozen = {gone: _frozen(job, own, gone, place) for k in range(len(own) + 1) for gone in combinations(agents, k)}
    full = frozen[()]
    if not full > 0:
        return {"kept": f"nothing to keep: {count} is {full:g}"}
    removed: dict[tuple[int, ...], float] = {(i,): _removed(job, own, i, place) for i in agents}
    numbers = {"removed_1": metrics.retention(full, removed).by_size[1]}
    held = metrics.retention(full, {gone: value for gone, value in frozen.items() if gone})
    numbers |= {f"frozen_{k}": value for k, value in held.by_size.items() if 0 < k < len(own)}
    team = GreedyTable(own)
    for p in NOISES:
        numbers[f"noise_{p:g}"] = mean_of(job, metrics.NoisyActions(team, p), count) / full
    for p in LOSSES:
        numbers[f"loss_{p:g}"] = mean_of(job, metrics.LostObservations(team, p), count) / full
    return {**numbers, **_credit(frozen, len(own))}


def _frozen(job: Job, own: Tables, gone: tuple[int, ...], place: Place) -> float:
    return mean_of(job, metrics.FrozenAgents(GreedyTable(own), gone, place.frozen), place.counted)


def _removed(job: Job, own: Tables, agent: int, place: Place) -> float:
    rest = np.delete(own, agent, axis=0)
    if not len(rest):
        return 0.0
    return mean_of(job, GreedyTable(rest), place.counted, **{place.size: len(rest), **_queue(job)})


def _queue(job: Job) -> dict[str, Any]:
    """Return what must not change with the number of agents: as many open requests."""
    queue = job.params.get("request_queue_size")
    return {} if queue is None else {"request_queue_size": queue}


def _credit(frozen: Mapping[tuple[int, ...], float], agents: int) -> Numbers:
    """Return credit of the counted metric, agents outside a set being frozen."""
    everyone = set(range(agents))
    found = metrics.shapley(agents, lambda members: frozen[tuple(sorted(everyone - members))])
    differences = metrics.difference_rewards(frozen[()], [frozen[(i,)] for i in range(agents)])
    if not found.values.sum() > 0:
        return {"credit": "frozen agents get as much as all of them"}
    return {
        "shapley_share_max": float(found.values.max() / found.values.sum()),
        "shapley_sum_check": found.sum_check,
        "difference_to_shapley": float(differences.sum() / found.values.sum()),
    }


def planner(job: Job, tables: Mapping[int, Tables]) -> Numbers:
    """Return what the reference policy keeps with one agent less."""
    del tables
    place = place_of(job.env)
    agents = catalogue.make(job, 1).num_agents
    full = mean_of(job, catalogue.make_policy(job), place.counted)
    smaller = job.model_copy(update={"params": {**job.params, place.size: agents - 1, **_queue(job)}})
    return {"removed_1": mean_of(smaller, catalogue.make_policy(smaller), place.counted) / full}


def behaviour(job: Job, tables: Mapping[int, Tables]) -> Numbers:
    """Return what actions tell about each other, influence, diversity and the division of labour."""
    from benchmarks.coordination.playing import play

    own, seed = tables[job.seed], seed_of(job.seed)
    seen = play(job, own, seed)
    numbers: Numbers = {}
    for name, lag in (("same_step", 0), ("next_step", 1)):
        numbers |= _information(f"information_{name}", seen.pairs(lag), own.shape[2], job.seed)
    numbers["diversity"] = metrics.diversity(seen.policies(own))
    vec = catalogue.make(job, INFLUENCE_ENVS)
    influence = metrics.social_influence(
        vec, lambda obs, mask: team_chances(own, obs, mask), INFLUENCE_STEPS, seed=seed
    )
    numbers |= {"influence": influence.mean, "influence_max": float(np.nanmax(influence.matrix))}
    if seen.jobs is not None:
        labour = metrics.division_of_labour(seen.jobs, seed=job.seed)
        numbers |= {"labour": labour.of_tasks, "labour_p": labour.p_value}
    return numbers


def _information(name: str, pairs: list[tuple[list[Any], list[Any]]], num_actions: int, seed: int) -> Numbers:
    """Return the mean over pairs of agents, and one p-value: pairs of a team are not independent of each other."""
    found = [metrics.action_information(*pair, num_actions=num_actions, shifts=SHIFTS, seed=seed) for pair in pairs]
    enough = [one for one in found if not np.isnan(one.plug_in)]
    if not enough:
        return {}
    return {
        name: float(np.mean([one.miller_madow for one in enough])),
        f"{name}_excess": float(np.mean([one.excess for one in enough])),
        f"{name}_p": metrics.combined_p_value([one.p_value for one in enough]),
    }


MEASURES: dict[str, Callable[[Job, Mapping[int, Tables]], Numbers]] = {
    "cross": cross_row,
    "drop": drop_out,
    "behaviour": behaviour,
    "planner": planner,
}
