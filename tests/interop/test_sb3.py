"""Stable-Baselines3 gets what it would get from its own wrappers, and sb3-contrib finds the masks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import VecMonitor

import marl_envs
from marl_envs.core.params import ParameterError
from marl_envs.interop import EpisodeLog
from marl_envs.interop.sb3 import VecEnv
from tests import relay

ID = "marl_envs/warehouse-5x5-2ag-goal-v0"
EPISODE = 9


@pytest.fixture(autouse=True)
def _own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SB3 makes a folder for its log at every call of `learn`, by default one that stays."""
    monkeypatch.setenv("SB3_LOGDIR", str(tmp_path))


def batch(num_envs: int = 4, **parameters: Any) -> Any:
    return marl_envs.make_vec(ID, num_envs, **{"max_cycles": EPISODE, "shaping": 0.5, **parameters})


def test_rows_rewards_and_ends_are_the_batchs():
    log = EpisodeLog()
    env, vec = VecEnv(batch(), log), batch()
    env.seed(5)
    obs, (expected, _) = env.reset(), vec.reset(seed=5)
    np.testing.assert_array_equal(obs, expected.reshape(8, -1))
    rng = np.random.default_rng(0)
    returns, ends = np.zeros((4, 2)), 0
    for t in range(1, 31):
        actions = rng.integers(0, 5, (4, 2))
        obs, reward, done, infos = env.step(actions.reshape(-1))
        expected, paid, _, truncated, info = vec.step(actions)
        returns += paid
        np.testing.assert_array_equal(obs, expected.reshape(8, -1))
        np.testing.assert_array_equal(reward, paid.reshape(-1))
        np.testing.assert_array_equal(done, truncated.reshape(-1))
        np.testing.assert_array_equal(env.action_masks(), info["action_mask"].reshape(8, -1))
        for row, given in enumerate(infos):
            e, a = divmod(row, 2)
            if not done[row]:
                assert given == {}
                continue
            np.testing.assert_array_equal(given["terminal_observation"], info["final_obs"][e, a])
            assert given["TimeLimit.truncated"] is True
            assert given["episode"]["r"] == pytest.approx(returns[e, a], abs=1e-5)
            assert given["episode"]["l"] == EPISODE
            ends += 1
        if t % EPISODE == 0:
            returns[:] = 0
    assert ends == 8 * (30 // EPISODE)
    assert len(log) == ends // 2


def test_terminated_rows_are_not_time_limits():
    env = VecEnv(relay.vector_env(num_envs=20, max_cycles=5))
    env.seed(1)
    env.reset()
    seen = set()
    rng = np.random.default_rng(1)
    for _ in range(20):
        infos = env.step(rng.integers(0, 2, env.num_envs))[-1]
        for info in infos:
            if info:
                finished = info["terminal_observation"][0] == 0  # no laps left
                assert info["TimeLimit.truncated"] == (not finished)
                seen.add(bool(finished))
    assert seen == {True, False}


def test_sb3_bootstraps_at_the_time_limit(monkeypatch: pytest.MonkeyPatch):
    """The reward that PPO stores at a truncation is reward + gamma * value(last observation of the old episode)."""
    env, twin = VecEnv(batch()), batch()
    model = PPO("MlpPolicy", env, n_steps=EPISODE, batch_size=8 * EPISODE, seed=3, device="cpu")
    monkeypatch.setattr(model, "train", lambda: None)
    model.learn(8 * EPISODE)
    buffer = model.rollout_buffer
    twin.reset(seed=3)
    for t in range(EPISODE):
        _, reward, _, _, info = twin.step(buffer.actions[t].reshape(4, 2).astype(int))
        expected = reward.reshape(-1).astype(np.float64)
        if t == EPISODE - 1:
            last = model.policy.obs_to_tensor(info["final_obs"].reshape(8, -1))[0]
            expected += model.gamma * model.policy.predict_values(last).detach().numpy()[:, 0]
        np.testing.assert_allclose(buffer.rewards[t], expected, atol=1e-5)


@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_the_same_seed_learns_the_same(algorithm: Any):
    def weights(seed: int) -> Any:
        options = {"n_steps": 16, "batch_size": 64} if algorithm is PPO else {"learning_starts": 50}
        model = algorithm("MlpPolicy", VecEnv(batch()), seed=seed, device="cpu", **options)
        model.learn(400)
        return np.concatenate([p.detach().numpy().ravel() for p in model.policy.parameters()])

    np.testing.assert_array_equal(weights(1), weights(1))
    assert (weights(1) != weights(2)).any()


def test_masks_reach_maskable_ppo():
    contrib = pytest.importorskip("sb3_contrib")
    env = VecEnv(batch())
    model = contrib.MaskablePPO("MlpPolicy", env, n_steps=32, batch_size=64, seed=0, device="cpu")
    model.learn(8 * 32)
    buffer = model.rollout_buffer  # after the training [steps * rows, ...]
    masks, actions = buffer.action_masks, buffer.actions.astype(int).ravel()
    assert 0 < (masks == 0).mean() < 1
    assert masks[np.arange(len(actions)), actions].all()


def test_sb3s_own_wrapper_agrees_on_episodes():
    env = VecMonitor(VecEnv(batch()))
    env.seed(2)
    env.reset()
    lengths = []
    for _ in range(2 * EPISODE):
        infos = env.step(np.zeros(8, int))[-1]
        lengths += [info["episode"]["l"] for info in infos if "episode" in info]
    assert lengths == [EPISODE] * 16


def test_attributes():
    env = VecEnv(batch())
    assert env.get_attr("max_cycles") == [EPISODE] * 8
    assert env.get_attr("max_cycles", [0, 3]) == [EPISODE] * 2
    env.set_attr("max_cycles", 4)
    assert env.vec.max_cycles == 4
    with pytest.raises(ParameterError, match="max_cycles"):
        env.set_attr("max_cycles", 4, indices=[0])
    with pytest.raises(AttributeError, match="nothing"):
        env.set_attr("nothing", 4)
    assert env.has_attr("action_masks")
    assert not env.has_attr("nothing")
    assert env.env_is_wrapped(object) == [False] * 8
    env.reset()
    assert len(env.env_method("metrics", indices=[1])) == 1
    with pytest.raises(ParameterError, match="mask"):
        VecEnv(batch(mask=None)).action_masks()
    env.close()
