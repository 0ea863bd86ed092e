"""XuanCe: independent Q-learners with shared weights, VDN or QMIX, from XuanCe's own registries.

    pip install torch "xuance==1.4.4"    (needs numpy<2 and gymnasium<1.3: give it an environment of its own)
    python -m examples.xuance [--algorithm iql|vdn|qmix]

XuanCe is told of our environments by importing `marl_envs.interop.xuance`; QMIX mixes over `state()`.
Masks: `use_actions_mask=True`, in acting and so in evaluation, too. Then `double_q` has to be False: XuanCe would take
the best next action under the mask of the step before, and value an action that is forbidden by now at -1e10.
"""

from __future__ import annotations

import os
import tempfile
from argparse import Namespace
from typing import Any

os.environ.setdefault("TQDM_DISABLE", "1")  # no bars between the lines

import torch
from xuance.environment import make_envs
from xuance.torch.agents import REGISTRY_Agents

import marl_envs.interop.xuance  # noqa: F401  # registers "marl_envs"
from examples import task

NUM_ENVS = 8
POLICIES = {"qmix": "Mixing_Q_network", "vdn": "Mixing_Q_network", "iql": "Basic_Q_network_marl"}


def configuration(algorithm: str, seed: int, steps: int, folder: str) -> Namespace:
    """Return what XuanCe's yaml files would hold; `steps` are of environments."""
    environment = {"env_name": "marl_envs", "env_id": task.ID, "env_parameters": task.PARAMETERS, "env_seed": seed}
    environment |= {"vectorize": "DummyVecMultiAgentEnv", "parallels": NUM_ENVS, "distributed_training": False}
    network = {"policy": POLICIES[algorithm], "representation": "Basic_MLP", "activation": "relu", "use_rnn": False}
    network |= {"representation_hidden_size": [128], "q_hidden_size": [128], "use_parameter_sharing": True}
    network |= {"hidden_dim_mixing_net": 32, "hidden_dim_hyper_net": 32}
    learner = {"agent": algorithm.upper(), "learner": f"{algorithm.upper()}_Learner", "seed": seed, "gamma": 0.99}
    learner |= {"learning_rate": 5e-4, "end_factor_lr_decay": 0.2, "buffer_size": 100_000, "batch_size": 256}
    learner |= {
        "sync_frequency": 200,
        "training_frequency": 1,
        "start_training": 2_000,
        "n_epochs": 1,
        "running_steps": steps,
    }
    learner |= {"start_greedy": 1.0, "end_greedy": 0.05, "decay_step_greedy": steps // 2}
    learner |= {"use_actions_mask": True, "double_q": False, "use_grad_clip": True, "grad_clip_norm": 10.0}
    log = {"logger": "tensorboard", "log_dir": folder, "model_dir": folder, "render": False, "fps": 10}
    log |= {"render_mode": None, "dl_toolbox": "torch", "device": "cpu"}
    return Namespace(**environment, **network, **learner, **log)


def main() -> None:
    """Train for a minute, evaluating now and then."""
    parser = task.parser(steps=None)
    parser.add_argument("--algorithm", choices=tuple(POLICIES), default="iql")
    chosen = parser.parse_args()
    steps = chosen.steps or {"iql": 80_000, "vdn": 100_000, "qmix": 120_000}[chosen.algorithm]
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        config = configuration(chosen.algorithm, chosen.seed, steps // len(task.AGENTS), folder)
        envs = make_envs(config)
        learner = REGISTRY_Agents[config.agent](config, envs)

        def act(obs: Any, mask: Any) -> Any:
            seen = [dict(zip(task.AGENTS, row, strict=True)) for row in obs]
            allowed = [dict(zip(task.AGENTS, row.astype(bool), strict=True)) for row in mask]
            actions = learner.get_actions(seen, allowed, test_mode=True)["actions"]
            return [[row[agent] for agent in task.AGENTS] for row in actions]

        curve = task.Curve(f"XuanCe {config.agent}", chosen)
        for _ in range(10):
            learner.train(config.running_steps // NUM_ENVS // 10)
            curve.point(learner.current_step * len(task.AGENTS), act)
        curve.finish()
        learner.finish()
        envs.close()


if __name__ == "__main__":
    main()
