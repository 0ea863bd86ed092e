"""What both sides get: the environment, and each setting as our learners and as BenchMARL call it.

A setting is written once, with both names, so that none can be given to one side alone. Where a library has no choice
(BenchMARL's targets are of one step and not double) the other is set to that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agents import EpsilonGreedy, Linear

# The task of all libraries' examples (docs/plug-in.md) with the team's reward: two robots on a 5x5 floor that see the
# way to their target and are paid for coming nearer, as nobody learns in so few steps without that.
ENVIRONMENT = "marl_envs/warehouse-5x5-2ag-goal-v0"
PARAMETERS: dict[str, Any] = {"reward": "team", "shaping": 0.5, "max_cycles": 200}
ALGORITHMS = ("iql", "vdn", "qmix")
FRAMES = 50_000  # steps of single environments
NUM_ENVS, ROUND = 10, 500  # environments, and frames between trainings
LAYERS = (64, 64)  # hidden units of the agents' network, with ReLU


@dataclass(frozen=True)
class Setting:
    """One setting under both names; a name that is not there is what that library always does."""

    what: str
    ours: dict[str, Any] = field(default_factory=dict)  # of `agents.deep.settings.Settings`
    experiment: dict[str, Any] = field(default_factory=dict)  # of BenchMARL's `ExperimentConfig`
    algorithm: dict[str, Any] = field(default_factory=dict)  # of its `IqlConfig`, `VdnConfig`, `QmixConfig`


def common(frames: int = FRAMES) -> list[Setting]:
    """Return the settings of all three algorithms for a training of `frames`."""
    return [
        Setting(
            "environments, frames between trainings",
            {"train_every": ROUND // NUM_ENVS},
            {"off_policy_n_envs_per_worker": NUM_ENVS, "off_policy_collected_frames_per_batch": ROUND},
        ),
        Setting("batches in each", {"gradient_steps": 30}, {"off_policy_n_optimizer_steps": 30}),
        Setting("steps in a batch", {"batch": 128}, {"off_policy_train_batch_size": 128}),
        Setting("steps remembered", {"replay": FRAMES}, {"off_policy_memory_size": FRAMES}),
        Setting("before learning begins", {"learn_after": 0}, {"off_policy_init_random_frames": 0}),
        Setting("priorities", {"prioritised": 0.0}, {"off_policy_use_prioritized_replay_buffer": False}),
        Setting("one network for all agents", {"share_network": True}, {"share_policy_params": True}),
        Setting("discount", {"gamma": 0.95}, {"gamma": 0.95}),
        Setting("targets", {"n_steps": 1, "double": False, "dueling": False}),
        Setting("loss (Huber's from 1 on)", {"huber": 1.0}, algorithm={"loss_function": "smooth_l1"}),
        Setting("learning rate of Adam", {"learning_rate": 1e-3}, {"lr": 1e-3, "adam_eps": 1e-8}),
        Setting("largest gradient", {"clip": 10.0}, {"clip_grad_norm": True, "clip_grad_val": 10.0}),
        Setting(
            "target network",
            {"tau": 0.01, "target_every": 1},
            {"soft_target_update": True, "polyak_tau": 0.01},
            {"delay_value": True},
        ),
        Setting(
            "exploration",
            {"exploration": EpsilonGreedy(Linear(1.0, 0.05, until=0.5))},
            {
                "exploration_eps_init": 1.0,
                "exploration_eps_end": 0.05,
                "exploration_anneal_frames": frames // 2,
            },
        ),
    ]


MIXING = Setting("units that QMIX mixes", {"embed": 32}, algorithm={"mixing_embed_dim": 32})


def chosen(algorithm: str, frames: int = FRAMES) -> list[Setting]:
    """Return the settings of one of the `ALGORITHMS`."""
    return [*common(frames), *([MIXING] if algorithm == "qmix" else [])]


def merged(algorithm: str, side: str, frames: int = FRAMES) -> dict[str, Any]:
    """Return the settings of one side: "ours", or BenchMARL's "experiment" or "algorithm"."""
    return {name: value for one in chosen(algorithm, frames) for name, value in getattr(one, side).items()}
