"""The flat vector face under Gymnasium's own tools. That its rows are the batch's is among the conformance checks."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers.vector import ClipReward, DictInfoToList, FlattenObservation, RecordEpisodeStatistics

import marl_envs
from marl_envs.interop.joint import SebulbaEnv

ID = "marl_envs/warehouse-5x5-2ag-goal-v0"
EPISODE = 8


def rows(num_envs: int = 4, **parameters: Any) -> Any:
    return gymnasium.make_vec(ID, num_envs=num_envs, max_cycles=EPISODE, shaping=0.5, **parameters)


def test_gymnasium_counts_episodes_rightly():
    env, plain = RecordEpisodeStatistics(rows()), rows()
    env.reset(seed=3)
    plain.reset(seed=3)
    rng, returns, ends = np.random.default_rng(0), np.zeros(8), 0
    for t in range(1, 3 * EPISODE + 1):
        actions = rng.integers(0, 5, 8)
        *_, info = env.step(actions)
        returns += plain.step(actions)[1]
        assert ("episode" in info) == (t % EPISODE == 0)
        if "episode" in info:
            np.testing.assert_allclose(info["episode"]["r"], returns, atol=1e-5)
            np.testing.assert_array_equal(info["episode"]["l"], EPISODE)
            returns[:] = 0
            ends += 1
    assert ends == 3


def test_gymnasiums_wrappers_apply():
    clipped = ClipReward(rows(), -0.01, 0.01)
    clipped.reset(seed=1)
    rng, plain = np.random.default_rng(0), rows()
    plain.reset(seed=1)
    for _ in range(2 * EPISODE):
        actions = rng.integers(0, 5, 8)
        np.testing.assert_allclose(clipped.step(actions)[1], plain.step(actions)[1].clip(-0.01, 0.01), atol=1e-7)
    lists = DictInfoToList(rows())
    lists.reset(seed=1)
    for _ in range(EPISODE):
        *_, infos = lists.step(np.zeros(8, int))
    assert len(infos) == 8
    assert {"final_obs", "action_mask", "metrics"} <= set(infos[0])
    assert infos[3]["final_obs"].shape == (119,)
    assert infos[3]["metrics"]["episode_length"] == EPISODE


def test_gymnasium_refuses_to_transform_observations_that_are_reset_in_the_same_step():
    """Its wrappers do not touch `final_obs`, and say so; docs/plug-in.md names this limit."""
    with pytest.raises(ValueError, match="SAME_STEP"):
        FlattenObservation(rows())


def test_as_tensors_by_gymnasium():
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")  # which Gymnasium's wrapper wants
    from gymnasium.wrappers.vector import NumpyToTorch

    env = NumpyToTorch(rows())
    obs, _ = env.reset(seed=1)
    assert obs.dtype == torch.float32
    obs, reward, *_ = env.step(torch.zeros(8, dtype=torch.int64))
    assert reward.shape == (8,)


def test_views_are_valid_for_one_more_step_and_copies_for_good():
    vec = marl_envs.make_vec(ID, 4, max_cycles=EPISODE)
    view, copy = vec.as_gymnasium(copy=False), marl_envs.make_vec(ID, 4, max_cycles=EPISODE).as_gymnasium()
    view.reset(seed=0)
    copy.reset(seed=0)
    rng = np.random.default_rng(0)
    kept: list[Any] = []
    for _ in range(4):
        actions = rng.integers(1, 4, 8)
        seen, fresh = view.step(actions)[0], copy.step(actions)[0]
        assert np.shares_memory(seen, vec.out.obs)
        kept.append((seen, fresh, fresh.copy()))
    for seen, fresh, then in kept[-2:]:
        np.testing.assert_array_equal(seen, then)
        np.testing.assert_array_equal(fresh, then)
    for seen, fresh, then in kept[:2]:
        assert (seen != then).any()
        np.testing.assert_array_equal(fresh, then)


def test_unknown_parameters_are_refused_with_the_name():
    with pytest.raises(ValueError, match="speed"):
        rows(speed=3)
    with pytest.raises(ValueError, match="speed"):
        gymnasium.make(ID, speed=3)


def test_the_joint_form_draws():
    pytest.importorskip("pygame")
    env = gymnasium.make(ID, render_mode="rgb_array")
    env.reset(seed=0)
    picture: Any = env.render()
    assert picture.shape == (480, 640, 3)
    env.close()


def test_a_seed_of_the_old_kind():
    env, twin = SebulbaEnv(marl_envs.make(ID)), SebulbaEnv(marl_envs.make(ID))
    env.seed(4)
    twin.reset(seed=4)
    for one, other in zip(env.step([1, 1])[0], twin.step([1, 1])[0], strict=True):
        np.testing.assert_array_equal(one, other)
