"""Stable-Baselines3: PPO (or DQN) with one policy for all robots.

    pip install torch stable-baselines3 tensorboard pandas
    python -m examples.sb3 [--algorithm ppo|dqn|supersuit] [--tensorboard DIR]

`VecEnv(vec)` hands a whole batch to SB3; no SuperSuit is needed. "supersuit" goes the usual way instead, through
PettingZoo and SuperSuit (pip install supersuit), to compare: the same PPO, but its environment takes most of the time.
SB3 has no masks of its own, so a masked action is simply a no-op here; sb3-contrib's MaskablePPO uses them as they are.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback

from examples import task
from marl_envs.interop import EpisodeLog
from marl_envs.interop.sb3 import VecEnv

NUM_ENVS = 32


class Metrics(BaseCallback):
    """Writes the coordination metrics of finished episodes to SB3's own log (and so to TensorBoard)."""

    def __init__(self, log: EpisodeLog) -> None:
        """Write what `log` collects."""
        super().__init__()
        self.log = log

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.model.logger.dir:
            for form in self.model.logger.output_formats:
                if hasattr(form, "writer"):
                    self.log.to_tensorboard(form.writer, self.num_timesteps)


class Timed:
    """Counts the seconds that an environment's steps take."""

    def __init__(self, env: Any) -> None:
        """Time `env.step_wait` from now on."""
        self.seconds = 0.0
        self._step = env.step_wait
        env.step_wait = self

    def __call__(self) -> Any:
        """Step, and count."""
        began = time.perf_counter()
        results = self._step()
        self.seconds += time.perf_counter() - began
        return results


def through_supersuit(log: EpisodeLog, num_envs: int) -> Any:
    """Return the task as SuperSuit makes it, so that the two ways can be compared."""
    import supersuit as ss

    env = ss.pettingzoo_env_to_vec_env_v1(log.watch(task.parallel_env(mask=None)))
    env = ss.concat_vec_envs_v1(env, num_envs, num_cpus=0, base_class="stable_baselines3")
    env.seed = lambda seed=None: env.venv.reset(seed=seed)  # SuperSuit lacks it, and SB3 calls it
    return env


def make_model(chosen: argparse.Namespace, log: EpisodeLog) -> Any:
    """Return SB3's learner."""
    common: dict[str, Any] = {"seed": chosen.seed, "device": "cpu", "tensorboard_log": chosen.tensorboard}
    common["policy_kwargs"] = {"net_arch": [128, 128]}
    if chosen.algorithm == "dqn":
        env = VecEnv(task.vector_env(4), log)
        return DQN(
            "MlpPolicy",
            env,
            learning_rate=5e-4,
            buffer_size=100_000,
            learning_starts=2_000,
            batch_size=256,
            train_freq=2,
            gradient_steps=2,
            target_update_interval=1_000,
            exploration_fraction=0.5,
            **common,
        )
    env = (
        through_supersuit(log, NUM_ENVS) if chosen.algorithm == "supersuit" else VecEnv(task.vector_env(NUM_ENVS), log)
    )
    return PPO("MlpPolicy", env, learning_rate=1e-3, n_steps=64, batch_size=512, n_epochs=4, ent_coef=0.01, **common)


def main() -> None:
    """Train for a minute, evaluating now and then."""
    parser = task.parser(steps=None)
    parser.add_argument("--algorithm", choices=("ppo", "dqn", "supersuit"), default="ppo")
    parser.add_argument("--tensorboard", help="folder for TensorBoard's files")
    chosen = parser.parse_args()
    steps = chosen.steps or {"ppo": 600_000, "dqn": 120_000, "supersuit": 300_000}[chosen.algorithm]
    torch.set_num_threads(1)
    folder = tempfile.TemporaryDirectory()
    os.environ.setdefault("SB3_LOGDIR", folder.name)  # or a folder would be left behind at every call of `learn`
    episodes = Path(folder.name) / "episodes.csv"  # a file, since SuperSuit steps copies of environment and log
    log = EpisodeLog(episodes)
    model = make_model(chosen, log)
    timed = Timed(model.env)

    def act(obs: Any, mask: Any) -> Any:
        actions, _ = model.predict(obs.reshape(-1, obs.shape[-1]), deterministic=True)
        return actions.reshape(obs.shape[:2])

    curve = task.Curve(f"Stable-Baselines3 {chosen.algorithm.upper()}", chosen)
    for tenth in range(10):
        more = steps * (tenth + 1) // 10 - model.num_timesteps
        model.learn(more, callback=Metrics(log), reset_num_timesteps=tenth == 0)
        curve.point(model.num_timesteps, act)
    share = 100 * timed.seconds / curve.wall
    print(f"{share:.1f} % of the time in the environment's steps")
    curve.finish(environment_percent=share)
    print("episodes while it trained, every fifth of them:")
    table = pd.read_csv(episodes)[["deliveries", "refused_fraction", "jain_fairness"]]
    print(table.groupby(5 * table.index // len(table)).mean().round(2))
    folder.cleanup()


if __name__ == "__main__":
    main()
