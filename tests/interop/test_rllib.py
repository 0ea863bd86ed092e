"""RLlib's runners get from the adapter what stepping the environment gives, masks and true ends included."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

pytest.importorskip("ray.rllib")

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule
from ray.rllib.utils.pre_checks.env import check_multiagent_environments
from ray.tune.registry import register_env

import marl_envs
from marl_envs.interop import EpisodeLog
from marl_envs.interop.rllib import MASK, OBSERVATIONS, CoordinationMetrics, RLlibEnv
from tests import relay

# RLlib registers its environment under one id again for every runner.
pytestmark = pytest.mark.filterwarnings("ignore:.*Overriding environment rllib-multi-agent-env-v0:UserWarning")

ID = "marl_envs/warehouse-5x5-2ag-goal-v0"
STEPS = 40
MASKING = RLModuleSpec(module_class=ActionMaskingTorchRLModule, model_config={"head_fcnet_hiddens": [16]})


def parallel(**parameters: Any) -> Any:
    return marl_envs.make(ID, **{"max_cycles": STEPS, "shaping": 0.5, **parameters})


def settings(make: Any, agents: list[str] | None = None, **runners: Any) -> Any:
    """Return PPO's settings over what `make` returns, with one policy, or one for each of `agents`."""
    register_env("tested", lambda config: make())
    config = PPOConfig().environment("tested").env_runners(num_env_runners=0, **runners).debugging(seed=7)
    if agents:
        return config.multi_agent(policies=set(agents), policy_mapping_fn=lambda agent, episode, **_: agent)
    return config.multi_agent(policies={"all"}, policy_mapping_fn=lambda agent, episode, **_: "all")


def episodes(config: Any, count: int = 1, random_actions: bool = False) -> list[Any]:
    runner = MultiAgentEnvRunner(config=config)
    played = runner.sample(num_episodes=count, random_actions=random_actions)
    runner.stop()
    return list(played)


def replay(env: Any, played: dict[str, Any], seed: int | None) -> list[Any]:
    """Return what `env` gives, step by step, for the actions of RLlib's episode (agent's episodes by name)."""
    results = [env.reset(seed=seed)[0]]
    while env.agents:
        t = len(results) - 1
        results.append(env.step({agent: played[agent].get_actions(t) for agent in env.agents}))
    return results


@pytest.mark.parametrize("env_id", marl_envs.list_environments())
@pytest.mark.parametrize("mask", ["info", "obs", None])
def test_passes_rllibs_check(env_id, mask):
    env = RLlibEnv(marl_envs.make(env_id, mask=mask, max_cycles=1))  # the first step is the last: the hardest case
    check_multiagent_environments(env)
    for seed in range(3):
        obs, _ = env.reset(seed=seed)
        assert list(obs) == env.possible_agents
        assert all(env.get_observation_space(agent).contains(value) for agent, value in obs.items())


def test_masks_are_where_rllibs_module_looks():
    env, direct = RLlibEnv(parallel(mask="obs")), parallel()
    (obs, _), (expected, infos) = env.reset(seed=3), direct.reset(seed=3)
    for agent in env.agents:
        np.testing.assert_array_equal(obs[agent][OBSERVATIONS], expected[agent])
        np.testing.assert_array_equal(obs[agent][MASK], infos[agent]["action_mask"])
        assert obs[agent][OBSERVATIONS].dtype == obs[agent][MASK].dtype == np.float32


@pytest.mark.parametrize("num_envs", [1, 3])
def test_episodes_are_the_environments(num_envs):
    """Observations up to the last true one, rewards of the right agent and step, truncated and not terminated."""
    config = settings(lambda: RLlibEnv(parallel()), num_envs_per_env_runner=num_envs)
    runner = MultiAgentEnvRunner(config=config)
    chunks = runner.sample(num_timesteps=STEPS * num_envs)
    chunks = [chunk for chunk in chunks if chunk.is_done] or runner.sample(num_timesteps=num_envs)
    assert len(chunks) == num_envs
    direct, rewarded = parallel(), 0
    for e, played in enumerate(chunks):
        assert played.is_truncated
        assert not played.is_terminated
        alone = played.agent_episodes
        first, *steps = replay(direct, alone, 7 + e)  # RLlib seeds environment e with seed + e
        for agent, episode in alone.items():
            seen = [first[agent], *(step[0][agent] for step in steps)]
            np.testing.assert_array_equal(episode.get_observations(), np.stack(seen))
            np.testing.assert_allclose(episode.get_rewards(), [step[1][agent] for step in steps], rtol=1e-6)
            assert episode.get_observations().dtype == np.float32
            assert episode.is_truncated
            assert not episode.is_terminated
            rewarded += np.count_nonzero(episode.get_rewards())
    assert rewarded > 0
    runner.stop()


def test_rllibs_own_wrapper_takes_time_limits_for_ends():
    """Why there is an adapter. If this fails, RLlib has been cured."""
    (played,) = episodes(settings(lambda: ParallelPettingZooEnv(parallel())))
    assert all(episode.is_terminated for episode in played.agent_episodes.values())


@pytest.mark.parametrize("leave", [True, False])
def test_agents_that_finish_early(leave):
    config = settings(lambda: RLlibEnv(relay.parallel_env(agents_leave=leave, max_cycles=8)))
    played = episodes(config, 20, random_actions=True)
    mixed = 0
    for whole in played:
        ends = [(e.is_terminated, e.is_truncated, len(e)) for e in whole.agent_episodes.values()]
        laps = [sum(e.get_rewards()) for e in whole.agent_episodes.values()]
        if not leave:
            assert len(set(ends)) == 1
            continue
        for episode in whole.agent_episodes.values():
            ran_out = episode.get_observations(-1)[0] == 0  # no laps left
            assert episode.is_terminated == ran_out
            assert episode.is_truncated == (not ran_out) or len(episode) == whole.env_t
            assert ran_out or len(episode) == 8
        assert all(lap >= 1 for lap, (over, _, _) in zip(laps, ends, strict=True) if over)
        mixed += len({length for _, _, length in ends}) > 1 and len({over for over, _, _ in ends}) > 1
    assert mixed > 0 or not leave


def test_masked_module_takes_allowed_actions_only():
    config = settings(lambda: RLlibEnv(parallel(mask="obs"))).rl_module(rl_module_spec=MASKING)
    forbidden = 0
    for played in episodes(config, 3):
        for episode in played.agent_episodes.values():
            masks = episode.get_observations()[MASK][:STEPS]
            assert np.take_along_axis(masks, np.asarray(episode.get_actions())[:, None], axis=1).all()
            forbidden += np.count_nonzero(masks == 0)
    assert forbidden > 0


def test_one_seed_one_trajectory():
    def actions(seed: int) -> Any:
        (played,) = episodes(settings(lambda: RLlibEnv(parallel())).debugging(seed=seed))
        return np.stack([played.agent_episodes[agent].get_actions() for agent in ("robot_0", "robot_1")])

    np.testing.assert_array_equal(actions(11), actions(11))
    assert (actions(11) != actions(12)).any()


def test_independent_policies():
    agents = ["robot_0", "robot_1"]
    (played,) = episodes(settings(lambda: RLlibEnv(parallel()), agents))
    assert [played.module_for(agent) for agent in agents] == agents


def test_metrics_reach_rllibs_results(tmp_path):
    """They are the environment's own. RLlib pickles what makes the environment, so a log needs a file here."""
    path, outside = tmp_path / "episodes.csv", EpisodeLog()
    log = EpisodeLog(path)
    config = settings(lambda: RLlibEnv(log.watch(parallel())), num_envs_per_env_runner=2).callbacks(CoordinationMetrics)
    runner = MultiAgentEnvRunner(config=config)
    metrics = []
    for _ in range(2):
        runner.sample(num_episodes=6, random_actions=True)
        metrics.append(runner.get_metrics()["coordination"])
    with path.open() as file:
        for row in csv.DictReader(file):
            outside.add({name: float(value) for name, value in row.items()})
    columns = outside.columns()
    assert len(outside) == 12
    assert len(log) == 0
    assert columns["return"].std() > 0
    for name in ("return", "refused_wall", "masked_actions"):
        assert float(metrics[0][name].peek()) == pytest.approx(columns[name][:6].mean())
        assert float(metrics[1][name].peek()) == pytest.approx(columns[name][6:].mean())
    runner.stop()


def test_renders_and_pickles():
    env = RLlibEnv(parallel(render_mode="ansi"))
    env.reset(seed=4)
    assert isinstance(env.render(), str)
    copy = cloudpickle.loads(cloudpickle.dumps(env))
    actions = dict.fromkeys(env.agents, 1)
    expected, given = env.step(actions), copy.step(actions)
    for agent in env.agents:
        np.testing.assert_array_equal(given[0][agent], expected[0][agent])
    assert given[1:4] == expected[1:4]


def train_once(config: Any) -> Any:
    algorithm = config.build_algo()
    results = algorithm.train()
    algorithm.stop()
    Path(algorithm.logdir).rmdir()  # it is empty
    return results


@pytest.mark.slow
def test_remote_runners_and_both_algorithms():
    """A worker process builds the environment by itself, and its metrics come back."""
    import ray
    from ray.rllib.algorithms.dqn import DQNConfig

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        config = settings(lambda: RLlibEnv(parallel())).callbacks(CoordinationMetrics)
        config.env_runners(num_env_runners=1).training(train_batch_size_per_learner=400, minibatch_size=200)
        results = train_once(config)
        assert results["env_runners"]["coordination"]["episode_length"] == STEPS
        assert results["env_runners"]["num_env_steps_sampled_lifetime"] >= 400
        buffer = {"type": "MultiAgentEpisodeReplayBuffer", "capacity": 1000}
        dqn = DQNConfig().environment("tested").env_runners(num_env_runners=0)
        dqn.multi_agent(policies={"all"}, policy_mapping_fn=lambda agent, episode, **_: "all")
        dqn.training(replay_buffer_config=buffer, num_steps_sampled_before_learning_starts=50)
        dqn.reporting(min_sample_timesteps_per_iteration=100)
        assert np.isfinite(train_once(dqn)["learners"]["all"]["qf_loss"])
    finally:
        ray.shutdown()
