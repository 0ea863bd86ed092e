"""How wrong a learned model is after one step and after several of its own, on new episodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agents.deep.dyna import SMALLEST, DynaDQN
from agents.deep.policy import allowed_at_random, masked_best, play
from marl_envs.core.params import check_int


class ModelErrors(NamedTuple):
    """How wrong a model is after 1, 2, ... K steps of its own, each an array [K]."""

    observation: NDArray[np.float64]  # root of the mean squared error, each number in its standard deviations
    unchanged: NDArray[np.float64]  # the same of the guess that nothing changes
    reward: NDArray[np.float64]  # mean size of the error of the step's reward
    terminated: NDArray[np.float64]  # share of steps whose end was guessed wrong


def model_errors(
    learner: DynaDQN, vec: Any, horizon: int, seed: int, steps: int = 200, epsilon: float = 0.3
) -> ModelErrors:
    """Play `steps` new steps in `vec` (greedily but for `epsilon`), and let the model guess `horizon` steps of them.

    The model sees the first observation and all actions, and goes on from its own guesses; what lies beyond the end of
    an episode is left out. Nothing of the learner changes.

    Raises:
        ParameterError: fewer steps than the horizon.
    """
    check_int("horizon", horizon, 1, check_int("steps", steps, 1))
    rng = np.random.default_rng(seed)
    obs, info = vec.reset(seed=seed)
    seen: list[tuple[Any, ...]] = []
    for _ in range(steps):
        alive, shown, mask = info["alive"].astype(bool).copy(), np.array(obs, np.float32), info.get("action_mask")
        values, _ = play(learner.team, shown, np.zeros((*shown.shape[:2], 0), np.float32))
        random = allowed_at_random(rng, mask, values.shape)
        actions = np.where(rng.random(values.shape[:2]) < epsilon, random, masked_best(values, mask))
        obs, reward, terminated, _, info = vec.step(actions)
        ended = info["ended"].astype(bool)
        after = np.where(ended[:, None, None], info["final_obs"], obs)
        seen.append((shown, actions, reward.copy(), after, terminated.copy(), alive, ended.copy()))
    return _compare(learner, [np.stack(column) for column in zip(*seen, strict=True)], horizon)


@torch.no_grad()
def _compare(learner: DynaDQN, seen: list[NDArray[Any]], horizon: int) -> ModelErrors:
    """Return the errors on what was seen, arrays [steps, E, A, ...]."""
    obs, actions, reward, after, terminated, alive, ended = seen
    starts = len(obs) - horizon + 1
    spread = obs[alive].std(0)
    spread = np.where(spread < SMALLEST, 1.0, spread)
    guessed, there = torch.from_numpy(obs[:starts]).flatten(0, 1).to(learner.device), alive[:starts].copy()
    found = []
    for k in range(horizon):
        now = slice(k, k + starts)
        there &= alive[now]
        guess = learner.guess(guessed, torch.from_numpy(actions[now]).flatten(0, 1).to(learner.device))
        guessed = guess.obs
        shape = there.shape
        right = after[now][there]
        wrong = (guessed.cpu().numpy().reshape(*shape, -1)[there] - right) / spread
        still = (obs[:starts][there] - right) / spread
        paid = np.abs(guess.reward.cpu().numpy().reshape(shape) - reward[now])[there].mean()
        ends = ((guess.end.cpu().numpy().reshape(shape) > 0) != terminated[now])[there].mean()
        found.append((np.sqrt((wrong**2).mean()), np.sqrt((still**2).mean()), paid, ends))
        there &= ~(ended[now][..., None] | terminated[now])
    return ModelErrors(*(np.array(column, np.float64) for column in zip(*found, strict=True)))
