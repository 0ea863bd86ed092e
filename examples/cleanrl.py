"""PPO in one file of plain PyTorch, after CleanRL's manner, over the VectorEnv: all robots share one network.

    pip install torch
    python -m examples.cleanrl

`vec.as_torch()` shows the environments' own arrays as tensors, without a copy. Masked actions get probability 0, and
a time limit is no end of the world: the value of the last observation goes on counting.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

from examples import task
from marl_envs.interop import EpisodeLog

NUM_ENVS, ROLLOUT, EPOCHS, MINIBATCHES = 64, 64, 4, 8
GAMMA, LAMBDA, CLIP, ENTROPY, RATE = 0.99, 0.95, 0.2, 0.01, 1e-3


class ActorCritic(nn.Module):
    """Two networks of two hidden layers."""

    def __init__(self, inputs: int, actions: int) -> None:
        """Make them."""
        super().__init__()
        self.actor, self.critic = (
            nn.Sequential(nn.Linear(inputs, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, outputs))
            for outputs in (actions, 1)
        )

    def policy(self, obs: torch.Tensor, mask: torch.Tensor) -> Categorical:
        """Return the distribution over allowed actions."""
        return Categorical(logits=self.actor(obs).masked_fill(mask == 0, -1e9), validate_args=False)

    def value(self, obs: torch.Tensor) -> torch.Tensor:
        """Return the expected return."""
        return self.critic(obs).squeeze(-1)


class Rollout:
    """Plays ROLLOUT steps at a time, and knows how long the environment itself took."""

    def __init__(self, vec: Any, model: ActorCritic, log: EpisodeLog, seed: int) -> None:
        """Start the episodes."""
        self.env, self.model, self.log = vec.as_torch(), model, log
        self.obs, info = self.env.reset(seed=seed)
        self.mask = info["action_mask"]
        self.env_seconds = 0.0

    @torch.no_grad()
    def play(self) -> dict[str, torch.Tensor]:
        """Return obs, mask, action, log-probability, advantage and return, each [ROLLOUT * E * A, ...]."""
        steps = []
        for _ in range(ROLLOUT):
            # Kept beyond the next step, so copied: the environment writes into the same memory again.
            obs, mask = self.obs.clone(), self.mask.clone()
            policy = self.model.policy(obs, mask)
            action = policy.sample()
            began = time.perf_counter()
            self.obs, reward, _, _, info = self.env.step(action)
            self.env_seconds += time.perf_counter() - began
            self.mask, ended = info["action_mask"], info["ended"]
            self.log.add_batch(info)
            # Nothing terminates in the warehouse, it is only cut: an episode's last value is that of its last sight.
            beyond = self.model.value(info["final_obs"][ended]) if ended.any() else None
            steps.append((obs, mask, action, policy.log_prob(action), reward.clone(), ended.clone(), beyond))
        return self._with_advantages(steps)

    def _with_advantages(self, steps: list[tuple[Any, ...]]) -> dict[str, torch.Tensor]:
        """Add generalised advantage estimates (Schulman et al., 2016)."""
        obs, mask, action, log_prob, reward, ended, beyond = zip(*steps, strict=True)
        value = self.model.value(torch.stack(obs))
        following, advantage = self.model.value(self.obs), torch.zeros_like(reward[0])
        advantages = torch.zeros_like(value)
        for t in reversed(range(ROLLOUT)):
            if beyond[t] is not None:
                following, advantage = following.clone(), advantage.clone()
                following[ended[t]], advantage[ended[t]] = beyond[t], 0.0
            error = reward[t] + GAMMA * following - value[t]
            advantages[t] = advantage = error + GAMMA * LAMBDA * advantage
            following = value[t]
        columns = {"obs": obs, "mask": mask, "action": action, "log_prob": log_prob}
        batch = {name: torch.stack(column) for name, column in columns.items()}
        batch |= {"advantage": advantages, "return": advantages + value}
        return {name: column.flatten(0, 2) for name, column in batch.items()}


def update(model: ActorCritic, optimizer: torch.optim.Optimizer, batch: dict[str, torch.Tensor]) -> None:
    """Improve the networks on one batch by PPO's clipped objective."""
    size = len(batch["action"])
    for _ in range(EPOCHS):
        for rows in torch.randperm(size).split(size // MINIBATCHES):
            b = {name: column[rows] for name, column in batch.items()}
            policy = model.policy(b["obs"], b["mask"])
            ratio = (policy.log_prob(b["action"]) - b["log_prob"]).exp()
            advantage = (b["advantage"] - b["advantage"].mean()) / (b["advantage"].std() + 1e-8)
            gain = torch.min(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage).mean()
            error = (model.value(b["obs"]) - b["return"]).square().mean()
            optimizer.zero_grad()
            (0.5 * error - gain - ENTROPY * policy.entropy().mean()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()


def main() -> None:
    """Train for a minute, evaluating now and then."""
    chosen = task.arguments(steps=1_000_000)
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(1)
    model = ActorCritic(task.OBSERVATION_LENGTH, task.NUM_ACTIONS)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)

    def act(obs: Any, mask: Any) -> Any:
        with torch.no_grad():
            return model.policy(torch.from_numpy(obs), torch.from_numpy(mask)).probs.argmax(-1).numpy()

    log = EpisodeLog()
    curve = task.Curve("plain PyTorch PPO", chosen)
    rollout = Rollout(task.vector_env(NUM_ENVS), model, log, chosen.seed)
    batch_steps = ROLLOUT * NUM_ENVS * len(task.AGENTS)
    updates = max(1, chosen.steps // batch_steps)
    for u in range(1, updates + 1):
        update(model, optimizer, rollout.play())
        if u % max(1, updates // 10) == 0 or u == updates:
            curve.point(u * batch_steps, act)
    share = 100 * rollout.env_seconds / curve.wall
    print(f"{share:.1f} % of the time in the environment's steps")
    curve.finish(environment_percent=share)
    print(f"{len(log)} episodes while it trained, first and last fifth:")
    for name in ("deliveries", "refused_fraction", "jain_fairness"):
        column = log.columns().get(name, np.full(5, np.nan))
        fifth = len(column) // 5
        print(f"  {name:<17} {np.nanmean(column[:fifth]):6.2f} {np.nanmean(column[-fifth:]):6.2f}")


if __name__ == "__main__":
    main()
