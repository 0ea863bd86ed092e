"""PufferLib's emulation and vectorisation, trained by the PPO of examples/cleanrl.py.

    pip install torch gymnasium pettingzoo psutil
    pip install --no-deps "pufferlib-core==3.0.23"    (it asks for torch 2.9; pufferlib 3.0.0 itself does not install)
    python -m examples.pufferlib [--workers 2]

PufferLib's own trainer needs a compiled part that is built for torch 2.9, so the learner is plain PyTorch here.
Two things to know. An ended environment is reset by the *next* step, which ignores its actions: that step is left out
of learning. And Puffer has no action masks: a forbidden action is simply a no-op, in evaluation, too.
"""

from __future__ import annotations

from typing import Any

import pufferlib.emulation
import pufferlib.vector
import torch

from examples import task
from examples.cleanrl import GAMMA, LAMBDA, MINIBATCHES, RATE, ROLLOUT, ActorCritic, update

NUM_ENVS = 64


def make_env(buf: Any = None, seed: int = 0) -> Any:
    """Return one environment as Puffer's; a function that worker processes can be sent."""
    return pufferlib.emulation.PettingZooPufferEnv(env_creator=task.parallel_env, buf=buf, seed=seed)


def vectorise(num_envs: int, workers: int, seed: int) -> Any:
    """Return Puffer's vector of environments, in this process (`workers` 0) or in others."""
    backend: dict[str, Any] = {"backend": pufferlib.vector.Serial}
    if workers:
        backend = {"backend": pufferlib.vector.Multiprocessing, "num_workers": workers}
    return pufferlib.vector.make(make_env, num_envs=num_envs, seed=seed, **backend)


class Rollout:
    """Plays ROLLOUT steps at a time over Puffer's arrays, whose rows are environments x agents."""

    def __init__(self, env: Any, model: ActorCritic, seed: int) -> None:
        """Start the episodes."""
        self.env, self.model = env, model
        self.obs = torch.from_numpy(env.reset(seed=seed)[0].copy())
        self.resets = torch.zeros(len(self.obs), dtype=torch.bool)  # rows that the coming step only resets

    @torch.no_grad()
    def play(self) -> dict[str, torch.Tensor]:
        """Return obs, mask (all ones), action, log-probability, advantage and return, each [rows, ...]."""
        steps = []
        mask = torch.ones(len(self.obs), task.NUM_ACTIONS, dtype=torch.int8)
        for _ in range(ROLLOUT):
            policy = self.model.policy(self.obs, mask)
            action = policy.sample()
            # Puffer writes into the same arrays again, so what is kept is copied.
            obs, *results = (torch.from_numpy(x.copy()) for x in self.env.step(action.numpy())[:4])
            steps.append((self.obs, mask, action, policy.log_prob(action), *results, ~self.resets))
            self.obs, self.resets = obs, results[1] | results[2]
        return self._with_advantages(steps)

    def _with_advantages(self, steps: list[tuple[torch.Tensor, ...]]) -> dict[str, torch.Tensor]:
        """Add generalised advantage estimates; resets come a step later, so last observations are in place."""
        obs, mask, action, log_prob, reward, terminated, truncated, kept = map(torch.stack, zip(*steps, strict=True))
        value = self.model.value(torch.cat([obs, self.obs[None]]))
        advantages, advantage = torch.zeros_like(reward), torch.zeros_like(reward[0])
        for t in reversed(range(ROLLOUT)):
            error = reward[t] + GAMMA * value[t + 1] * ~terminated[t] - value[t]
            advantages[t] = advantage = error + GAMMA * LAMBDA * advantage * ~(terminated[t] | truncated[t])
        batch = {"obs": obs, "mask": mask, "action": action, "log_prob": log_prob}
        batch |= {"advantage": advantages, "return": advantages + value[:-1]}
        size = int(kept.sum()) // MINIBATCHES * MINIBATCHES  # `update` wants minibatches of one size
        return {name: column[kept][:size] for name, column in batch.items()}


def main() -> None:
    """Train for a minute, evaluating now and then."""
    parser = task.parser(steps=250_000)
    parser.add_argument("--workers", type=int, default=0, help="processes for the environments (0: none but this one)")
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(1)
    model = ActorCritic(task.OBSERVATION_LENGTH, task.NUM_ACTIONS)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)

    def act(obs: Any, mask: Any) -> Any:
        with torch.no_grad():
            return model.actor(torch.from_numpy(obs)).argmax(-1).numpy()

    env = vectorise(NUM_ENVS, chosen.workers, chosen.seed)
    rollout = Rollout(env, model, chosen.seed)
    batch_steps = ROLLOUT * NUM_ENVS * len(task.AGENTS)
    updates = max(1, chosen.steps // batch_steps)
    curve = task.Curve(f"PufferLib {'Multiprocessing' if chosen.workers else 'Serial'}, plain PyTorch PPO", chosen)
    for u in range(1, updates + 1):
        update(model, optimizer, rollout.play())
        if u % max(1, updates // 10) == 0 or u == updates:
            curve.point(u * batch_steps, act)
    env.close()
    curve.finish()


if __name__ == "__main__":
    main()
