"""A small world as tables: states, what joint actions pay, and what follows; read from an environment or a game."""

from __future__ import annotations

from collections import deque
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_int
from marl_envs.core.snapshot import Snapshot
from marl_envs.core.vector import VectorEnv
from marl_envs.metrics.checks import Floats, Ints

END = -1  # in `World.follow`: the episode is over


class World(NamedTuple):
    """S states, of which play begins in state 0; A agents, N actions of each."""

    reward: Floats  # [A, S, N, ..., N] what each agent gets for each joint action
    follow: Ints  # [S, N, ..., N] the state after it, or END
    allowed: NDArray[np.bool_]  # [A, S, N]
    observations: Ints  # [S, A] what each agent sees


def of_game(game: Any) -> World:
    """Return the world of a game of `marl_envs.small.matrix.games`: expected payoffs, all actions allowed."""
    reward = np.moveaxis(game.expected, -1, 0)
    agents, states, *sizes = reward.shape
    if len(set(sizes)) > 1:
        raise ParameterError(f"agents must have the same number of actions, not {sizes}")
    seen = np.repeat(np.arange(states)[:, None], agents, axis=1)
    return World(reward, game.follow.astype(np.int64), np.ones((agents, states, sizes[0]), bool), seen)


def explore(vec: VectorEnv, seed: int = 0, most_states: int = 10_000) -> World:
    """Return the world of a deterministic environment whose agents' observations, taken together, are its state.

    Every joint action is tried from every state that can be reached (by snapshots), so the result is exact. Time limits
    are no part of it: give the number of steps to what reads the world. A state that is reached in a second way is
    tried again from there, and must answer alike: that is how worlds that are random, or in which observations hide
    something, are found out.

    Args:
        vec: one environment with tabular observations and discrete actions; its time limit must not be near.
        seed: of the reset, which leads to state 0.
        most_states: where to give up.

    Raises:
        ParameterError: more than one environment, no tabular observations, too many states, or a state that does not
            answer alike.
    """
    check_int("num_envs", vec.num_envs, 1, 1, "to be explored")
    check_int("most_states", most_states, 1)
    if not vec.simulation.discrete or vec.simulation.continuous:
        raise ParameterError('exploring a world takes discrete actions and observations: observation="tabular"')
    obs, info = vec.reset(seed=seed)
    found = _Explorer(vec, most_states)
    found.meet(_key(obs, info), vec.get_state())
    while found.open:
        found.try_all(*found.open.popleft())
    return found.world()


def _key(obs: Any, info: Any) -> tuple[Any, ...]:
    """Return the state: what agents see, which of them have finished, and what they may do."""
    return obs[0].ravel().tolist(), info["alive"][0].tolist()


class _Explorer:
    """What is known of a world while it is explored."""

    def __init__(self, vec: VectorEnv, most: int) -> None:
        self._vec, self._most = vec, most
        self._joint = list(product(range(int(vec.action_space.n)), repeat=vec.num_agents))
        self._numbers: dict[str, int] = {}
        self._seen: list[list[int]] = []
        self._again: set[int] = set()
        self._rows: dict[int, Any] = {}
        self.open: deque[tuple[int, Snapshot]] = deque()

    def meet(self, key: tuple[Any, ...], at: Snapshot) -> int:
        """Return the number of a state; what is new, or reached in a second way, is to be tried."""
        name = repr(key)
        if name not in self._numbers:
            if len(self._numbers) == self._most:
                raise ParameterError(f"the world has more than most_states = {self._most} states")
            self._numbers[name] = len(self._numbers)
            self._seen.append(key[0])
            self.open.append((self._numbers[name], at))
        elif self._numbers[name] not in self._again:
            self._again.add(self._numbers[name])
            self.open.append((self._numbers[name], at))
        return self._numbers[name]

    def try_all(self, state: int, at: Snapshot) -> None:
        """Try every joint action from a snapshot of the state; compare with what came of it before."""
        self._vec.set_state(at)
        mask = self._vec.action_mask
        size = (self._vec.num_agents, int(self._vec.action_space.n))
        allowed = np.ones(size, bool) if mask is None else mask[0] > 0
        rewards, follow = np.zeros((len(self._joint), size[0])), np.zeros(len(self._joint), np.int64)
        for j, actions in enumerate(self._joint):
            self._vec.set_state(at)
            obs, reward, _, _, info = self._vec.step(np.array([actions]))
            rewards[j] = reward[0]
            follow[j] = END if info["ended"][0] else self.meet(_key(obs, info), self._vec.get_state())
        row = (rewards, follow, allowed)
        before = self._rows.setdefault(state, row)
        if not all(np.array_equal(one, other) for one, other in zip(before, row, strict=True)):
            raise ParameterError(
                f"state {state} (observations {self._seen[state]}) does not always answer alike: the world is random, "
                "or observations do not tell all of its state"
            )

    def world(self) -> World:
        """Return what was found."""
        agents, sizes = self._vec.num_agents, (int(self._vec.action_space.n),) * self._vec.num_agents
        rows = [self._rows[s] for s in range(len(self._numbers))]
        reward = np.stack([row[0] for row in rows]).reshape(len(rows), *sizes, agents)
        follow = np.stack([row[1] for row in rows]).reshape(len(rows), *sizes)
        allowed = np.stack([row[2] for row in rows], axis=1)
        return World(np.moveaxis(reward, -1, 0), follow, allowed, np.array(self._seen, np.int64))
