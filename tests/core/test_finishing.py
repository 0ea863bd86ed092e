"""Agents that finish before the others: what each face shows of them. The family is tests/relay.py."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import marl_envs
from marl_envs.core import registry
from marl_envs.core.params import ParameterError
from marl_envs.core.random import seed_stream
from marl_envs.interop import JointGymEnv
from tests import relay
from tests.conformance import batches, determinism, face, interop, kit, snapshots
from tests.conformance.play import assert_same

NAME = "marl_envs/relay-for-tests-v0"
# Checks of tests/conformance that do not hold for such agents: they take it that all end together, after a fixed number
# of steps, or need a picture.
TOGETHER = {
    *("everyone_stays_until_the_common_end", "leaving_changes_no_trajectory", "max_cycles_can_be_set", "max_cycles"),
    *("a_row_of_a_batch_is_a_single_environment", "state_after_the_end", "copies_of_an_environment_continue"),
    *("all_end_together_and_start_again", "pettingzoo_makes_it", "gymnasium_makes_rows_and_the_joint_form"),
    *("gymnasiums_own_checker",),
    *("rendering", "render", "a_rendering_environment_can_be_copied", "the_fingerprint_makes_it_again"),
}
MODULES = (kit, face, determinism, batches, snapshots, interop)
CHECKS = {
    name.removeprefix("check_"): getattr(module, name)
    for module in MODULES
    for name in dir(module)
    if name.startswith("check_") and name.removeprefix("check_") not in TOGETHER
}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> str:
    """Have the family among the registered environments, for one test."""
    monkeypatch.setitem(registry.SPECS, NAME, registry.Spec(NAME, "tests.relay"))
    return NAME


# PettingZoo's advice; who has finished sees zeros
@pytest.mark.filterwarnings("ignore:Observation numpy array is all zeros.:UserWarning")
@pytest.mark.filterwarnings("ignore:State numpy array is all zeros.:UserWarning")
@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_conformance(check: Callable[[str], None], registered: str):
    check(registered)


def play(env: Any, episodes: int, seed: int) -> Iterator[tuple[list[str], tuple[Any, ...]]]:
    """Yield who is listed before a step and what it returns, for runners who run half of the time."""
    rng = np.random.default_rng(seed)
    for episode in range(episodes):
        env.reset(seed=seed + episode)
        while env.agents:
            listed = list(env.agents)
            yield listed, env.step({agent: int(rng.integers(2)) for agent in listed})


def laps_left(env: Any) -> dict[str, int]:
    """Return who has how far to go."""
    return dict(zip(env.possible_agents, env.vec.arrays.left[0].tolist(), strict=True))


@pytest.mark.parametrize("max_cycles", [5, 100])
def test_who_stays_is_finished_until_the_common_end(max_cycles: int):
    env = relay.parallel_env(max_cycles=max_cycles)
    ends = set()
    for listed, (obs, rewards, terminations, truncations, infos) in play(env, 30, seed=0):
        left = laps_left(env)
        assert listed == list(obs) == list(rewards) == list(infos) == env.possible_agents
        for agent in env.possible_agents:
            assert type(infos[agent]["alive"]) is int
            assert infos[agent]["alive"] == (left[agent] > 0)
            if not left[agent]:
                np.testing.assert_array_equal(obs[agent], 0)
                np.testing.assert_array_equal(infos[agent]["action_mask"], [1, 0])
        if env.agents:
            assert env.agents == env.possible_agents
            assert not any(terminations.values())
            assert not any(truncations.values())
        else:
            finished = not any(left.values())
            ends.add(finished)
            assert list(terminations.values()) == [finished] * 3
            assert list(truncations.values()) == [not finished] * 3
    assert ends == ({True} if max_cycles == 100 else {True, False})


@pytest.mark.parametrize("max_cycles", [5, 100])
def test_who_leaves_has_flags_of_its_own(max_cycles: int):
    env = relay.parallel_env(max_cycles=max_cycles, agents_leave=True)
    sizes = set()
    before: dict[str, int] = {}
    for listed, (obs, rewards, terminations, truncations, infos) in play(env, 30, seed=0):
        left = laps_left(env)
        assert all(list(part) == listed for part in (obs, rewards, terminations, truncations, infos))
        assert all(agent in listed for agent in left if left[agent])
        for agent in listed:
            assert infos[agent]["alive"] == (left[agent] > 0)
            assert terminations[agent] == (left[agent] == 0)
            assert truncations[agent] == (left[agent] > 0 and not env.agents)
        assert env.agents in ([], [agent for agent in left if left[agent]])
        sizes.add(len(listed))
        before = left
    assert sizes == {1, 2, 3}
    assert before


def test_leaving_changes_no_trajectory():
    stay, leave = relay.parallel_env(), relay.parallel_env(agents_leave=True)
    for (_, one), (_, other) in zip(play(stay, 5, seed=1), _same_actions(leave, 5, seed=1), strict=True):
        for agent, reward in other[1].items():
            assert_same((one[0][agent], one[1][agent]), (other[0][agent], reward))


def _same_actions(env: Any, episodes: int, seed: int) -> Iterator[tuple[list[str], tuple[Any, ...]]]:
    """Yield as `play`, with an action for everybody, also for who has left."""
    rng = np.random.default_rng(seed)
    for episode in range(episodes):
        env.reset(seed=seed + episode)
        while env.agents:
            yield list(env.agents), env.step({agent: int(rng.integers(2)) for agent in env.possible_agents})


def test_a_row_of_a_batch_is_a_single_environment():
    vec, env = relay.vector_env(num_envs=4, max_cycles=8), relay.parallel_env(max_cycles=8, agents_leave=True)
    for row in range(4):
        vec.reset(seed=9)
        env.reset(seed=int(seed_stream(9, row)))
        for actions in np.random.default_rng(9).integers(0, 2, (40, 4, 3)):
            if not env.agents:
                env.reset()
            obs, reward, terminated, truncated, info = vec.step(actions)
            last = info["final_obs"] if info["ended"][row] else obs
            given, paid, over, cut, infos = env.step(dict(zip(env.possible_agents, actions[row].tolist(), strict=True)))
            assert info["ended"][row] == (not env.agents)
            for agent in given:
                a = env.possible_agents.index(agent)
                np.testing.assert_array_equal(given[agent], last[row, a])
                flags = (terminated[row, a], truncated[row, a], bool(info["alive"][row, a]) or not env.agents)
                assert (paid[agent], over[agent], cut[agent]) == (reward[row, a], *flags[:2])
                assert not infos[agent]["alive"] or flags[2]


def test_actions_of_the_finished_are_ignored():
    env, twin = relay.parallel_env(max_cycles=50), relay.parallel_env(max_cycles=50)
    env.reset(seed=2)
    twin.reset(seed=2)
    while env.agents:
        running = [agent for agent, left in laps_left(env).items() if left]
        few = env.step(dict.fromkeys(running, 1))
        many = twin.step({agent: 1 if agent in running else "nonsense" for agent in env.possible_agents})
        assert_same(few, many)
    env.reset(seed=2)
    with pytest.raises(KeyError, match="runner_1"):
        env.step({"runner_0": 1})
    with pytest.raises(TypeError, match="dict"):
        env.step([1, 1, 1])


@pytest.mark.parametrize("leave", [False, True])
def test_a_snapshot_knows_who_has_finished(leave: bool):
    env, other = relay.parallel_env(agents_leave=leave), relay.parallel_env(agents_leave=leave)
    compared = 0
    for _ in play(env, 10, seed=3):
        obs, infos = other.set_state(env.get_state())
        assert other.agents == env.agents
        if env.agents:
            assert list(obs) == list(infos) == env.agents
            assert_same([info["alive"] for info in infos.values()], [int(laps_left(env)[a] > 0) for a in env.agents])
            compared += 1
    assert compared > 10


def test_rows_terminate_or_are_truncated_at_the_common_end():
    vec = relay.vector_env(num_envs=40, max_cycles=5)
    flat = vec.as_gymnasium()
    flat.reset(seed=4)
    finished = np.zeros(flat.num_envs, bool)
    rng, kinds = np.random.default_rng(4), set()
    for _ in range(30):
        *_, over, cut, info = flat.step(rng.integers(0, 2, flat.num_envs))
        if "final_obs" in info:
            ended = info["_final_obs"]
            gone = (info["final_obs"][:, 0] == 0) & ended  # no laps left
            np.testing.assert_array_equal(over, gone)
            np.testing.assert_array_equal(cut, ended & ~gone)
            kinds |= {(bool(a), bool(b)) for a, b in zip(over, cut, strict=True)}
        finished = ~info["alive"]
    assert kinds == {(True, False), (False, True), (False, False)}
    assert finished.any()


def test_a_joint_environment_needs_agents_that_stay():
    with pytest.raises(ParameterError, match="agents_leave"):
        JointGymEnv(relay.parallel_env(agents_leave=True))


def test_robots_need_none_of_it():
    env = marl_envs.make("marl_envs/warehouse-tiny-2ag-v0", agents_leave=True)
    _, infos = env.reset(seed=0)
    assert "alive" not in infos["robot_0"]
    assert JointGymEnv(env).n_agents == 2
