"""A batch as one batched TorchRL environment: E environments step in one call, as in VMAS.

A single environment needs nothing of this: TorchRL's own `PettingZooWrapper(marl_envs.make(id))` takes it.
Works with TorchRL 0.11 (BenchMARL's) and 0.14.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tensordict import TensorDict, TensorDictBase
from torchrl.data import Bounded, Categorical, Composite, Unbounded
from torchrl.envs import EnvBase

from marl_envs.core.params import check_int
from marl_envs.core.registry import make_vec
from marl_envs.core.vector import VectorEnv
from marl_envs.interop.episodes import EpisodeLog

_FLAGS = ("done", "terminated", "truncated")


def group_of(agents: list[str]) -> str:
    """Return the key that the agents' data stand under: "robot" for robot_0, robot_1 ..., "agents" for mixed names."""
    kinds = {name.rpartition("_")[0] for name in agents}
    return kinds.pop() if len(kinds) == 1 and "" not in kinds else "agents"


def _numbered(space: Any, agents: int) -> Categorical | Bounded:
    """Return a Discrete or MultiDiscrete as TorchRL's spec of all agents."""
    if not space.shape:
        return Categorical(int(space.n), (agents,), dtype=torch.int64)
    shape = torch.Size((agents, *space.shape))
    high = torch.from_numpy(space.nvec.astype(np.int64) - 1).expand(shape)
    return Bounded(torch.zeros_like(high), high, shape, dtype=torch.int64)


def _bounded(space: Any, shape: tuple[int, ...]) -> Bounded:
    """Return a Box as TorchRL's spec, repeated over the leading axes of `shape`."""
    low, high = (torch.from_numpy(bound.copy()).expand(shape) for bound in (space.low, space.high))
    return Bounded(low, high, torch.Size(shape), dtype=torch.float32)


class BatchedEnv(EnvBase):
    """E environments x A agents with `batch_size` [E]; keys as PettingZooWrapper has them, but no "info".

    Of the agents, under their group's name (such as "robot"): "observation" float32 [E, A, D] (int64 [E, A] where it is
    one integer), "action" int64 [E, A], "action_mask" bool [E, A, N] (unless built with mask=None), "reward" float32
    [E, A, 1], and "done", "terminated", "truncated" [E, A, 1]: an agent that has finished stays terminated until its
    environment ends. At the root: "done", "terminated" (all agents have finished), "truncated" [E, 1], and float32
    "state" [E, n] on request. ("next", ...) of an episode's end is its true last observation, mask and state.

    TorchRL resets what has ended, in `rollout`, `step_and_maybe_reset` and collectors. Any subset may be reset at any
    time (an unfinished episode is not logged). Where an episode starts depends on the seed and the environment's own
    past alone, so trajectories are those of a VectorEnv.
    """

    def __init__(
        self,
        vec: VectorEnv,
        *,
        device: Any = "cpu",
        seed: int | None = None,
        with_state: bool = False,
        log: EpisodeLog | None = None,
    ) -> None:
        """Make environments like those of `vec`, as many and with as many threads; `self.vec` are they.

        Args:
            vec: what to simulate. It is not stepped: it resets by itself, and here TorchRL does that.
            device: where tensors are wanted.
            seed: as of `VectorEnv.reset`, for the first reset.
            with_state: also give out the global state, for central critics and mixers.
            log: gets the metrics of finished episodes.
        """
        super().__init__(device=torch.device(device), batch_size=torch.Size([vec.num_envs]))
        self.vec = VectorEnv(vec.simulation, vec.num_envs, vec.num_threads, autoreset=False)
        self.log = log
        self.group = group_of(vec.agents)
        self.group_map = {self.group: vec.agents}
        self._with_state = with_state
        self._finished = np.zeros((vec.num_envs, vec.num_agents), np.bool_)  # agents, in the running episode
        self._over = np.zeros(vec.num_envs, np.bool_)  # environments that have ended and not been reset
        self._seeded = False  # set_seed has started all episodes, which the next reset is to return
        self._make_specs()
        if seed is not None:
            self._set_seed(seed)

    def _make_specs(self) -> None:
        agents, actions = self.vec.num_agents, int(self.vec.action_space.n)
        space, batch = self.vec.observation_space, self.batch_size
        seen: dict[str, Any] = {}
        if self.vec.simulation.discrete:
            seen["observation"] = _numbered(space, agents)
        else:
            seen["observation"] = _bounded(space, (agents, *space.shape))
        if self.vec.action_mask is not None:
            seen["action_mask"] = Categorical(2, (agents, actions), dtype=torch.bool)
        whole: dict[str, Any] = {}
        if self._with_state:
            whole["state"] = _bounded(self.vec.state_space, self.vec.state_space.shape)
        chosen = {"action": Categorical(actions, (agents,), dtype=torch.int64)}
        paid = {"reward": Unbounded((agents, 1), dtype=torch.float32)}
        flags = {flag: Categorical(2, (agents, 1), dtype=torch.bool) for flag in _FLAGS}
        common = {flag: Categorical(2, (1,), dtype=torch.bool) for flag in _FLAGS}

        def spec(group: dict[str, Any], root: dict[str, Any]) -> Composite:
            one = Composite({self.group: Composite(group, shape=(agents,)), **root})
            return one.expand(*batch).to(self.device)

        self.observation_spec = spec(seen, whole)
        self.action_spec = spec(chosen, {})
        self.reward_spec = spec(paid, {})
        self.done_spec = spec(flags, common)

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        """Return a copy, since TorchRL keeps what a step gave out and the batch writes over it."""
        return torch.from_numpy(array).to(self.device, copy=True)

    def _result(self) -> TensorDict:
        """Return what is seen, and what has ended."""
        out, finished, ended = self.vec.out, self._finished, self._over
        group: dict[str, Any] = {
            "observation": self._tensor(self.vec.simulation.seen(out.label.astype(np.int64), out.obs))
        }
        if self.vec.action_mask is not None:
            group["action_mask"] = self._tensor(out.mask.view(np.bool_))
        root: dict[str, Any] = {"state": self._tensor(self.vec.state())} if self._with_state else {}
        cut, whole = ended[:, None] & ~finished, finished.all(axis=1) & ended
        for flag, of_agents, of_all in zip(
            _FLAGS, (finished | cut, finished, cut), (ended, whole, ended & ~whole), strict=True
        ):
            group[flag], root[flag] = self._tensor(of_agents[..., None]), self._tensor(of_all[:, None])
        root[self.group] = TensorDict(group, [*self.batch_size, self.vec.num_agents], device=self.device)
        return TensorDict(root, self.batch_size, device=self.device)

    def _reset(self, tensordict: TensorDictBase | None = None, *, seed: int | None = None) -> TensorDict:
        """Start episodes everywhere, or where "_reset" says."""
        asked = None if tensordict is None else tensordict.get("_reset", None)
        chosen = np.ones_like(self._over) if asked is None else self._mask(asked)
        if chosen.all():
            if seed is not None or not self._seeded:
                self.vec.reset(seed=seed)
        elif seed is not None:
            raise ValueError("a seed is for all environments: reset them all, without a partial `_reset`")
        else:
            self.vec.restart(chosen)
        self._finished[chosen] = self._over[chosen] = self._seeded = False
        return self._result()

    def _step(self, tensordict: TensorDictBase) -> TensorDict:
        """Advance all environments.

        Raises:
            RuntimeError: some have ended and were not reset, or "_step" leaves out one that has not ended.
            RuntimeError, TypeError, ValueError: as `VectorEnv.step`.
        """
        asked = tensordict.get("_step", None)
        running = ~self._over
        odd = running != (True if asked is None else self._mask(asked))
        if odd.any():
            listed = ", ".join(map(str, np.flatnonzero(odd)[:8]))
            if asked is None:
                raise RuntimeError(f"environments have ended and must be reset before the next step: {listed}")
            raise RuntimeError(f"all environments that have not ended step together, so _step must say so: {listed}")
        self._seeded = False
        _, reward, terminated, _, info = self.vec.step(tensordict.get((self.group, "action")).cpu().numpy())
        self._finished |= terminated
        ended = info["ended"]
        if self.log is not None and (ended & running).any():
            self.log.add_batch({"ended": ended & running, "metrics": self.vec.metrics()})
        self._over |= ended
        result = self._result()
        result[self.group, "reward"] = self._tensor(reward[..., None])
        return result

    def _mask(self, flags: torch.Tensor) -> NDArray[np.bool_]:
        """Return bool [E, 1] as an array [E]."""
        array: NDArray[np.bool_] = flags.cpu().numpy().reshape(self.vec.num_envs)
        return array

    def _set_seed(self, seed: int | None) -> None:
        """Start all episodes from this seed; the next reset returns them. None continues the streams."""
        self._reset(seed=None if seed is None else check_int("seed", seed, 0, 2**64 - 1))
        self._seeded = True

    def close(self, **arguments: Any) -> None:
        """Stop the batch's threads."""
        self.vec.close()
        super().close(**arguments)


def make(
    env_id: str,
    num_envs: int = 1,
    num_threads: int = 1,
    *,
    device: Any = "cpu",
    seed: int | None = None,
    with_state: bool = False,
    log: EpisodeLog | None = None,
    **parameters: Any,
) -> BatchedEnv:
    """Return `num_envs` environments of that id as one; further keyword arguments are the environment's parameters."""
    vec = make_vec(env_id, num_envs, num_threads, **parameters)
    return BatchedEnv(vec, device=device, seed=seed, with_state=with_state, log=log)
