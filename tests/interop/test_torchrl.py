"""TorchRL: its own wrapper takes our environments, and BatchedEnv gives what a VectorEnv gives, step by step."""

from __future__ import annotations

import warnings

import cloudpickle
import numpy as np
import pytest

torchrl = pytest.importorskip("torchrl")
import torch  # noqa: E402
from tensordict.nn import TensorDictModule  # noqa: E402

with warnings.catch_warnings():  # of TorchRL 0.14, about its own classes
    warnings.filterwarnings("ignore", "Creating .*WeightUpdater", DeprecationWarning)
    from torchrl.collectors import Collector
from torchrl.envs import ActionMask, PettingZooWrapper, SerialEnv, TransformedEnv, check_env_specs  # noqa: E402

import marl_envs  # noqa: E402
from marl_envs.interop import EpisodeLog  # noqa: E402
from marl_envs.interop.torchrl import BatchedEnv, group_of, make  # noqa: E402
from marl_envs.warehouse.planner import GreedyPolicy  # noqa: E402
from tests import relay  # noqa: E402

GOAL = "marl_envs/warehouse-5x5-2ag-goal-v0"
# Busy robots put the end off, so the environments of a batch end at different steps.
UNEVEN = {"shaping": 0.5, "max_cycles": 60, "max_inactivity": 25}
E = 5
FLAGS = ("done", "terminated", "truncated")


def act(env, td, actions):
    """Return what TorchRL's rollouts work with: the step with its "next", and where the next one starts."""
    td["robot", "action"] = torch.as_tensor(actions)
    return env.step_and_maybe_reset(td)


def same(tensor, array):
    np.testing.assert_array_equal(tensor.numpy(), array)


@pytest.mark.parametrize("env_id", marl_envs.list_environments())
@pytest.mark.parametrize("mask", ["info", None])
def test_specs(env_id, mask):
    env = make(env_id, 3, with_state=True, mask=mask, max_cycles=2)
    check_env_specs(env)
    group = marl_envs.make(env_id).possible_agents[0].rsplit("_", 1)[0]
    assert ((group, "action_mask") in env.observation_spec.keys(True)) == (mask is not None)
    assert env.batch_size == (3,)
    assert env.observation_spec["state"].dtype is torch.float32


def test_every_step_is_the_vector_envs():
    log, theirs = EpisodeLog(), EpisodeLog()
    env = BatchedEnv(marl_envs.make_vec(GOAL, E, **UNEVEN), seed=3, with_state=True, log=log)
    vec, planner = marl_envs.make_vec(GOAL, E, **UNEVEN), GreedyPolicy(seed=3)
    td = env.reset()
    obs, info = vec.reset(seed=3)
    uneven = 0
    for _ in range(150):
        same(td["robot", "observation"], obs)
        same(td["robot", "action_mask"], info["action_mask"].astype(bool))
        same(td["state"], vec.state())
        actions = planner.act(vec, obs)
        actions[0] = 0  # so that one environment is never busy
        done, td = act(env, td, actions)
        obs, reward, terminated, truncated, info = vec.step(actions)
        theirs.add_batch(info)
        ended = info["ended"]
        uneven += 0 < ended.sum() < E
        after = done["next"]
        same(after["robot", "observation"], np.where(ended[:, None, None], info["final_obs"], obs))
        masks = np.where(ended[:, None, None], info["final_action_mask"], info["action_mask"])
        same(after["robot", "action_mask"], masks.astype(bool))
        same(after["state"][~ended], vec.state()[~ended])
        same(after["robot", "reward"], reward[..., None])
        same(after["robot", "terminated"], terminated[..., None])
        same(after["robot", "truncated"], truncated[..., None])
        same(after["robot", "done"], truncated[..., None])
        for flag, wanted in zip(FLAGS, (ended, np.zeros(E, bool), ended), strict=True):
            same(after[flag], wanted[:, None])
    assert uneven > 3
    assert len(log) > 2 * E
    for name, column in theirs.columns().items():
        np.testing.assert_array_equal(log.columns()[name], column)


def test_the_last_state_of_an_episode_is_its_own():
    env, one = make(GOAL, 2, seed=4, with_state=True, max_cycles=6), marl_envs.make(GOAL, max_cycles=6)
    one.reset(seed=4)
    td = env.reset()
    for _ in range(6):
        done, td = act(env, td, [[1, 3], [2, 1]])
        one.step({"robot_0": 1, "robot_1": 3})
        same(done["next", "state"][0], one.state())
    assert done["next", "done"].all()
    assert not torch.equal(td["state"], done["next", "state"])  # the next episode's


# PettingZooWrapper warns of every version of PettingZoo but 1.24.3.
@pytest.mark.filterwarnings("ignore:PettingZoo in TorchRL is tested using version:UserWarning")
def test_our_parallel_env_in_torchrls_own_wrapper_gives_the_same():
    parameters = {"shaping": 0.5, "max_cycles": 8}
    one = PettingZooWrapper(
        marl_envs.make(GOAL, **parameters), return_state=True, categorical_actions=True, done_on_any=False
    )
    check_env_specs(one)
    many = make(GOAL, 1, with_state=True, **parameters)
    a, b = one.reset(seed=9), many.reset(seed=9)
    keys = {key for key in one.fake_tensordict().keys(True, True) if "info" not in key}
    assert keys == set(many.fake_tensordict().keys(True, True))
    rng = np.random.default_rng(0)
    for _ in range(20):
        actions = rng.integers(0, 5, (1, 2))
        (step_a, a), (step_b, b) = act(one, a, actions[0]), act(many, b, actions)
        for key in keys:
            mine, other = step_b[key][0], step_a[key]
            assert mine.dtype == other.dtype, key
            if key == ("next", "robot", "action_mask") and step_a["next", "done"]:
                assert other.all()  # TorchRL's wrapper forgets the last mask of an episode
            else:
                assert torch.equal(mine, other), key


def test_any_environment_may_start_over_alone():
    env, vec = make(GOAL, 3, seed=1, **UNEVEN), marl_envs.make_vec(GOAL, 3, **UNEVEN)
    obs, _ = vec.reset(seed=1)
    td = env.reset()
    actions = np.array([[1, 2], [1, 3], [2, 1]])
    for _ in range(4):
        _, td = act(env, td, actions)
        obs, *_ = vec.step(actions)
    before = td["robot", "observation"].clone()
    td["_reset"] = torch.tensor([[False], [True], [False]])
    td = env.reset(td)
    assert torch.equal(td["robot", "observation"][[0, 2]], before[[0, 2]])
    assert not torch.equal(td["robot", "observation"][1], before[1])
    for step in range(40):
        done, td = act(env, td, actions)
        obs, _, _, _, info = vec.step(actions)
        same(td["robot", "observation"][[0, 2]], obs[[0, 2]])
        # 25 steps without a delivery end an episode: this one began 4 steps later than the others.
        same(done["next", "done"][:, 0], [step == 20, step == 24, step == 20])
        assert info["ended"].tolist() == [step == 20] * 3


def test_ended_environments_are_not_stepped_on():
    env = make(GOAL, 2, max_cycles=2)
    td = env.reset()
    td["robot", "action"] = torch.zeros(2, 2, dtype=torch.int64)
    for _ in range(2):
        env.step(td)
    with pytest.raises(RuntimeError, match=r"must be reset before the next step: 0, 1$"):
        env.step(td)
    td = env.reset()
    td["robot", "action"] = torch.zeros(2, 2, dtype=torch.int64)
    td["_step"] = torch.tensor([[True], [False]])
    with pytest.raises(RuntimeError, match=r"_step must say so: 1$"):
        env.step(td)
    assert env.rollout(9, break_when_any_done=False, break_when_all_done=True).shape == (2, 2)


def test_bad_calls_are_refused():
    env = make(GOAL, 2)
    some = env.fake_tensordict().select().set("_reset", torch.tensor([[True], [False]]))
    with pytest.raises(RuntimeError, match="call reset"):
        env.reset(some)
    env.reset()
    with pytest.raises(ValueError, match="a seed is for all environments"):
        env.reset(some, seed=1)
    with pytest.raises(ValueError, match="seed must be an integer"):
        env.set_seed(-1)
    with pytest.raises(ValueError, match="action 7 of robot_1 in environment 0"):
        act(env, env.reset(), [[0, 7], [0, 0]])


def test_seeds():
    first = [make(GOAL, 3, seed=seed).rollout(30)["robot", "observation"] for seed in (5, 6)]
    again = make(GOAL, 3)
    again.rollout(4)
    again.set_seed(5)
    assert torch.equal(again.reset()["robot", "observation"], first[0][:, 0])
    assert not torch.equal(first[0][:, 0], first[1][:, 0])
    assert not torch.equal(again.reset()["robot", "observation"], first[0][:, 0])  # the stream goes on


def collected(seed):
    env = make(GOAL, 4, seed=seed, max_cycles=10)
    torch.manual_seed(seed)
    policy = TensorDictModule(
        lambda mask: torch.distributions.Categorical(mask.float()).sample(),
        in_keys=[("robot", "action_mask")],
        out_keys=[("robot", "action")],
    )
    collector = Collector(env, policy, frames_per_batch=60, total_frames=120)
    batches = torch.cat([batch.clone() for batch in collector], dim=1)
    collector.shutdown()
    return batches


def assert_only_allowed(data):
    mask, action = data["robot", "action_mask"], data["robot", "action"]
    assert not mask.all()
    assert mask.gather(-1, action[..., None]).all()


# TorchRL 0.14: of transforms that 0.15 will add by itself; 0.11 lacks the argument that silences it.
@pytest.mark.filterwarnings("ignore:The env passed to Collector is missing transforms:FutureWarning")
def test_a_collector_repeats_itself_and_its_policy_sees_the_masks():
    one, two = collected(2), collected(2)
    assert one.shape == (4, 30)
    for key in (("robot", "observation"), ("robot", "action"), ("next", "robot", "reward"), ("next", "done")):
        assert torch.equal(one[key], two[key])
    assert_only_allowed(one)
    assert (one["next", "truncated"].sum(1) == 3).all()


def test_torchrls_transform_masks_random_actions():
    env = TransformedEnv(make(GOAL, 4, seed=2), ActionMask(("robot", "action"), ("robot", "action_mask")))
    assert_only_allowed(env.rollout(30))


def test_pickled_in_mid_episode_it_goes_on_alike():
    env = make(GOAL, 3, seed=8, max_cycles=12)
    td = env.reset()
    for _ in range(5):
        _, td = act(env, td, [[1, 2]] * 3)
    copy = cloudpickle.loads(cloudpickle.dumps(env))
    other = td.clone()
    for _ in range(20):
        (_, td), (_, other) = act(env, td, [[1, 3]] * 3), act(copy, other, [[1, 3]] * 3)
        assert torch.equal(td["robot", "observation"], other["robot", "observation"])


def test_batches_of_batches():
    env = SerialEnv(2, [lambda: make(GOAL, 3, seed=1, max_cycles=4), lambda: make(GOAL, 3, seed=2, max_cycles=4)])
    data = env.rollout(10, break_when_any_done=False)
    assert data.shape == (2, 3, 10)
    assert data["next", "done"].sum() == 2 * 3 * 2
    env.close()


def test_an_agent_that_finishes_early_stays_terminated_until_the_common_end(monkeypatch):
    env = make(GOAL, 2, max_cycles=4)
    step, count = env.vec.step, iter(range(100))

    def finishing(actions):
        obs, reward, terminated, truncated, info = step(actions)
        terminated = np.zeros_like(terminated)
        at = next(count)
        terminated[0, 1], terminated[0, 0] = at == 1, at == 3  # environment 0: both finish; 1: none
        return obs, reward, terminated, truncated, info

    monkeypatch.setattr(env.vec, "step", finishing)
    td, told = env.reset(), []
    for _ in range(5):
        done, td = act(env, td, np.zeros((2, 2), int))
        told.append(done["next"])
    agents = torch.stack([after["robot", "terminated"][..., 0] for after in told])
    assert agents[:, 0, 1].tolist() == [False, True, True, True, False]
    assert agents[:, 0, 0].tolist() == [False, False, False, True, False]
    assert not agents[:, 1].any()
    assert told[2]["robot", "done"][0, :, 0].tolist() == [False, True]
    last = told[3]
    assert last["done"].all()
    assert last["terminated"][:, 0].tolist() == [True, False]
    assert last["truncated"][:, 0].tolist() == [False, True]
    assert last["robot", "truncated"][..., 0].tolist() == [[False, False], [True, True]]
    assert not td["robot", "terminated"][0, 0]


def test_groups():
    assert group_of(["robot_0", "robot_1"]) == "robot"
    assert group_of(["light_north_0", "light_north_1"]) == "light_north"
    assert group_of(["robot_0", "picker_0"]) == group_of(["north", "south"]) == "agents"


def test_agents_that_finish_one_by_one_stay_terminated_until_the_common_end():
    env = BatchedEnv(relay.vector_env(num_envs=5, max_cycles=6), seed=2)
    check_env_specs(env)
    assert env.group == "runner"
    seen = set()
    data = env.reset()
    for _ in range(40):
        data["runner", "action"] = torch.ones(5, 3, dtype=torch.int64)
        data, following = env.step_and_maybe_reset(data)
        finished = data["next", "runner", "observation"][..., 0] == 0  # no laps left
        done, cut = data["next", "done"][:, 0], data["next", "truncated"][:, 0]
        assert torch.equal(data["next", "runner", "terminated"][..., 0], finished)
        assert torch.equal(data["next", "terminated"][:, 0], finished.all(dim=1))
        assert torch.equal(done, finished.all(dim=1) | cut)
        seen |= {(bool(f.any()), bool(d)) for f, d in zip(finished, done, strict=True)}
        data = following
    assert seen == {(False, False), (True, False), (True, True)}
