"""Our learners' side of the comparison."""

from __future__ import annotations

import time

import marl_envs
from agents import train
from agents.deep import MLP, QMIX, DeepVDN, NetworkLearner, SharedRewardDQN
from benchmarks.deep.peers import settings
from benchmarks.deep.peers.trained import Trained

LEARNERS: dict[str, type[NetworkLearner]] = {"iql": SharedRewardDQN, "vdn": DeepVDN, "qmix": QMIX}


def learn(algorithm: str, seed: int, frames: int) -> Trained:
    """Return what one of ours has learned in `frames`.

    Raises:
        KeyboardInterrupt: Ctrl-C stopped the training early; what it had learned so far is no result.
    """
    begin = time.process_time()
    vec = marl_envs.make_vec(settings.ENVIRONMENT, settings.NUM_ENVS, **settings.PARAMETERS)
    body = MLP(settings.LAYERS)
    learner = LEARNERS[algorithm](vec, body=body, seed=seed, device="cpu", **settings.merged(algorithm, "ours", frames))
    history = train(learner, vec, frames * vec.num_agents, seed=seed, progress=False)
    seconds = time.process_time() - begin
    if not history.finished:
        raise KeyboardInterrupt
    return Trained(learner, history.steps // vec.num_agents, int(learner.counts[2]), seconds)
