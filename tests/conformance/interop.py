"""What other libraries get: flat rows, one joint environment, Gymnasium's registry, logs, copies in other processes."""

from __future__ import annotations

import warnings
from typing import Any

import cloudpickle
import gymnasium
import numpy as np
import pytest
from gymnasium.utils import env_checker
from gymnasium.vector import AutoresetMode

from marl_envs.interop import EpisodeLog, FlatVectorEnv, JointGymEnv
from tests.conformance.play import (
    EPISODE,
    SEED,
    STEPS,
    assert_begins,
    assert_same,
    batch,
    joint,
    plan,
    single,
    valid,
    walk,
)

ENVS = 3


def rows(array: Any) -> Any:
    """Return [E, A, ...] as [E * A, ...]."""
    return array.reshape(-1, *array.shape[2:])


def check_flat_rows_are_the_batch(name: str) -> None:
    vec, flat = batch(name, ENVS), batch(name, ENVS).as_gymnasium()
    agents = vec.num_agents
    obs, info = vec.reset(seed=SEED)
    flat_obs, flat_info = flat.reset(seed=SEED)
    assert_same(flat_obs, rows(obs))
    assert_same(flat_info["action_mask"], rows(info["action_mask"]))
    assert flat.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    for actions in plan(vec):
        obs, reward, _, _, info = vec.step(actions)
        flat_obs, flat_reward, over, cut, flat_info = flat.step(actions.reshape(-1))
        ended = info["ended"].repeat(agents)
        assert_same((flat_obs, flat_reward, over | cut), (rows(obs), rows(reward), ended))
        assert not (over & cut).any()
        for key in ("action_mask", "alive", "reward_terms"):
            assert_same(flat_info[key], rows(info[key]))
            assert flat_info[f"_{key}"].all()
        assert ("final_obs" in flat_info) == bool(ended.any())
        if ended.any():
            assert_same(flat_info["final_obs"][ended], rows(info["final_obs"])[ended])
            final = flat_info["final_info"]
            assert_same(final["action_mask"][ended], rows(info["final_action_mask"])[ended])
            for metric, column in info["metrics"].items():
                assert_same(final["metrics"][metric], column.repeat(agents))
            assert_same([flat_info[f"_{key}"] for key in ("final_obs", "metrics", "final_info")], [ended] * 3)


def check_gymnasium_makes_rows_and_the_joint_form(name: str) -> None:
    many = gymnasium.make_vec(name, num_envs=ENVS, max_cycles=EPISODE)
    assert isinstance(many, FlatVectorEnv)
    assert many.num_envs == ENVS * many.vec.num_agents
    obs, _ = many.reset(seed=SEED)
    assert obs in many.observation_space
    assert_same(obs, batch(name, ENVS).as_gymnasium().reset(seed=SEED)[0])
    many.action_space.seed(0)
    obs, *_ = many.step(many.action_space.sample())
    assert obs in many.observation_space
    for id in (name, f"marl_envs:{name}"):
        one = gymnasium.make(id, max_cycles=EPISODE).unwrapped
        assert isinstance(one, JointGymEnv)
        assert one.env.fingerprint == single(name).fingerprint


def check_the_joint_form_is_the_parallel_one(name: str) -> None:
    for reward in ("individual", "team"):
        env, whole = single(name, reward=reward), JointGymEnv(single(name, reward=reward))
        names = env.possible_agents
        obs, infos = env.reset(seed=SEED)
        assert_same(whole.reset(seed=SEED)[0], tuple(obs[agent] for agent in names))
        for row in plan(env.vec)[:, 0]:
            if not env.agents:
                obs, infos = env.reset()
                assert_same(whole.reset()[0], tuple(obs[agent] for agent in names))
            obs, rewards, terminations, _, infos = env.step(joint(env, row))
            joint_obs, paid, over, cut, info = whole.step(tuple(row))
            assert_same(joint_obs, tuple(obs[agent] for agent in names))
            assert joint_obs in whole.observation_space
            assert paid == (rewards[names[0]] if reward == "team" else list(rewards.values()))
            assert (over or cut) == (not env.agents)
            assert over == (not env.agents and all(terminations.values()))
            for row, agent in zip(info["action_mask"], names, strict=True):
                assert_begins(infos[agent]["action_mask"], row)
            if over or cut:
                assert_same({key: info[key] for key in env.metrics()}, env.metrics())


def check_gymnasiums_own_checker(name: str) -> None:
    with warnings.catch_warnings():
        # Observations without upper or lower limit would be worth a warning; a tuple of spaces is what is wanted here.
        warnings.filterwarnings("error")
        env = JointGymEnv(single(name, reward="team"))
        env.spec = gymnasium.spec(name)
        env_checker.check_env(env, skip_render_check=True)


def check_logs_agree(name: str) -> None:
    vec = batch(name, ENVS)
    by_hand, by_rows = EpisodeLog(), EpisodeLog()
    flat = batch(name, ENVS).as_gymnasium(log=by_rows)
    vec.reset(seed=SEED)
    flat.reset(seed=SEED)
    expected: list[dict[str, float]] = []
    for actions in plan(vec):
        info = vec.step(actions)[-1]
        by_hand.add_batch(info)
        flat.step(actions.reshape(-1))
        metrics = valid(info)["metrics"]
        expected += [dict(zip(metrics, row, strict=True)) for row in zip(*metrics.values(), strict=True)]
    assert len(by_hand) == len(by_rows) == len(expected) >= ENVS * (STEPS // EPISODE)
    for metric, column in by_hand.columns().items():
        np.testing.assert_array_equal(column, [episode[metric] for episode in expected])
        np.testing.assert_array_equal(column, by_rows.columns()[metric])


def check_a_watched_environment_is_the_same(name: str) -> None:
    log, plain = EpisodeLog(), single(name)
    watched = log.watch(single(name))
    plain.reset(seed=SEED)
    watched.reset(seed=SEED)
    assert watched.possible_agents == plain.possible_agents
    last = []
    for results, row in zip(walk(plain), plan(plain.vec)[:, 0], strict=True):
        if not watched.agents:
            assert watched.step({}) == ({}, {}, {}, {}, {})  # which must not be counted as another end
            watched.reset()
        assert_same(watched.step(joint(plain, row)), results)
        assert_same(watched.state(), plain.state())
        if not plain.agents:
            last.append(plain.metrics())
    assert len(log) == len(last) > 0
    for metric, column in log.columns().items():
        np.testing.assert_array_equal(column, [episode[metric] for episode in last])


def check_all_forms_travel_to_other_processes(name: str) -> None:
    forms: tuple[Any, ...] = (
        batch(name, ENVS).as_gymnasium(),
        JointGymEnv(single(name)),
        EpisodeLog().watch(single(name)),
    )
    for env in forms:
        for stage in ("before", "after"):
            twin = cloudpickle.loads(cloudpickle.dumps(env))
            if hasattr(env, "possible_agents"):
                action: Any = joint(env.unwrapped, plan(env.unwrapped.vec)[0, 0])
            else:
                env.action_space.seed(0)
                action = env.action_space.sample()
            assert_same(env.reset(seed=SEED), twin.reset(seed=SEED), stage)
            assert_same(env.step(action), twin.step(action), stage)


def check_memory_is_shared_by_dlpack(name: str) -> None:
    vec = batch(name, ENVS)
    vec.reset(seed=SEED)
    obs, reward, terminated, _, info = vec.step(plan(vec)[0])
    for array in (obs, reward, terminated, info["alive"], info["action_mask"]):
        shared = np.from_dlpack(array)
        assert_same(shared.copy(), array.copy())
        assert np.shares_memory(shared, array)


def check_rows_refuse_what_they_cannot_do(name: str) -> None:
    flat = batch(name, ENVS).as_gymnasium()
    with pytest.raises(RuntimeError, match="reset"):
        flat.step(np.zeros(flat.num_envs, np.int64))
    with pytest.raises(ValueError, match="seed"):
        flat.reset(seed=[1] * flat.num_envs)
    with pytest.raises(ValueError, match="reset_mask"):
        flat.reset(options={"reset_mask": np.ones(flat.num_envs, bool)})
    flat.reset(seed=SEED)
    with pytest.raises(ValueError, match="shape"):
        flat.step(np.zeros((ENVS, flat.vec.num_agents), np.int64))
    whole = JointGymEnv(single(name))
    with pytest.raises(RuntimeError, match="reset"):
        whole.step([0] * whole.n_agents)
    whole.reset(seed=SEED)
    with pytest.raises(ValueError, match="actions"):
        whole.step([0] * (whole.n_agents + 1))
