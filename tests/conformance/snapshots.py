"""Copies continue identically: get_state and set_state, deepcopy, pickle and cloudpickle, on both faces."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np
import pytest

import marl_envs
from tests.conformance.play import (
    EPISODE,
    SEED,
    assert_same,
    batch,
    batch_course,
    course,
    joint,
    plan,
    play_out,
    single,
    walk,
)

WAYS: tuple[Callable[[Any], Any], ...] = (
    copy.deepcopy,
    lambda x: pickle.loads(pickle.dumps(x)),
    lambda x: cloudpickle.loads(cloudpickle.dumps(x)),
)


def walked(name: str, steps: int) -> Any:
    """Return an environment some steps into its course."""
    env = single(name)
    env.reset(seed=SEED)
    for _ in walk(env, steps, seed=1):
        pass
    return env


def ended(name: str) -> Any:
    """Return an environment whose episode is over."""
    env = single(name)
    env.reset(seed=SEED)
    play_out(env)
    return env


def check_state_comes_back(name: str) -> None:
    env, elsewhere = walked(name, 7), single(name)
    state, agents = env.get_state(), list(env.agents)
    first = course(env)
    obs, infos = env.set_state(state)
    assert_same(course(env), first)
    assert_same(elsewhere.set_state(pickle.loads(pickle.dumps(state))), (obs, infos))
    assert elsewhere.agents == agents
    assert_same(course(elsewhere), first)


def check_state_shows_what_the_step_showed(name: str) -> None:
    env = single(name)
    env.reset(seed=SEED)
    for obs, _, _, _, infos in walk(env, EPISODE - 1):
        again, again_infos = env.set_state(env.get_state())
        assert_same(again, obs)
        for agent, info in again_infos.items():
            assert not info.pop("reward_terms").any()  # no step, no reward
            assert_same(info, {key: infos[agent][key] for key in info})


def check_state_after_the_end(name: str) -> None:
    env, other = ended(name), single(name)
    other.set_state(env.get_state())
    assert other.agents == env.agents == []
    assert other.step({}) == ({}, {}, {}, {}, {})
    assert_same((other.reset(), course(other)), (env.reset(), course(env)))


def check_state_of_a_batch_comes_back(name: str) -> None:
    vec, elsewhere = batch(name, 5), batch(name, 5)
    vec.reset(seed=SEED)
    actions = plan(vec)
    batch_course(vec, actions[: EPISODE - 1])
    state = vec.get_state()
    first = batch_course(vec, actions)
    for other in (vec, elsewhere):
        _, info = other.set_state(state)
        assert not info["ended"].any()
        assert not info["reward_terms"].any()
        assert_same(batch_course(other, actions), first)


def check_a_snapshot_keeps_its_values(name: str) -> None:
    env = walked(name, 5)
    state = env.get_state()
    kept = copy.deepcopy(state.arrays)
    course(env)
    assert_same(state.arrays, kept)
    env.set_state(state)
    course(env)
    assert_same(state.arrays, kept)


def check_foreign_snapshots_are_refused(name: str) -> None:
    env, vec = walked(name, 5), batch(name, 3)
    vec.reset(seed=SEED)
    other = single(name, max_cycles=EPISODE + 1)
    other.reset(seed=0)
    twin = copy.deepcopy(env)
    with pytest.raises(ValueError, match="max_cycles"):
        env.set_state(other.get_state())
    with pytest.raises(ValueError, match="shape"):
        env.set_state(vec.get_state())
    broken = env.get_state()
    del broken.arrays["rng"]
    with pytest.raises(ValueError, match="lacks 'rng'"):
        env.set_state(broken)
    assert_same(course(env), course(twin))


def check_copies_of_an_environment_continue(name: str) -> None:
    for way in WAYS:
        fresh = way(single(name))
        assert_same(fresh.reset(seed=SEED), single(name).reset(seed=SEED))
        env = walked(name, 7)
        twin = way(env)
        assert twin.agents == env.agents
        before = twin.get_state().arrays
        expected = course(env)
        assert_same(twin.get_state().arrays, before, "a step of the original")
        assert_same(course(twin), expected)
        over = way(ended(name))
        assert over.agents == []
        assert over.step({}) == ({}, {}, {}, {}, {})


def check_copies_of_a_batch_continue(name: str) -> None:
    for way in WAYS:
        vec = batch(name, 5)
        way(vec).reset(seed=0)
        vec.reset(seed=SEED)
        actions = plan(vec)
        batch_course(vec, actions[:7])
        twin = way(vec)
        assert_same(batch_course(twin, actions), batch_course(vec, actions))


def check_copies_keep_the_spaces_in_step(name: str) -> None:
    env = single(name)
    agent = env.possible_agents[0]
    env.action_space(agent).seed(3)
    twin = cloudpickle.loads(cloudpickle.dumps(env))
    assert twin.observation_space(agent) == env.observation_space(agent)
    samples = [[int(e.action_space(agent).sample()) for _ in range(20)] for e in (env, twin)]
    assert samples[0] == samples[1]


def check_a_rendering_environment_can_be_copied(name: str) -> None:
    pytest.importorskip("pygame")
    env = single(name, render_mode="rgb_array")
    env.reset(seed=SEED)
    picture = env.render()
    for way in WAYS:
        np.testing.assert_array_equal(way(env).render(), picture)
    env.step(joint(env, plan(env.vec, 1)[0, 0]))


def check_the_fingerprint_makes_it_again(name: str) -> None:
    env = single(name)
    fingerprint = json.loads(json.dumps(env.fingerprint))
    assert fingerprint == env.fingerprint
    again = marl_envs.from_fingerprint(fingerprint)
    assert again.params == env.params
    assert_same(again.reset(seed=SEED), env.reset(seed=SEED))
    assert_same(course(again), course(env))
    vec = marl_envs.from_fingerprint(fingerprint, "vector_env", num_envs=3)
    assert (vec.num_envs, vec.fingerprint) == (3, fingerprint)
