"""What the PettingZoo face promises: spaces, types, keys, ends, fresh results."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from tests.conformance.play import (
    EPISODE,
    STEPS,
    alone,
    assert_same,
    course,
    differ,
    is_small,
    joint,
    masks_of,
    plan,
    play_out,
    single,
    walk,
)

MASKS = ("info", "obs", None)


def assert_inside(env: Any, obs: dict[str, Any], infos: dict[str, Any]) -> None:
    """Fail unless observations, masks and state are inside their spaces."""
    for agent in env.possible_agents:
        assert env.observation_space(agent).contains(obs[agent]), f"{agent}: {obs[agent]}"
    masks = masks_of(env, obs, infos)
    assert list(masks) == ([] if env.params.mask is None else env.possible_agents)
    for agent, mask in masks.items():
        assert mask.dtype == np.int8
        assert mask.shape == (env.action_space(agent).n,)
        assert set(mask.tolist()) <= {0, 1}
        assert mask.any()
        assert env.action_space(agent).sample(mask) in env.action_space(agent)
    state = env.state()
    assert state.dtype == np.float32
    assert state.ndim == 1
    assert env.state_space.contains(state)


def check_everything_stays_inside_its_space(name: str) -> None:
    for mask in MASKS:
        env = single(name, mask=mask)
        assert_inside(env, *env.reset(seed=1))
        for obs, _, _, _, infos in walk(env, 3 * STEPS):
            assert_inside(env, obs, infos)


def check_spaces(name: str) -> None:
    env = single(name)
    kinds = kinds_of(env)
    env.reset(seed=0)
    for agents in kinds.values():
        space, actions = env.observation_space(agents[0]), env.action_space(agents[0])
        assert isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete)
        if isinstance(space, spaces.Box):
            assert space.dtype == np.float32
            assert len(space.shape) == 1
            assert space.is_bounded()
        assert isinstance(actions, spaces.Discrete)
        assert actions == spaces.Discrete(int(actions.n))  # from 0
        for agent in agents:
            assert env.observation_space(agent) is space
            assert env.action_space(agent) is actions
    if len(kinds) == 1:
        assert env.observation_space(env.possible_agents[0]) == env.vec.observation_space
    sizes = [int(env.action_space(agent).n) for agent in env.possible_agents]  # type: ignore[attr-defined]
    assert int(env.vec.action_space.n) == max(sizes)


def kinds_of(env: Any) -> dict[str, list[str]]:
    """Return the agents by kind: what their names begin with."""
    kinds: dict[str, list[str]] = {}
    for agent in env.possible_agents:
        kinds.setdefault(agent.rsplit("_", 1)[0], []).append(agent)
    return kinds


def check_names(name: str) -> None:
    env = single(name)
    assert isinstance(env.possible_agents, list)
    assert env.agents == []
    kinds = kinds_of(env)
    assert (len(kinds) > 1) == (env.vec.simulation.own_spaces is not None)
    for kind, agents in kinds.items():
        assert agents == [f"{kind}_{i}" for i in range(len(agents))]
    assert env.possible_agents == [agent for agents in kinds.values() for agent in agents]
    names = list(env.possible_agents)
    for _ in range(2):
        env.reset()
        assert env.agents == env.possible_agents == names
        env.agents.clear()


def check_types_and_keys(name: str) -> None:
    env = single(name)
    obs, infos = env.reset(seed=2, options={"options": 1})
    assert list(obs) == list(infos) == env.agents == env.possible_agents
    info_keys = {agent: list(info) for agent, info in infos.items()}
    for results in walk(env):
        assert all(type(part) is dict and list(part) == env.possible_agents for part in results)
        obs, rewards, terminations, truncations, infos = results
        assert {type(r) for r in rewards.values()} == {float}
        assert {type(f) for f in (*terminations.values(), *truncations.values())} == {bool}
        assert {agent: list(info) for agent, info in infos.items()} == info_keys
        terms = [info["reward_terms"] for info in infos.values()]
        assert {(t.dtype, t.shape) for t in terms} == {(np.dtype(np.float32), (len(env.reward_terms),))}
        if env.params.reward != "team":
            np.testing.assert_allclose([t.sum() for t in terms], list(rewards.values()), rtol=1e-6, atol=1e-6)


def check_everyone_stays_until_the_common_end(name: str) -> None:
    for leave in (False, True):
        env = single(name, agents_leave=leave)
        if alone(env) and leave:
            continue  # see check_each_leaves_once
        env.reset(seed=0)
        lasted = 0
        for _, _, terminations, truncations, infos in walk(env, 3 * EPISODE):
            lasted += 1
            finished = any(terminations.values())
            assert finished == (alone(env) and not any(info["alive"] for info in infos.values())) or is_small(name)
            over = finished or lasted == EPISODE
            assert list(terminations.values()) == [finished] * env.max_num_agents
            assert list(truncations.values()) == [over and not finished] * env.max_num_agents
            assert env.agents == ([] if over else env.possible_agents)
            lasted = 0 if over else lasted
        play_out(env)
        assert env.step({}) == ({}, {}, {}, {}, {})
        assert env.step(joint(env, plan(env.vec, 1)[0, 0])) == ({}, {}, {}, {}, {})
        assert env.state_space.contains(env.state())


def check_each_leaves_once(name: str) -> None:
    env = single(name, agents_leave=True)
    env.reset(seed=0)
    before = env.possible_agents
    for obs, rewards, terminations, truncations, infos in walk(env, 3 * EPISODE):
        assert list(obs) == list(rewards) == list(infos) == before
        left = [agent for agent in before if terminations[agent] or truncations[agent]]
        assert not any(terminations[agent] and truncations[agent] for agent in before)
        assert env.agents == [agent for agent in before if agent not in left]
        before = env.agents or env.possible_agents


def check_leaving_changes_no_trajectory(name: str) -> None:
    stay, leave = single(name, agents_leave=False), single(name, agents_leave=True)
    assert_same(stay.reset(seed=5), leave.reset(seed=5))
    if not alone(stay):
        assert_same(course(stay), course(leave))
        return
    leave.reset(seed=5)
    for one, other in zip(walk(stay), walk(leave), strict=True):
        for part in (0, 1, 4):
            assert_same(other[part], {agent: one[part][agent] for agent in other[part]})
        assert not any(info["alive"] for agent, info in one[4].items() if agent not in other[4])
        assert_same((stay.state(), stay.metrics()), (leave.state(), leave.metrics()))


def check_callers_may_write_into_results(name: str) -> None:
    for mask in MASKS:
        env, twin = single(name, mask=mask), single(name, mask=mask)
        _spoil(env.reset(seed=4))
        twin.reset(seed=4)
        for results, expected in zip(walk(env), walk(twin), strict=True):
            assert_same(results, expected)
            _spoil((results, env.state(), env.metrics()))


def _spoil(results: Any) -> None:
    """Overwrite every array and empty every dictionary of `results`, as a careless wrapper might."""
    if isinstance(results, tuple):
        for part in results:
            _spoil(part)
    elif isinstance(results, dict):
        _spoil(tuple(results.values()))
        results.clear()
    elif isinstance(results, np.ndarray):
        results[:] = 99


def _copied(results: Any) -> Any:
    """Return a copy that shares no array and no dictionary with `results`."""
    if isinstance(results, dict):
        return {key: _copied(value) for key, value in results.items()}
    if isinstance(results, tuple):
        return tuple(_copied(part) for part in results)
    return results.copy() if isinstance(results, np.ndarray) else results


def check_earlier_results_keep_their_values(name: str) -> None:
    env = single(name)
    kept = [env.reset(seed=4)]
    copies = [_copied(kept[0])]
    for results in walk(env):
        kept.append(results)
        copies.append(_copied(results))
    assert_same(kept, copies)
    assert differ(kept[1], kept[-1])
    # Numbers that seldom change, such as rewards, would not show it.
    for one, other in pairwise(kept):
        assert not any(np.may_share_memory(a, b) for a in _arrays(one) for b in _arrays(other))


def _arrays(results: Any) -> list[Any]:
    """Return every array in `results`."""
    if isinstance(results, dict | tuple):
        parts = results.values() if isinstance(results, dict) else results
        return [array for part in parts for array in _arrays(part)]
    return [results] if isinstance(results, np.ndarray) else []


def check_actions_of_every_integer_type(name: str) -> None:
    kinds: tuple[Any, ...] = (int, np.int8, np.int32, np.int64, np.uint8, lambda a: np.array(a))
    envs = [single(name) for _ in kinds]
    for env in envs:
        env.reset(seed=6)
    for row in plan(envs[0].vec, 10)[:, 0]:
        results = [
            env.step({agent: kind(a) for agent, a in joint(env, row).items()})
            for env, kind in zip(envs, kinds, strict=True)
        ]
        for other in results[1:]:
            assert_same(other, results[0])


def check_max_cycles_can_be_set(name: str) -> None:
    env = single(name)
    env.reset(seed=0)
    env.max_cycles = 3
    assert env.max_cycles == env.params.max_cycles == 3
    lasted = 0
    for _, _, terminations, *_ in walk(env, 9):
        lasted += 1
        over = lasted == 3 or (is_small(name) and any(terminations.values()))
        assert (not env.agents) == over
        lasted = 0 if over else lasted
    for value in (0, -1, 2.5, "9", None, True):
        with pytest.raises(ValueError, match="max_cycles"):
            env.max_cycles = value  # type: ignore[assignment]
    assert env.max_cycles == 3


def check_the_mask_changes_no_trajectory(name: str) -> None:
    results = []
    for mask in MASKS:
        env = single(name, mask=mask)
        env.reset(seed=8)
        steps = list(walk(env))
        results.append([(step[1], step[2], step[3], _plain(step[0])) for step in steps])
    assert_same(results[1], results[0])
    assert_same(results[2], results[0])


def _plain(obs: dict[str, Any]) -> dict[str, Any]:
    return {agent: o["observation"] if isinstance(o, dict) else o for agent, o in obs.items()}


def check_team_reward_is_the_sum(name: str) -> None:
    alone, team = single(name, reward="individual"), single(name, reward="team")
    alone.reset(seed=9)
    team.reset(seed=9)
    for one, shared in zip(walk(alone), walk(team), strict=True):
        np.testing.assert_allclose(list(shared[1].values()), sum(one[1].values()), rtol=1e-6, atol=1e-6)


def check_rendering(name: str) -> None:
    pytest.importorskip("pygame")
    env = single(name, render_mode="rgb_array")
    plain = single(name)
    assert_same(env.reset(seed=3), plain.reset(seed=3))
    for step, expected in zip(walk(env, 10), walk(plain, 10), strict=True):
        assert_same(step, expected, "a step while pictures are drawn")
        picture = env.render()
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert len(np.unique(picture)) > 3
        assert isinstance(env.render("ansi"), str)
    assert env.render_mode == "rgb_array"
    assert plain.render() is None
    assert set(env.metadata["render_modes"]) == {"human", "rgb_array", "ansi"}
    env.close()
    env.close()


def check_metrics_are_described(name: str) -> None:
    env = single(name)
    env.reset(seed=0)
    for _ in walk(env, 5):
        pass
    described = env.vec.simulation.family.metrics
    assert list(env.metrics()) == list(described) == list(env.vec.metric_names)
    assert all(unit and meaning for unit, meaning in described.values())
    assert {type(value) for value in env.metrics().values()} == {float}
