"""Step every registered environment at random, on both faces, with no extra installed."""

import sys

import numpy as np

import marl_envs

STEPS = 100


def walk_parallel(name: str) -> None:
    """Play random allowed actions on the PettingZoo face, through at least one reset."""
    env = marl_envs.make(name)
    env.reset(seed=0)
    for _ in range(STEPS):
        env.step({agent: env.action_space(agent).sample() for agent in env.agents})
        if not env.agents:
            env.reset()
    env.close()


def walk_batch(name: str) -> None:
    """Play random actions on the batched face."""
    vec = marl_envs.make_vec(name, num_envs=8)
    vec.reset(seed=0)
    for _ in range(STEPS):
        actions = [[vec.action_space.sample() for _ in range(vec.num_agents)] for _ in range(vec.num_envs)]
        obs, reward, *_ = vec.step(np.asarray(actions, dtype=np.int64))
        if len(obs) != vec.num_envs or reward.shape != (vec.num_envs, vec.num_agents):
            sys.exit(f"{name}: shapes {obs.shape}, {reward.shape}")
    vec.close()


def main() -> None:
    """Walk through the registry; fail where it is empty or an optional package came along."""
    names = marl_envs.list_environments()
    if not names:
        sys.exit("no environment is registered")
    for name in names:
        walk_parallel(name)
        walk_batch(name)
        print(f"  {name}: ok")
    if "pygame" in sys.modules:
        sys.exit("stepping an environment imported pygame")


main()
