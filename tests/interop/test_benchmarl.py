"""BenchMARL: every registered environment is a task; masks, state and rewards reach its algorithms rightly."""

from __future__ import annotations

import pickle
import sys
import warnings

import numpy as np
import pytest

benchmarl = pytest.importorskip("benchmarl")
import torch  # noqa: E402

with warnings.catch_warnings():  # of pygame and others that BenchMARL imports, about themselves
    warnings.simplefilter("ignore", DeprecationWarning)
    from benchmarl.algorithms import IppoConfig, IqlConfig, MappoConfig, QmixConfig, VdnConfig
    from benchmarl.environments import task_config_registry
    from benchmarl.experiment import Callback, Experiment, ExperimentConfig
    from benchmarl.models.mlp import MlpConfig

import marl_envs  # noqa: E402
from marl_envs.interop.benchmarl import CoordinationMetrics, MarlEnvsTask, main, task  # noqa: E402

# What BenchMARL takes from its TorchRL; BenchMARL, on batches shorter than an episode; TorchRL's own PPO loss.
pytestmark = [
    pytest.mark.filterwarnings("ignore:SyncDataCollector has been deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:No episode terminated this iteration:UserWarning"),
    pytest.mark.filterwarnings("ignore:size_average and reduce args will be deprecated:UserWarning"),
]
GOAL = "marl_envs/warehouse-5x5-2ag-goal-v0"
ALGORITHMS = [IqlConfig, VdnConfig, QmixConfig, IppoConfig, MappoConfig]


class Seen(Callback):
    """Keeps what was collected, and what training sampled."""

    def __init__(self):
        super().__init__()
        self.collected, self.sampled, self.evaluated, self.logged = [], [], [], {}

    def on_batch_collected(self, batch):
        self.collected.append(batch.clone())

    def on_train_step(self, batch, group):
        self.sampled.append(batch.clone())

    def on_evaluation_end(self, rollouts):
        self.evaluated.append(rollouts)


def experiment(folder, algorithm, config=None, frames=48, seed=0, callbacks=(), **settings):
    """Return a run of two short rounds: 4 environments, 12 steps a round."""
    ec = ExperimentConfig.get_from_yaml()
    ec.max_n_frames, ec.max_n_iters = 2 * frames, None
    ec.on_policy_collected_frames_per_batch = ec.off_policy_collected_frames_per_batch = frames
    ec.on_policy_n_envs_per_worker = ec.off_policy_n_envs_per_worker = 4
    ec.on_policy_n_minibatch_iters, ec.on_policy_minibatch_size = 1, 24
    ec.off_policy_n_optimizer_steps, ec.off_policy_train_batch_size, ec.off_policy_memory_size = 2, 16, 1000
    ec.loggers, ec.create_json, ec.evaluation, ec.save_folder = [], False, False, str(folder)
    for name, value in settings.items():
        setattr(ec, name, value)
    model = MlpConfig(num_cells=[16], activation_class=torch.nn.ReLU, layer_class=torch.nn.Linear)
    return Experiment(
        task=task(GOAL, **{"max_cycles": 6, **(config or {})}),
        algorithm_config=algorithm.get_from_yaml(),
        model_config=model,
        critic_model_config=model,
        seed=seed,
        config=ec,
        callbacks=list(callbacks),
    )


def assert_only_allowed(batch):
    mask, action = batch["robot", "action_mask"], batch["robot", "action"]
    assert not mask.all()
    assert mask.gather(-1, action[..., None]).all()


@pytest.mark.parametrize("env_id", marl_envs.list_environments())
def test_every_registered_environment_is_a_task(env_id):
    name = env_id.removeprefix("marl_envs/").replace("-", "_")
    chosen = task(env_id, max_cycles=9)
    assert chosen == MarlEnvsTask[name.upper()].get_task({"max_cycles": 9})
    assert task_config_registry[f"marl_envs/{name}"] is MarlEnvsTask[name.upper()]
    make = chosen.get_env_fun(num_envs=3, continuous_actions=False, seed=0, device="cpu")
    if "tabular" in env_id:
        with pytest.raises(ValueError, match="BenchMARL's networks take vectors"):
            make()
        return
    env = make()
    agents = marl_envs.make(env_id).possible_agents
    group = agents[0].rsplit("_", 1)[0]
    assert chosen.group_map(env) == {group: agents}
    assert chosen.max_steps(env) == 9
    assert env.batch_size == (3,)
    length = marl_envs.make(env_id).observation_space(agents[0]).shape
    assert chosen.observation_spec(env)[group, "observation"].shape == (len(agents), *length)
    actions = int(marl_envs.make(env_id).action_space(agents[0]).n)
    assert chosen.action_mask_spec(env)[group, "action_mask"].shape == (len(agents), actions)
    assert chosen.action_spec(env)[group, "action"].shape == (len(agents),)
    assert chosen.state_spec(env)["state"].shape == marl_envs.make(env_id).state_space.shape


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown environment 'warehouse'; registered are marl_envs/warehouse-tiny"):
        task("warehouse")
    with pytest.raises(ValueError, match="unknown parameter 'robots'"):
        task(GOAL, robots=3).get_env_fun(1, False, 0, "cpu")()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_algorithms_train_and_act_within_the_masks(algorithm, tmp_path):
    seen = Seen()
    run = experiment(tmp_path, algorithm, callbacks=[seen])
    before = [p.detach().clone() for p in run.policy.parameters()]
    run.run()
    assert any(not torch.equal(old, new) for old, new in zip(before, run.policy.parameters(), strict=True))
    assert len(seen.collected) == 2
    for batch in seen.collected:
        assert batch.shape == (4, 12)
        assert_only_allowed(batch)
        assert batch["robot", "observation"].dtype is torch.float32
        assert (batch["next", "truncated"].sum(1) == 2).all()
        assert not batch["next", "terminated"].any()


def test_without_masks(tmp_path):
    run = experiment(tmp_path, QmixConfig, {"mask": None})
    assert run.action_mask_spec is None
    run.run()


@pytest.mark.parametrize("with_state", [True, False])
def test_qmix_mixes_by_the_global_state(with_state, tmp_path):
    run = experiment(tmp_path, QmixConfig, {"with_state": with_state})
    mixer = run.algorithm.get_mixer("robot")
    length = marl_envs.make(GOAL).state_space.shape[0]
    assert mixer.in_keys[1] == ("state" if with_state else ("robot", "observation"))
    assert mixer.module.hyper_w_1.in_features == (length if with_state else 2 * 119)
    run.close()


@pytest.mark.parametrize("reward", ["team", "individual"])
def test_what_is_collected_is_what_the_environment_gives(reward, tmp_path):
    seen = Seen()
    parameters = {"max_cycles": 6, "shaping": 0.5, "reward": reward}
    experiment(tmp_path, VdnConfig, parameters, seed=5, callbacks=[seen]).run()
    batch = torch.cat(seen.collected, dim=1)
    vec = marl_envs.make_vec(GOAL, 4, **parameters)
    obs, info = vec.reset(seed=5)
    state, paid = vec.state(), 0.0
    for t in range(batch.shape[1]):
        now, then = batch[:, t], batch[:, t]["next"]
        np.testing.assert_array_equal(now["robot", "observation"], obs)
        np.testing.assert_array_equal(now["robot", "action_mask"], info["action_mask"].astype(bool))
        np.testing.assert_array_equal(now["state"], state)
        obs, rewards, _, truncated, info = vec.step(now["robot", "action"].numpy())
        state = vec.state()
        np.testing.assert_array_equal(then["robot", "reward"][..., 0], rewards)
        np.testing.assert_array_equal(then["robot", "done"][..., 0], truncated)
        last = np.where(info["ended"][:, None, None], info["final_obs"], obs)
        np.testing.assert_array_equal(then["robot", "observation"], last)
        paid += np.abs(rewards).sum()
    assert paid > 0
    # VDN and QMIX learn from the mean over agents: the team's reward only if each is paid that.
    for sample in seen.sampled:
        own = sample["next", "robot", "reward"]
        assert torch.equal(sample["next", "reward"], own.mean(-2))
        assert (own[:, 0] == own[:, 1]).all() == (reward == "team")


def test_a_seed_repeats_a_run(tmp_path):
    runs = []
    for seed in (1, 1, 2):
        seen = Seen()
        experiment(tmp_path, IqlConfig, seed=seed, callbacks=[seen]).run()
        runs.append(torch.cat(seen.collected, dim=1))
    assert torch.equal(runs[0]["robot", "action"], runs[1]["robot", "action"])
    assert torch.equal(runs[0]["next", "robot", "observation"], runs[1]["next", "robot", "observation"])
    assert not torch.equal(runs[0]["robot", "observation"], runs[2]["robot", "observation"])


@pytest.mark.parametrize(("algorithm", "collect_with_grad"), [(IqlConfig, False), (IppoConfig, True)])
def test_coordination_metrics_reach_the_user(algorithm, collect_with_grad, tmp_path, monkeypatch):
    metrics = CoordinationMetrics()
    run = experiment(tmp_path, algorithm, callbacks=[metrics], collect_with_grad=collect_with_grad)
    written = {}
    monkeypatch.setattr(run.logger, "log", lambda values, step: written.setdefault(step, {}).update(values))
    run.run()
    assert len(metrics.log) == 16  # 2 rounds x 4 environments x 2 episodes
    columns = metrics.log.columns()
    assert written[0]["collection/coordination/deliveries"] == columns["deliveries"][:8].mean()
    assert written[1]["collection/coordination/waiting_fraction"] == columns["waiting_fraction"][8:].mean()


def test_evaluation_plays_whole_episodes(tmp_path):
    seen = Seen()
    run = experiment(
        tmp_path,
        QmixConfig,
        callbacks=[seen],
        evaluation=True,
        evaluation_interval=48,
        evaluation_episodes=3,
        evaluation_static=True,
        create_json=True,
    )
    run.run()
    first, second = seen.evaluated
    assert len(first) == len(second) == 3
    for rollout in first + second:
        assert rollout.shape == (6,)
        assert rollout["next", "done"][:, 0].tolist() == [False] * 5 + [True]
        assert_only_allowed(rollout)
    for one, other in zip(first, second, strict=True):  # static: the same starts
        assert torch.equal(one["robot", "observation"][0], other["robot", "observation"][0])


def test_tasks_are_pickled(tmp_path):
    chosen = task(GOAL, reward="team")
    assert pickle.loads(pickle.dumps(chosen)) == chosen
    run = experiment(tmp_path, IqlConfig)
    run.close()
    with (run.folder_name / "config.pkl").open("rb") as file:  # what BenchMARL reloads experiments from
        assert pickle.load(file) == run.task


# BenchMARL looks for a dataclass of the parameters inside its own package, to check types; our own checks are stricter.
@pytest.mark.filterwarnings("ignore:TaskConfig python dataclass not found:UserWarning")
def test_the_command_line(tmp_path, monkeypatch, capsys):
    settings = {
        "algorithm": "vdn",
        "task": "marl_envs/warehouse_5x5_2ag_goal_v0",
        "task.max_cycles": 6,
        "task.reward": "team",
        "experiment.max_n_frames": 24,
        "experiment.off_policy_collected_frames_per_batch": 24,
        "experiment.off_policy_n_envs_per_worker": 2,
        "experiment.off_policy_n_optimizer_steps": 1,
        "experiment.off_policy_memory_size": 100,
        "experiment.loggers": "[csv]",
        "experiment.evaluation": "False",
        "hydra.run.dir": tmp_path,
        "hydra/job_logging": "none",
    }
    monkeypatch.setattr(sys, "argv", ["benchmarl", *(f"{name}={value}" for name, value in settings.items())])
    main()
    assert "Task: marl_envs/warehouse_5x5_2ag_goal_v0" in capsys.readouterr().out
    assert list(tmp_path.rglob("collection_reward_reward_mean.csv"))
