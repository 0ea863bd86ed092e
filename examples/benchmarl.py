"""BenchMARL: QMIX, VDN or IQL on a task of ours, all environments stepped in one call.

    pip install torch==2.13.0 torchvision==0.28.0 benchmarl==1.5.2 pettingzoo==1.27.0
    python -m examples.benchmarl [--algorithm iql|vdn|qmix]

QMIX and VDN want the team's reward: with `reward="team"` BenchMARL's mean over agents is just that. QMIX's mixer gets
the global state, and all three the action masks. BenchMARL counts a step of one environment as one frame.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import warnings
from typing import Any

os.environ.setdefault("TQDM_DISABLE", "1")  # its bar, between our lines

import numpy as np
import torch
from benchmarl.algorithms import IqlConfig, QmixConfig, VdnConfig
from benchmarl.experiment import Callback, Experiment, ExperimentConfig
from benchmarl.models.mlp import MlpConfig
from tensordict import TensorDict
from torchrl.envs.utils import ExplorationType, set_exploration_type

from examples import task
from marl_envs.interop import EpisodeLog
from marl_envs.interop.benchmarl import CoordinationMetrics
from marl_envs.interop.benchmarl import task as benchmarl_task

warnings.filterwarnings("ignore", "SyncDataCollector", DeprecationWarning)  # what BenchMARL takes from its TorchRL
logging.getLogger("torchrl").setLevel(logging.WARNING)

ALGORITHMS = {"iql": IqlConfig, "vdn": VdnConfig, "qmix": QmixConfig}
RATES = {"iql": 7e-4, "vdn": 7e-4, "qmix": 1.5e-3}  # QMIX starts slowly: its mixer has to be learned, too
NUM_ENVS = 32
FRAMES = NUM_ENVS * task.PARAMETERS["max_cycles"]  # in each round: one episode of every environment


class LearningCurve(Callback):
    """Evaluates about ten times on the way."""

    def __init__(self, curve: task.Curve, rounds: int) -> None:
        """Write into `curve`."""
        super().__init__()
        self.curve, self.rounds = curve, rounds

    def on_train_end(self, training_td: Any, group: str) -> None:
        """Evaluate after every tenth of the rounds, and the last."""
        done = self.experiment.n_iters_performed + 1
        if done % max(1, self.rounds // 10) == 0 or done == self.rounds:
            self.curve.point(done * FRAMES * len(task.AGENTS), self.act)

    @torch.no_grad()
    def act(self, obs: Any, mask: Any) -> Any:
        """Return the most valued of the allowed actions."""
        robots = {"observation": torch.from_numpy(obs), "action_mask": torch.from_numpy(mask).bool()}
        seen = TensorDict({"robot": TensorDict(robots, obs.shape[:2])}, obs.shape[:1])
        with set_exploration_type(ExplorationType.DETERMINISTIC):
            return self.experiment.policy(seen)["robot", "action"].numpy()


def settings(rounds: int, rate: float, folder: str) -> ExperimentConfig:
    """Return how long to train, and how."""
    config = ExperimentConfig.get_from_yaml()
    config.max_n_iters, config.max_n_frames = rounds, None
    config.off_policy_n_envs_per_worker = NUM_ENVS
    config.off_policy_collected_frames_per_batch = FRAMES
    config.off_policy_n_optimizer_steps = 160
    config.off_policy_train_batch_size = 512
    config.off_policy_memory_size = 100_000
    config.lr, config.gamma = rate, 0.99
    config.polyak_tau = 0.01
    config.exploration_eps_init, config.exploration_eps_end = 1.0, 0.05
    config.exploration_anneal_frames = rounds * FRAMES // 3
    config.evaluation, config.loggers, config.create_json = False, [], False
    config.save_folder = folder
    return config


def train(chosen: argparse.Namespace, log: EpisodeLog, folder: str) -> task.Curve:
    """Train, and return the learning curve."""
    rounds = max(1, chosen.steps // (FRAMES * len(task.AGENTS)))
    curve = task.Curve(f"BenchMARL {chosen.algorithm.upper()}", chosen)
    network = MlpConfig(num_cells=[128, 128], activation_class=torch.nn.ReLU, layer_class=torch.nn.Linear)
    reward = "individual" if chosen.algorithm == "iql" else "team"
    Experiment(
        task=benchmarl_task(task.ID, reward=reward, **task.PARAMETERS),
        algorithm_config=ALGORITHMS[chosen.algorithm].get_from_yaml(),
        model_config=network,
        critic_model_config=network,
        seed=chosen.seed,
        config=settings(rounds, RATES[chosen.algorithm], folder),
        callbacks=[CoordinationMetrics(log), LearningCurve(curve, rounds)],
    ).run()
    return curve


def main() -> None:
    """Train for a minute, evaluating now and then."""
    parser = task.parser(steps=320_000)
    parser.add_argument("--algorithm", choices=tuple(ALGORITHMS), default="qmix")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    log = EpisodeLog()
    with tempfile.TemporaryDirectory() as folder:
        train(chosen, log, folder).finish()
    print("episodes while it trained, first and last fifth:")
    for name in ("deliveries", "refused_fraction", "jain_fairness"):
        column = log.columns()[name]
        fifth = max(1, len(column) // 5)
        # Some metrics are undefined (NaN) for an episode: fairness, when nothing was delivered.
        print(f"  {name:<17} {np.nanmean(column[:fifth]):6.2f} {np.nanmean(column[-fifth:]):6.2f}")


if __name__ == "__main__":
    main()
