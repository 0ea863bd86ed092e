"""XuanCe gets our masks, states, rewards and last observations, in its vectors and in the learners' memories."""

from argparse import Namespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("xuance")

from gymnasium.spaces import Box
from xuance.environment import make_envs
from xuance.torch.agents import REGISTRY_Agents

import marl_envs
from examples.xuance import configuration
from marl_envs.core.params import ParameterError
from marl_envs.interop import xuance
from tests import relay

ID = "marl_envs/warehouse-5x5-2ag-goal-v0"
AGENTS = ["robot_0", "robot_1"]
EPISODE, ENVS, STEPS = 9, 2, 20
PARAMETERS = {"max_cycles": EPISODE, "shaping": 0.5}


def settings(**changes: Any) -> Namespace:
    """Return what XuanCe needs to make environments."""
    given: dict[str, Any] = {"env_name": "marl_envs", "env_id": ID, "env_seed": 5, "env_parameters": PARAMETERS}
    return Namespace(**{**given, "vectorize": "DummyVecMultiAgentEnv", "parallels": ENVS, **changes})


def random_actions(rng: np.random.Generator, envs: int = ENVS) -> list[dict[str, int]]:
    return [dict(zip(AGENTS, row, strict=True)) for row in rng.integers(0, 5, (envs, 2)).tolist()]


def make_learner(tmp_path: Any, algorithm: str, **changes: Any) -> Any:
    """Return one of XuanCe's agents, with its environments."""
    config = configuration(algorithm, seed=3, steps=400, folder=str(tmp_path))
    config.env_parameters = PARAMETERS
    config.parallels, config.buffer_size, config.batch_size = ENVS, 200, 16
    config.representation_hidden_size, config.q_hidden_size = [16], [16]
    config.start_training = 10**9
    for name, value in changes.items():
        setattr(config, name, value)
    return REGISTRY_Agents[config.agent](config, make_envs(config))


@pytest.mark.parametrize("vectorize", ["DummyVecMultiAgentEnv", "SubprocVecMultiAgentEnv"])
def test_vectors_show_what_the_environments_give(vectorize: str):
    envs = make_envs(settings(vectorize=vectorize))
    singles = [marl_envs.make(ID, **PARAMETERS) for _ in range(ENVS)]
    shown, _ = envs.reset()
    seen = [env.reset(seed=5 + e)[0] for e, env in enumerate(singles)]
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(STEPS):
        for e in range(ENVS):
            for agent in AGENTS:
                np.testing.assert_array_equal(shown[e][agent], seen[e][agent])
        actions = random_actions(rng)
        shown, rewards, terminated, truncated, infos = envs.step(actions)
        for e, env in enumerate(singles):
            seen[e], paid, _, cut, info = env.step(actions[e])
            assert rewards[e] == paid
            assert truncated[e] == any(cut.values())
            assert not any(terminated[e].values())
            np.testing.assert_array_equal(envs.buf_state[e], env.state())
            for agent in AGENTS:
                np.testing.assert_array_equal(shown[e][agent], seen[e][agent])
                np.testing.assert_array_equal(envs.buf_avail_actions[e][agent], info[agent]["action_mask"])
                assert shown[e][agent].dtype == np.float32
                assert infos[e]["avail_actions"][agent].dtype == np.bool_
            assert infos[e]["agent_mask"] == dict.fromkeys(AGENTS, True)
            if not env.agents:
                np.testing.assert_equal(infos[e]["metrics"], env.metrics())  # NaN equals NaN
                seen[e], info = env.reset()
                shown[e] = infos[e]["reset_obs"]
                np.testing.assert_array_equal(infos[e]["reset_state"], env.state())
                for agent in AGENTS:
                    mask = infos[e]["reset_avail_actions"][agent]
                    np.testing.assert_array_equal(mask, info[agent]["action_mask"])
                ends += 1
            else:
                assert "metrics" not in infos[e]
    assert ends == ENVS * (STEPS // EPISODE)
    envs.close()


def test_memories_hold_every_agents_own_transitions(tmp_path: Any):
    learner = make_learner(tmp_path, "qmix", parallels=1)
    env = marl_envs.make(ID, **PARAMETERS)
    assert learner.state_space == env.state_space
    learner.train(STEPS)
    data = learner.memory.data
    obs, infos = env.reset(seed=3)
    for t in range(STEPS):
        actions = {agent: int(data["actions"][agent][0, t]) for agent in AGENTS}
        np.testing.assert_array_equal(data["state"][0, t], env.state())
        for agent in AGENTS:
            assert infos[agent]["action_mask"][actions[agent]], "XuanCe acted against the mask"
            # XuanCe 1.4.4 stores in the first step of each train() what was seen after it.
            if t:
                np.testing.assert_array_equal(data["obs"][agent][0, t], obs[agent])
                np.testing.assert_array_equal(data["avail_actions"][agent][0, t], infos[agent]["action_mask"])
        obs, rewards, _, _, infos = env.step(actions)
        np.testing.assert_array_equal(data["state_next"][0, t], env.state())
        for agent in AGENTS:
            np.testing.assert_array_equal(data["obs_next"][agent][0, t], obs[agent])
            np.testing.assert_array_equal(data["avail_actions_next"][agent][0, t], infos[agent]["action_mask"])
            assert data["rewards"][agent][0, t] == pytest.approx(rewards[agent], abs=1e-6)
            assert not data["terminals"][agent][0, t]  # cut is not terminated: the value of what comes next counts
        if not env.agents:
            obs, infos = env.reset()
    learner.finish()


@pytest.mark.parametrize("algorithm", ["vdn", "iql"])  # QMIX hides it: its mixer saturates
def test_double_q_learning_still_mixes_up_masks(tmp_path: Any, algorithm: str):
    """It takes the best next action under the mask before it; when this fails, XuanCe has mended it: tell the guide."""
    losses = {}
    for double in (False, True):
        learner = make_learner(tmp_path, algorithm, double_q=double)
        learner.train(STEPS)
        for agent in AGENTS:  # say that action 4 alone was forbidden before, and alone is allowed after every step
            learner.memory.data["avail_actions"][agent][:] = [True, True, True, True, False]
            learner.memory.data["avail_actions_next"][agent][:] = [False, False, False, False, True]
        info = learner.train_epochs()
        losses[double] = max(value for name, value in info.items() if "loss_Q" in name)
        learner.finish()
    assert losses[False] < 100
    assert losses[True] > 1e15


def test_agents_that_finish_early_wait_for_the_end(monkeypatch: Any):
    monkeypatch.setattr(xuance, "make", lambda id, **parameters: relay.parallel_env(**parameters))
    env = xuance.XuanCeEnv(settings(env_seed=0, env_parameters={"max_cycles": 4}))
    obs, info = env.reset()
    assert info == {}
    laps = {agent: round(float(row[0]) * 6) for agent, row in obs.items()}  # an observation tells what is left of 6
    assert min(laps.values()) < 4 < max(laps.values())
    for t in range(1, 5):
        assert env.avail_actions()["runner_0"].tolist() == [True, laps["runner_0"] >= t]
        _, rewards, terminated, truncated, _ = env.step(dict.fromkeys(env.agents, 1))
        assert rewards == {agent: float(laps[agent] >= t) for agent in laps}
        assert terminated == {agent: laps[agent] <= t for agent in laps}
        assert env.agent_mask() == {agent: laps[agent] >= t for agent in laps}
        assert truncated == (t == 4)
    env.reset()
    assert env.agent_mask() == dict.fromkeys(laps, True)


def test_without_masks_every_action_is_offered():
    env = xuance.XuanCeEnv(settings(env_parameters={"mask": None}))
    env.reset()
    assert {agent: mask.tolist() for agent, mask in env.avail_actions().items()} == dict.fromkeys(AGENTS, [True] * 5)


def test_seeds_and_streams():
    first, second = (xuance.XuanCeEnv(settings()) for _ in range(2))
    one, other = ([env.reset()[0]["robot_0"] for _ in range(3)] for env in (first, second))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one[1], one[2])
    np.testing.assert_array_equal(first.reset(seed=5)[0]["robot_0"], one[0])


def test_spaces_are_the_environments():
    env = xuance.XuanCeEnv(settings())
    info = env.get_env_info()
    assert info["agents"] == AGENTS
    assert info["max_episode_steps"] == EPISODE
    assert isinstance(info["state_space"], Box)
    assert info["observation_space"]["robot_1"] is env.env.observation_space("robot_1")


def test_what_xuance_cannot_work_with_is_refused(monkeypatch: Any):
    with pytest.raises(ParameterError, match="mask"):
        xuance.XuanCeEnv(settings(env_parameters={"mask": "obs"}))
    with pytest.raises(ParameterError, match="goals_typo"):
        xuance.XuanCeEnv(settings(env_parameters={"goals_typo": 1}))
    with pytest.raises(ValueError, match="marl_envs/nothing-v0"):
        xuance.XuanCeEnv(settings(env_id="marl_envs/nothing-v0"))
    monkeypatch.setattr(xuance, "make", lambda id, **parameters: relay.parallel_env(**parameters))
    with pytest.raises(ParameterError, match="agents_leave"):
        xuance.XuanCeEnv(settings(env_parameters={"agents_leave": True}))
