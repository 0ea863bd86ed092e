"""Tianshou: PPO (or DQN) with one policy for all robots.

    pip install torch "tianshou==2.0.1"
    python -m examples.tianshou [--algorithm ppo|dqn]

Not by Tianshou's multi-agent wrapper: of agents that act at the same time it credits only the last one. Instead
`TianshouVectorEnv` makes every robot of every environment one of Tianshou's environments, with its own reward.
Tianshou's DQN finds the action mask in the observation and never acts against it; its PPO has no masks, so the actor
below applies them. Evaluation therefore uses masks, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tianshou.algorithm import DQN, PPO
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Batch, Collector, VectorReplayBuffer
from tianshou.trainer import OffPolicyTrainerParams, OnPolicyTrainerParams
from tianshou.utils.net.common import Net
from tianshou.utils.net.discrete import DiscreteActor, DiscreteCritic

from examples import task
from marl_envs.interop import EpisodeLog
from marl_envs.interop.tianshou import TianshouVectorEnv


class Unwrapped(Net):
    """A network that takes the `obs` out of an observation; Tianshou's PPO hands on the whole of it."""

    def forward(self, obs: Any, state: Any = None, info: Any = None) -> Any:
        """Return the network's output and state."""
        return super().forward(obs.obs, state, info)


class MaskedActor(DiscreteActor):
    """An actor whose logits forbid what the mask forbids."""

    def forward(self, obs: Any, state: Any = None, info: Any = None) -> Any:
        """Return logits [B, N] and the state."""
        logits, state = super().forward(obs, state, info)
        return logits.masked_fill(~torch.as_tensor(obs.mask), -1e9), state


def make_dqn(env: TianshouVectorEnv) -> Any:
    """Return Tianshou's double DQN."""
    net = Net(state_shape=task.OBSERVATION_LENGTH, action_shape=task.NUM_ACTIONS, hidden_sizes=[128, 128])
    policy = DiscreteQLearningPolicy(
        model=net, action_space=env.vec.action_space, observation_space=env.vec.observation_space, eps_training=1.0
    )
    return DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), n_step_return_horizon=3, target_update_freq=200)


def make_ppo(env: TianshouVectorEnv) -> Any:
    """Return Tianshou's PPO."""
    nets = [Unwrapped(state_shape=task.OBSERVATION_LENGTH, hidden_sizes=[128, 128]) for _ in range(2)]
    actor = MaskedActor(preprocess_net=nets[0], action_shape=task.NUM_ACTIONS, softmax_output=False)
    critic = DiscreteCritic(preprocess_net=nets[1])
    policy = DiscreteActorPolicy(
        actor=actor,
        dist_fn=lambda logits: torch.distributions.Categorical(logits=logits),
        action_space=env.vec.action_space,
        observation_space=env.vec.observation_space,
    )
    return PPO(policy=policy, critic=critic, optim=AdamOptimizerFactory(lr=1e-3), max_grad_norm=0.5, max_batchsize=4096)


def main() -> None:
    """Train for a minute, evaluating now and then."""
    parser = task.parser(steps=None)
    parser.add_argument("--algorithm", choices=("ppo", "dqn"), default="ppo")
    chosen = parser.parse_args()
    dqn = chosen.algorithm == "dqn"
    steps = chosen.steps or (90_000 if dqn else 150_000)
    torch.set_num_threads(1)
    torch.manual_seed(chosen.seed)
    np.random.seed(chosen.seed)  # Tianshou explores with NumPy's global stream
    log = EpisodeLog()
    env = TianshouVectorEnv(task.vector_env(8 if dqn else 32), log)
    algorithm = make_dqn(env) if dqn else make_ppo(env)
    env.seed(chosen.seed)
    buffer = VectorReplayBuffer(100_000 if dqn else len(env) * 128, len(env))
    collector = Collector(algorithm, env, buffer, exploration_noise=dqn)
    collector.reset()

    def act(obs: Any, mask: Any) -> Any:
        flat = Batch(obs=obs.reshape(-1, obs.shape[-1]), mask=mask.reshape(-1, mask.shape[-1]).astype(bool))
        with torch.no_grad():
            return algorithm.policy(Batch(obs=flat, info=Batch())).act

    def at_step(epoch: int, step: int) -> None:
        if dqn:
            algorithm.policy.set_eps_training(max(0.05, 1 - 2 * step / steps))
        if step >= (len(curve.points) + 1) * steps / 10:
            curve.point(step, act)

    common: dict[str, Any] = {"max_epochs": 1, "epoch_num_steps": steps, "training_collector": collector}
    common |= {"training_fn": at_step, "verbose": False, "show_progress": False}
    curve = task.Curve(f"Tianshou {chosen.algorithm.upper()}", chosen)
    if dqn:
        more = {
            "collection_step_num_env_steps": 160,
            "batch_size": 256,
            "update_step_num_gradient_steps_per_sample": 0.1,
        }
        algorithm.run_training(OffPolicyTrainerParams(**common, **more))
    else:
        more = {"collection_step_num_env_steps": len(env) * 64, "batch_size": 512, "update_step_num_repetitions": 4}
        algorithm.run_training(OnPolicyTrainerParams(**common, **more))
    curve.point(collector.collect_step, act)
    curve.finish()
    delivered = log.columns()["deliveries"]
    print(f"{len(log)} episodes while it trained, the last 50 with {delivered[-50:].mean():.2f} deliveries")


if __name__ == "__main__":
    main()
