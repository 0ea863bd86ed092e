"""AgileRL's MADDPG and IPPO.

    pip install torch agilerl==2.58.0 peft==0.21.2 pettingzoo==1.26.1
    python -m examples.agilerl [--algorithm maddpg|ippo]

AgileRL lets agents share networks whose names are the same up to the number. That serves MADDPG, which also reads the
masks; IPPO mixes up the experience of agents that share (so here each has its own network) and needs `mask=None`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

import numpy as np
import torch
from agilerl.algorithms import IPPO, MADDPG
from agilerl.components.replay_buffer import ReplayBuffer
from agilerl.modules.custom_components import GumbelSoftmax
from agilerl.training.train_multi_agent_off_policy import train_multi_agent_off_policy
from agilerl.training.train_multi_agent_on_policy import train_multi_agent_on_policy

from examples import task
from marl_envs.interop import EpisodeLog
from marl_envs.interop.agilerl import VecEnv

NUM_ENVS = 32
NETWORK = {"latent_dim": 64, "encoder_config": {"hidden_size": [128]}, "head_config": {"hidden_size": [64]}}
STEPS = {"maddpg": 65_536, "ippo": 262_144}  # agent-steps: a minute at most


def evaluated(algorithm: type[Any], curve: task.Curve) -> type[Any]:
    """Return the algorithm with our measure in place of its own `test`, which runs after every `evo_steps`."""

    class Evaluated(algorithm):
        def test(self, *args: Any, **kwargs: Any) -> float:
            curve.point(self.steps * len(task.AGENTS), lambda obs, masks: act(self, obs, masks))
            fitness = curve.points[-1][1]
            self.metrics.add_fitness(fitness)
            return fitness

    return Evaluated


@contextmanager
def without_noise(actor: torch.nn.Module) -> Iterator[None]:
    """Let MADDPG's actor return its preferences: its last layer draws an action even in evaluation."""
    layers = [layer for layer in actor.modules() if isinstance(layer, GumbelSoftmax)]
    hooks = [layer.register_forward_hook(lambda _, inputs, __: inputs[0]) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def act(learner: Any, obs: Any, masks: Any) -> Any:
    """Return the most probable actions, integers [E, A]; masked for MADDPG alone, as when it trains."""
    chosen = []
    for i, agent in enumerate(learner.agent_ids):
        actor, seen = learner.actors[learner.get_network_id(agent)], torch.from_numpy(obs[:, i])
        with torch.no_grad(), without_noise(actor):
            if isinstance(learner, MADDPG):
                logits = actor(seen).masked_fill(torch.from_numpy(masks[:, i]) == 0, -np.inf)
            else:
                logits = actor.head_net.wrapped(actor.extract_features(seen))
        chosen.append(logits.argmax(-1).numpy())
    return np.stack(chosen, axis=1)


def maddpg(spaces: dict[str, Any], curve: task.Curve) -> dict[str, Any]:
    """Return MADDPG and its memory."""
    settings = {"batch_size": 256, "lr_actor": 1e-3, "lr_critic": 1e-3, "gamma": 0.97, "tau": 0.02}
    learner = evaluated(MADDPG, curve)(
        **spaces,
        **settings,
        net_config=NETWORK,
        learn_step=16,  # environment-steps for each update
        vect_noise_dim=NUM_ENVS,  # any other number: IndexError
    )
    return {"pop": [learner], "memory": ReplayBuffer(max_size=50_000), "learning_delay": 2000}


def ippo(spaces: dict[str, Any], curve: task.Curve) -> dict[str, Any]:
    """Return IPPO."""
    settings = {"batch_size": 512, "lr": 1e-3, "gamma": 0.99, "learn_step": 2048, "update_epochs": 4}
    return {"pop": [evaluated(IPPO, curve)(**spaces, **settings, net_config=NETWORK)]}


def environments(algorithm: str, log: EpisodeLog) -> VecEnv:
    """Return the task as the algorithm can use it."""
    # AgileRL's own way has a process for each environment, and is slower here:
    # AsyncPettingZooVecEnv([task.parallel_env] * NUM_ENVS)
    if algorithm == "maddpg":
        return VecEnv(task.vector_env(NUM_ENVS), log=log)
    return VecEnv(task.vector_env(NUM_ENVS, mask=None), shared=False, log=log)


def main() -> None:
    """Train for a minute, evaluating now and then."""
    parser = task.parser(None)
    parser.add_argument("--algorithm", choices=list(STEPS), default="maddpg")
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    np.random.seed(chosen.seed)  # AgileRL draws from the global generators
    torch.set_num_threads(1)
    log = EpisodeLog()
    env = environments(chosen.algorithm, log)
    spaces = {
        "agent_ids": env.agents,
        "observation_spaces": [env.single_observation_space(agent) for agent in env.agents],
        "action_spaces": [env.single_action_space(agent) for agent in env.agents],
    }
    env.reset(seed=chosen.seed)  # AgileRL's own resets give no seed; the random streams go on
    curve = task.Curve(f"AgileRL {chosen.algorithm.upper()}", chosen)
    steps = (chosen.steps or STEPS[chosen.algorithm]) // len(task.AGENTS)
    sizes = {"max_steps": steps, "evo_steps": max(1, steps // 8), "verbose": False}
    with redirect_stderr(io.StringIO()):  # for its progress bar, which cannot be switched off
        if chosen.algorithm == "maddpg":
            train_multi_agent_off_policy(env, "warehouse", "MADDPG", **sizes, **maddpg(spaces, curve))
        else:
            train_multi_agent_on_policy(env, "warehouse", "IPPO", **sizes, **ippo(spaces, curve))
    curve.finish()
    if len(log) < 5:
        return
    print("episodes while it trained, first and last fifth:")
    for name in ("deliveries", "masked_actions", "jain_fairness"):
        column = log.columns()[name]
        fifth = len(column) // 5
        print(f"  {name:<15} {np.nanmean(column[:fifth]):6.2f} {np.nanmean(column[-fifth:]):6.2f}")


if __name__ == "__main__":
    main()
