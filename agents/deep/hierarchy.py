"""Hierarchy: a network chooses options, another one has learned how to carry them out.

The worker learns first: options are given at random, and each that reaches its goal pays 1 (`WorkerEnv`). Then the
manager chooses options where it is paid for what they are good for (`OptionsEnv`). Both are any learner on networks:

    workshop = worker_env(vec, ShelfOptions(vec))
    worker = IndependentDQN(workshop, gamma=0.95)
    train(worker, workshop, 400_000, seed=0)
    env = manager_env(vec, ShelfOptions(vec, worker=as_table(worker)))
    manager = IndependentDQN(env, n_steps=10)
    train(manager, env, 100_000, seed=0)

While an option runs, the mask allows it alone. So the values of single steps add up to those of whole options:
Q(s, o) = r + gamma Q(s', o) until it is over, then the best option that may be started, as in SMDP Q-learning (Sutton,
Precup and Singh 1999).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from numpy.typing import NDArray

from agents.deep.base import NetworkLearner
from agents.options.env import OptionsEnv, OptionSet
from agents.options.worker import WorkerEnv
from marl_envs.core.params import ParameterError, check_int
from marl_envs.core.snapshot import Snapshot


class Digits:
    """A batch whose numbered observations are shown digit by digit, each digit one-hot.

    A table needs a number for each situation; a network learns more from what the number is made of. Observations
    int32 [E, A] or [E, A, O] become float32 [E, A, O * (sum of the bases)].
    """

    def __init__(self, vec: Any, bases: tuple[int, ...]) -> None:
        """Show the observations of `vec`, numbers below the product of `bases`, the first digit counting most.

        Raises:
            ParameterError: observations that are no such numbers, or a base below 1.
        """
        self.bases = tuple(check_int("bases", base, 1) for base in bases)
        space, most = vec.observation_space, int(np.prod(self.bases))
        if isinstance(space, Discrete) and space.start == 0:
            sizes = [int(space.n)]
        elif isinstance(space, MultiDiscrete):
            sizes = [int(n) for n in space.nvec.flat]
        else:
            raise ParameterError(f"digits are of numbers, but observations are {space}")
        if set(sizes) != {most}:
            raise ParameterError(f"digits {self.bases} make numbers below {most}, but observations are {space}")
        self.vec = vec
        self.observation_space = Box(0.0, 1.0, (len(sizes) * sum(self.bases),), np.float32)
        self._codes = one_hot_digits(self.bases)

    def __getattr__(self, name: str) -> Any:
        """Return the attribute of the batch below."""
        if name == "vec" or name.startswith("__"):  # not there yet, as while it is being copied
            raise AttributeError(name)
        return getattr(self.vec, name)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """That of the batch below, with the digits."""
        return {**self.vec.fingerprint, "digits": list(self.bases)}

    def show(self, obs: NDArray[Any]) -> NDArray[np.float32]:
        """Return numbers [E, A] or [E, A, O] as digits."""
        shown: NDArray[np.float32] = self._codes[obs].reshape(*obs.shape[:2], -1)
        return shown

    def reset(self, *, seed: int | None = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode everywhere."""
        return self._shown(*self.vec.reset(seed=seed))

    def _shown(self, obs: NDArray[Any], info: dict[str, Any]) -> tuple[NDArray[np.float32], dict[str, Any]]:
        return self.show(obs), {**info, "final_obs": self.show(info["final_obs"])} if "final_obs" in info else info

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance by one step, as the batch below."""
        obs, reward, terminated, truncated, info = self.vec.step(actions)
        shown, info = self._shown(obs, info)
        return shown, reward, terminated, truncated, info

    def get_state(self) -> Snapshot:
        """Return the snapshot of the batch below."""
        taken: Snapshot = self.vec.get_state()
        return Snapshot({**taken.meta, "fingerprint": self.fingerprint}, taken.arrays)

    def set_state(self, state: Snapshot) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Continue from a snapshot.

        Raises:
            ValueError: it is of something else; nothing has changed then.
        """
        if state.meta["fingerprint"] != self.fingerprint:
            raise ValueError("the snapshot was taken from another environment, or with other digits")
        return self._shown(
            *self.vec.set_state(Snapshot({**state.meta, "fingerprint": self.vec.fingerprint}, state.arrays))
        )


def one_hot_digits(bases: tuple[int, ...]) -> NDArray[np.float32]:
    """Return for every number below the product of `bases` its digits, one-hot: float32 [numbers, sum of the bases]."""
    digits = np.unravel_index(np.arange(int(np.prod(bases))), bases)
    return np.concatenate([np.eye(base, dtype=np.float32)[d] for base, d in zip(bases, digits, strict=True)], axis=1)


def worker_env(vec: Any, options: OptionSet) -> Digits:
    """Return the batch in which the moves below `options` are learned; sizes are those of `vec`.

    Raises:
        ParameterError: options without moves that could be learned, or not for `vec`.
    """
    return Digits(WorkerEnv(OptionsEnv(vec, options)), options.seen_bases)


def manager_env(vec: Any, options: OptionSet) -> Digits:
    """Return the batch in which `options` are chosen; sizes are those of `vec`.

    Raises:
        ParameterError: options that are not for `vec`.
    """
    return Digits(OptionsEnv(vec, options), options.row_bases)


@torch.no_grad()
def as_table(worker: NetworkLearner) -> NDArray[np.float32]:
    """Return all that a worker without memory knows, as the options' `worker`: values float32 [A, numbers, N].

    There are finitely many numbers that it can see, so nothing is lost, and playing costs a look-up.

    Raises:
        ParameterError: a worker with memory, or one that does not see digits.
    """
    bases = worker.fingerprint.get("digits")
    if bases is None or worker.team.memory_size:
        raise ParameterError("a worker must be learned in worker_env, by a network without memory")
    codes = torch.from_numpy(one_hot_digits(tuple(bases))).to(worker.device)
    agents = worker.num_agents
    obs = codes[:, None, None].expand(-1, 1, agents, -1)
    begins = torch.zeros((len(codes), 1, agents), dtype=torch.bool, device=worker.device)
    values, _ = worker.team(obs, codes.new_zeros((len(codes), agents, 0)), begins)
    return np.ascontiguousarray(values[:, 0].transpose(0, 1).cpu().numpy())
