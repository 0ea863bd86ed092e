"""Same seed, same bits: whatever the batch, the threads, the face, and what ran before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs.core.parallel import ParallelEnv
from marl_envs.core.random import seed_stream
from marl_envs.core.threads import available
from tests.conformance.play import (
    SEED,
    alone,
    assert_begins,
    assert_same,
    batch,
    batch_course,
    course,
    differ,
    is_small,
    joint,
    plan,
    single,
    valid,
)


def check_two_environments_with_one_seed(name: str) -> None:
    one, other = single(name), single(name)
    assert_same(one.reset(seed=SEED), other.reset(seed=SEED))
    assert_same(course(one), course(other))
    assert_same(one.get_state().arrays, other.get_state().arrays)


def check_reset_with_a_seed_starts_over(name: str) -> None:
    env = single(name)
    first = (env.reset(seed=SEED), course(env))
    course(env, steps=7, seed=1)  # now mid-episode
    assert_same((env.reset(seed=SEED), course(env)), first)


def check_reset_without_a_seed_goes_on(name: str) -> None:
    env, twin = single(name), single(name)
    start = env.reset(seed=SEED)
    twin.reset(seed=SEED)
    second = (env.reset(), course(env))
    assert_same((twin.reset(), course(twin)), second)
    if not is_small(name):
        assert differ(second[0], start)
        assert differ(env.reset(), second[0])


def begun(env: ParallelEnv, name: str, seed: int | None = None) -> Any:
    """Start an episode; return what makes it another one: what is seen, or where few starts exist the random stream."""
    shown = (*env.reset(seed=seed), env.state())
    return env.get_state().arrays["rng"] if is_small(name) else shown


def check_seeds_differ(name: str) -> None:
    env = single(name)
    starts = [begun(env, name, seed) for seed in (0, 1, 2, 2**40, 2**64 - 1)]
    for k, start in enumerate(starts):
        assert all(differ(start, other) for other in starts[:k])


def check_no_seed_differs_every_time(name: str) -> None:
    assert differ(begun(single(name), name), begun(single(name), name))


def assert_row(env: ParallelEnv, step: tuple[Any, ...], results: tuple[Any, ...], e: int) -> None:
    """Fail unless a step of the PettingZoo face equals row `e` of a batch's; go on to the next episode at an end."""
    obs, reward, terminated, truncated, info = results
    shown = info["final_obs"] if info["ended"][e] else obs
    allowed = info["final_action_mask"] if info["ended"][e] else info["action_mask"]
    assert (not env.agents) == info["ended"][e]
    for a, agent in enumerate(env.possible_agents):
        assert_begins(step[0][agent], shown[e, a])
        assert_begins(step[4][agent]["action_mask"], allowed[e, a])
        assert step[1][agent] == reward[e, a]
        if alone(env):  # flags are those of the common end, and `alive` says who has finished
            over = bool(info["ended"][e])
            done = over and not any(other["alive"] for other in step[4].values())
            assert (step[2][agent], step[3][agent]) == (done, over and not done)
            assert over or step[4][agent]["alive"] == info["alive"][e, a]
        else:
            assert step[2][agent] == terminated[e, a]
            assert step[3][agent] == truncated[e, a]
        np.testing.assert_array_equal(step[4][agent]["reward_terms"], info["reward_terms"][e, a])
    assert info["_metrics"][e] == info["_final_obs"][e] == info["ended"][e]
    infos = step[4]
    if not env.agents:
        assert_same(env.metrics(), {name: float(value[e]) for name, value in info["metrics"].items()})
        step = env.reset()
        infos = step[1]
    for a, agent in enumerate(env.possible_agents):
        assert_begins(step[0][agent], obs[e, a])
        assert_begins(infos[agent]["action_mask"], info["action_mask"][e, a])


def check_a_row_of_a_batch_is_a_single_environment(name: str) -> None:
    for num_envs, rows in ((1, (0,)), (64, (0, 1, 37, 63))):
        vec = batch(name, num_envs)
        singles = {e: single(name) for e in rows}
        obs, info = vec.reset(seed=SEED)
        for e, env in singles.items():
            first, infos = env.reset(seed=int(seed_stream(SEED, e)))
            for a, agent in enumerate(env.agents):
                assert_begins(first[agent], obs[e, a])
                assert_begins(infos[agent]["action_mask"], info["action_mask"][e, a])
        for actions in plan(vec):
            results = vec.step(actions)
            for e, env in singles.items():
                assert_row(env, env.step(joint(env, actions[e])), results, e)
                np.testing.assert_array_equal(env.state(), vec.state()[e])


def check_threads_change_nothing(name: str) -> None:
    if available() < 2:
        pytest.skip("one processor")
    one, two = batch(name, 63), batch(name, 63, num_threads=2)
    starts = [(obs.copy(), valid(info)) for obs, info in (one.reset(seed=SEED), two.reset(seed=SEED))]
    assert_same(starts[1], starts[0])
    actions = plan(one)
    assert_same(batch_course(two, actions), batch_course(one, actions))
    assert_same(two.get_state().arrays, one.get_state().arrays)
    two.close()
    two.step(actions[0])
    two.close()


def check_batches_with_neighbouring_seeds_share_no_row(name: str) -> None:
    starts = []
    for seed in (SEED, SEED + 1):
        vec = batch(name, 32)
        vec.reset(seed=seed)
        starts.append(vec.arrays.rng.copy())
    assert len(np.unique(starts)) == 64
