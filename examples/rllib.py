"""RLlib's multi-agent PPO and DQN (new API stack), one policy shared by all robots.

    pip install torch "ray[rllib]==2.60.0" pettingzoo==1.27.0
    python -m examples.rllib [--algorithm ppo|dqn]

Use our adapter, not RLlib's own `ParallelPettingZooEnv`: there an episode cut by the time limit counts as terminated,
and its last value as 0. PPO gets masks through the observation (`mask="obs"`) and RLlib's own masking network; DQN
has no masks. Remote env runners work too (`num_env_runners=2`), but take 14 s to start.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import ray
import torch

for name in ("ray", "ray.rllib"):  # before more is imported, or RLlib reports deprecations of its own
    logging.getLogger(name).setLevel(logging.ERROR)

from ray.rllib.algorithms.dqn import DQNConfig  # noqa: E402
from ray.rllib.algorithms.ppo import PPOConfig  # noqa: E402
from ray.rllib.core.columns import Columns  # noqa: E402
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig  # noqa: E402
from ray.rllib.core.rl_module.rl_module import RLModuleSpec  # noqa: E402
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule  # noqa: E402
from ray.tune.registry import register_env  # noqa: E402

from examples import task  # noqa: E402
from marl_envs.interop.rllib import MASK, OBSERVATIONS, CoordinationMetrics, RLlibEnv  # noqa: E402

STEPS = {"ppo": 160_000, "dqn": 90_000}  # agent-steps: a minute or so


def ppo() -> Any:
    """Return PPO's settings, with masked actions."""
    network = RLModuleSpec(
        module_class=ActionMaskingTorchRLModule,
        model_config={"fcnet_hiddens": [128, 128], "head_fcnet_hiddens": []},
    )
    return (
        PPOConfig()
        .environment("warehouse", env_config={"mask": "obs"})
        .env_runners(num_env_runners=0, num_envs_per_env_runner=16)
        .rl_module(rl_module_spec=network)
        .training(train_batch_size_per_learner=3200, minibatch_size=800, num_epochs=4, lr=1e-3, gamma=0.99)
        .training(lambda_=0.95, entropy_coeff=0.01, use_kl_loss=False, grad_clip=0.5)
    )


def dqn() -> Any:
    """Return DQN's settings."""
    # RLlib's default buffer is for one agent (TypeError: unhashable type: 'slice').
    buffer = {"type": "MultiAgentEpisodeReplayBuffer", "capacity": 100_000}
    return (
        DQNConfig()
        .environment("warehouse")
        .env_runners(num_env_runners=0, num_envs_per_env_runner=8, rollout_fragment_length=4)
        .rl_module(model_config=DefaultModelConfig(fcnet_hiddens=[128], head_fcnet_hiddens=[128]))
        .training(replay_buffer_config=buffer, train_batch_size_per_learner=128, lr=1e-3, gamma=0.99, n_step=4)
        .training(num_steps_sampled_before_learning_starts=2000, target_network_update_freq=800)
        .training(epsilon=[(0, 1.0), (15_000, 0.02)], dueling=False)
        .reporting(min_sample_timesteps_per_iteration=3000)
    )


def build(algorithm: str, seed: int) -> Any:
    """Return the algorithm, ready to train."""
    register_env("warehouse", lambda config: RLlibEnv(task.parallel_env(**config)))
    config = {"ppo": ppo, "dqn": dqn}[algorithm]()
    return (
        # Independent policies: policies=set(task.AGENTS), policy_mapping_fn=lambda agent, episode, **_: agent
        config.multi_agent(policies={"shared"}, policy_mapping_fn=lambda agent, episode, **_: "shared")
        .callbacks(CoordinationMetrics)
        .debugging(seed=seed, log_level="ERROR")
        .build_algo()
    )


def act(algorithm: str, trainer: Any, obs: Any, masks: Any) -> Any:
    """Return the best actions, integers [E * A]; masked for PPO alone."""
    flat = torch.from_numpy(obs).flatten(0, 1)
    seen: Any = flat
    if algorithm == "ppo":
        seen = {OBSERVATIONS: flat, MASK: torch.from_numpy(masks).flatten(0, 1).float()}
    with torch.no_grad():
        out = trainer.get_module("shared").forward_inference({Columns.OBS: seen})
    return out[Columns.ACTIONS] if Columns.ACTIONS in out else out[Columns.ACTION_DIST_INPUTS].argmax(-1)


def main() -> None:
    """Train for a minute, evaluating now and then."""
    parser = task.parser(None)
    parser.add_argument("--algorithm", choices=list(STEPS), default="ppo")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    trainer = build(chosen.algorithm, chosen.seed)
    curve = task.Curve(f"RLlib {chosen.algorithm.upper()}", chosen)
    total, agent_steps, metrics = chosen.steps or STEPS[chosen.algorithm], 0, []
    while agent_steps < total:
        results = trainer.train()["env_runners"]
        agent_steps = int(results["num_env_steps_sampled_lifetime"]) * len(task.AGENTS)
        metrics.append(results.get("coordination", {}))
        if len(curve.points) < 8 * agent_steps // total:
            curve.point(agent_steps, lambda obs, masks: act(chosen.algorithm, trainer, obs, masks))
    curve.finish()
    print("coordination in RLlib's own results, first and last iteration:")
    for name in ("deliveries", "refused_fraction", "jain_fairness"):
        first, last = (results.get(name, math.nan) for results in (metrics[0], metrics[-1]))
        print(f"  {name:<17} {first:6.2f} {last:6.2f}")
    trainer.stop()
    Path(trainer.logdir).rmdir()  # an empty folder below ~/ray_results
    ray.shutdown()


if __name__ == "__main__":
    main()
