"""AgileRL gets what the environments give, by its own vector class and by ours; and what it does not manage."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("agilerl")

import torch

with warnings.catch_warnings():  # of AgileRL 2.58, about its own class
    warnings.filterwarnings("ignore", "MakeEvolvable will be deprecated", DeprecationWarning)
    from agilerl.algorithms import IPPO, MADDPG
from agilerl.components.replay_buffer import ReplayBuffer
from agilerl.training.train_multi_agent_off_policy import train_multi_agent_off_policy
from agilerl.utils.algo_utils import concatenate_experiences_into_batches, vectorize_agent_experiences_flat
from agilerl.vector.pz_async_vec_env import AsyncPettingZooVecEnv

import marl_envs
from marl_envs.interop import EpisodeLog
from marl_envs.interop.agilerl import VecEnv
from tests import relay

# The first draw from MADDPG's last layer imports PyTorch's compiler, which uses what PyTorch itself deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")

ID = "marl_envs/warehouse-5x5-2ag-goal-v0"
TABULAR = "marl_envs/warehouse-5x5-2ag-tabular-v0"
AGENTS = ["robot_0", "robot_1"]
EPISODE, E = 9, 3
NETWORK = {"latent_dim": 16, "encoder_config": {"hidden_size": [16]}, "head_config": {"hidden_size": [16]}}


def choices(**parameters: Any) -> dict[str, Any]:
    return {"max_cycles": EPISODE, "shaping": 0.5, **parameters}


def batch(env_id: str = ID, **parameters: Any) -> Any:
    return marl_envs.make_vec(env_id, E, **choices(**parameters))


def learner(algorithm: Any, env: Any, **settings: Any) -> Any:
    torch.manual_seed(0)
    np.random.seed(0)
    return algorithm(
        [env.single_observation_space(agent) for agent in env.agents],
        [env.single_action_space(agent) for agent in env.agents],
        agent_ids=env.agents,
        net_config=NETWORK,
        **settings,
    )


def draw(rng: np.random.Generator) -> dict[str, Any]:
    return {agent: rng.integers(0, 5, E) for agent in AGENTS}


def test_ours_gives_what_the_batch_gives():
    log = EpisodeLog()
    env, vec = VecEnv(batch(), log=log), batch()
    (obs, infos), (expected, info) = env.reset(seed=5), vec.reset(seed=5)
    rng, ends = np.random.default_rng(0), 0
    for _ in range(3 * EPISODE):
        for a, agent in enumerate(AGENTS):
            np.testing.assert_array_equal(obs[agent], expected[:, a])
            assert obs[agent].dtype == np.float32
            np.testing.assert_array_equal(infos[agent]["action_mask"], info["action_mask"][:, a])
        actions = draw(rng)
        obs, reward, terminated, truncated, infos = env.step(actions)
        expected, paid, over, cut, info = vec.step(np.stack([actions[agent] for agent in AGENTS], axis=1))
        for a, agent in enumerate(AGENTS):
            np.testing.assert_array_equal(reward[agent], paid[:, a])
            np.testing.assert_array_equal(terminated[agent], over[:, a])
            np.testing.assert_array_equal(truncated[agent], cut[:, a])
        ends += int(cut[:, 0].sum())
    assert len(log) == ends == 3 * E
    with pytest.raises(KeyError, match="robot_1"):
        env.step({"robot_0": np.zeros(E, int)})
    with pytest.raises(ValueError, match="shape"):
        env.step(dict.fromkeys(AGENTS, np.zeros(E + 1, int)))


def test_agents_that_finish_early_terminate_at_the_common_end():
    env = VecEnv(relay.vector_env(20, max_cycles=5))
    obs, _ = env.reset(seed=1)
    rng, seen = np.random.default_rng(1), set()
    for _ in range(30):
        before = obs
        obs, _, terminated, truncated, infos = env.step({agent: rng.integers(0, 2, 20) for agent in env.agents})
        ended = np.all([terminated[agent] | truncated[agent] for agent in env.agents], axis=0)
        for agent in env.agents:
            assert not (terminated[agent] | truncated[agent])[~ended].any()
            done_before = before[agent][:, 0] == 0
            assert (terminated[agent] >= done_before)[ended].all()
            assert not infos[agent]["alive"][done_before & ~ended].any()
            seen |= set(zip(terminated[agent][ended].tolist(), truncated[agent][ended].tolist(), strict=True))
    assert seen == {(True, False), (False, True)}


def test_agilerls_own_processes_give_the_environments():
    """Seeds, rewards, masks and ends as in the environments stepped directly, and as our class names them."""
    env = AsyncPettingZooVecEnv([lambda: marl_envs.make(ID, **choices())] * E)
    try:
        direct = [marl_envs.make(ID, **choices()) for _ in range(E)]
        obs, infos = env.reset(seed=5)
        firsts = [single.reset(seed=5 + e) for e, single in enumerate(direct)]
        ours = VecEnv(batch())
        mine, mine_infos = ours.reset(seed=5)
        assert list(obs) == list(mine)
        assert set(mine_infos["robot_0"]) - {"alive"} <= set(infos["robot_0"])
        rng = np.random.default_rng(0)
        for t in range(1, EPISODE + 1):
            actions = draw(rng)
            obs, reward, _, truncated, infos = env.step(actions)
            for e, single in enumerate(direct):
                first = single.step({agent: actions[agent][e] for agent in AGENTS})
                firsts[e] = single.reset() if t == EPISODE else (first[0], first[4])
                for agent in AGENTS:
                    # The last observation is lost: the next episode's first one is in its place.
                    np.testing.assert_array_equal(obs[agent][e], firsts[e][0][agent])
                    np.testing.assert_array_equal(infos[agent]["action_mask"][e], firsts[e][1][agent]["action_mask"])
                    assert reward[agent][e] == first[1][agent]
                    assert truncated[agent][e] == (t == EPISODE)
            assert {agent: array.dtype for agent, array in obs.items()} == dict.fromkeys(AGENTS, np.float32)
    finally:
        env.close()


@pytest.mark.parametrize("env_id", [ID, TABULAR])
def test_maddpg_takes_allowed_actions_only(env_id):
    env = VecEnv(batch(env_id))
    algorithm = learner(MADDPG, env, vect_noise_dim=E)
    obs, infos = env.reset(seed=2)
    forbidden = 0
    for _ in range(30):
        actions, _ = algorithm.get_action(obs=obs, infos=infos)
        for agent in AGENTS:
            masks = infos[agent]["action_mask"]
            assert np.take_along_axis(masks, actions[agent][:, None], axis=1).all()
            forbidden += np.count_nonzero(masks == 0)
        obs, _, _, _, infos = env.step(actions)
    assert forbidden > 0


class Recorder(VecEnv):
    """Keeps the actions it is given."""

    def step(self, actions: dict[str, Any], *args: Any, **kwargs: Any) -> tuple[dict[str, Any], ...]:
        self.taken = [*getattr(self, "taken", []), actions]
        return super().step(actions)


def trained(steps: int) -> tuple[Any, Any, list[dict[str, Any]]]:
    """Return MADDPG after some training, its memory and the actions that it took."""
    env = Recorder(batch())
    env.reset(seed=8)
    algorithm, memory = learner(MADDPG, env, vect_noise_dim=E, learn_step=E, batch_size=16), ReplayBuffer(10_000)
    sizes = {"max_steps": steps, "evo_steps": steps, "eval_loop": 1, "eval_steps": 1, "verbose": False}
    train_multi_agent_off_policy(env, "tested", "MADDPG", [algorithm], memory, **sizes)
    return algorithm, memory.storage, env.taken


def test_memory_holds_what_happened():
    steps = 2 * EPISODE
    _, storage, taken = trained(steps * E)
    vec = batch()
    vec.reset(seed=8)
    obs, _ = vec.reset()  # the training loop's own
    rewarded = 0
    for t in range(steps):
        rows = slice(t * E, (t + 1) * E)
        before = obs.copy()
        obs, reward, _, _, _ = vec.step(np.stack([taken[t][agent] for agent in AGENTS], axis=1))
        for a, agent in enumerate(AGENTS):
            np.testing.assert_array_equal(storage["obs"][agent][rows].numpy(), before[:, a])
            np.testing.assert_array_equal(storage["next_obs"][agent][rows].numpy(), obs[:, a])
            np.testing.assert_array_equal(storage["reward"][agent][rows].numpy().reshape(-1), reward[:, a])
            assert not storage["done"][agent][rows].any()  # a time limit is no end
        rewarded += np.count_nonzero(reward)
    assert rewarded > 0


def test_one_seed_one_training():
    first, second = (trained(60)[0].actors.state_dict() for _ in range(2))
    for name, weights in first.items():
        torch.testing.assert_close(weights, second[name], rtol=0, atol=0)


def test_ippo_cannot_read_masks():
    """If this fails, AgileRL has been cured and `mask=None` is not needed any more."""
    env = VecEnv(batch(), shared=False)
    obs, infos = env.reset(seed=0)
    with pytest.raises(ValueError, match="truth value of an array"):
        learner(IPPO, env).get_action(obs=obs, infos=infos)
    env = VecEnv(batch(mask=None), shared=False)
    obs, infos = env.reset(seed=0)
    actions, *_ = learner(IPPO, env).get_action(obs=obs, infos=infos)
    assert {agent: array.shape for agent, array in actions.items()} == {"robot0": (E,), "robot1": (E,)}


def test_ippo_mixes_up_agents_that_share():
    """Its observations come agent by agent, its rewards step by step. If this fails, AgileRL has been cured."""
    env = VecEnv(batch(mask=None))
    steps = np.arange(4 * E, dtype=np.float32).reshape(4, E)
    told = {agent: steps + 100 * a for a, agent in enumerate(AGENTS)}  # a number for every agent, step, environment
    shape = env.single_observation_space("robot_0").shape
    seen = {agent: np.broadcast_to(told[agent][..., None], (4, E, *shape)) for agent in AGENTS}
    space = env.single_observation_space("robot_0")
    rows = concatenate_experiences_into_batches(seen, space)[:, 0]
    rewards = vectorize_agent_experiences_flat(told).reshape(-1)
    assert sorted(rows.tolist()) == sorted(rewards.tolist())
    assert rows.tolist() != rewards.tolist()
    alone = {"robot0": told["robot_0"]}
    rows = concatenate_experiences_into_batches({"robot0": seen["robot_0"]}, space)[:, 0]
    assert rows.tolist() == vectorize_agent_experiences_flat(alone).reshape(-1).tolist()


def test_names_decide_who_shares():
    together, apart = VecEnv(batch()), VecEnv(batch(), shared=False)
    assert list(learner(MADDPG, together, vect_noise_dim=E).actors) == ["robot"]
    assert list(learner(MADDPG, apart, vect_noise_dim=E).actors) == ["robot0", "robot1"]
