"""What we measure of our traffic engine, and of signals on top of it.

A vehicle-update is one driving vehicle advanced by one step. All that drive count, asleep in a queue or not, since the
engines that we compare with are counted so, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from marl_envs.traffic.demand import Demand
from marl_envs.traffic.engine.simulate import Traffic

FILLING, WINDOW = 480, 100  # steps before the window of a town, and of the window
HOUR = (900, 300)  # the same of a published hour
CHUNK = 10  # steps between two looks at the clock, and of a decision


class Rolling:
    """A window of traffic, played over and over; a call is a few steps and returns its vehicle-updates."""

    def __init__(self, step: Callable[[], int], rewind: Callable[[], object], window: int, each: int = 1) -> None:
        """Play `window` times `step`, which takes `each` steps and returns their vehicle-updates; then rewind."""
        self._step, self._rewind, self._window, self._each = step, rewind, window, each
        self._left = 0
        self.updates = self.steps = 0

    @property
    def vehicles(self) -> float:
        """Mean number of vehicles that drive, in all environments together."""
        return self.updates / max(self.steps, 1)

    def __call__(self) -> int:
        """Take `step` ten times."""
        if not self._left:
            self._rewind()
            self._left = self._window
        step, done = self._step, 0
        for _ in range(CHUNK):
            done += step()
        self._left -= CHUNK
        self.updates += done
        self.steps += CHUNK * self._each
        return done


class Windowed:
    """Our engine over a window of traffic; all environments play the same."""

    def __init__(self, demand: Demand, num_envs: int, filling: int, window: int, law: dict[str, Any]) -> None:
        """Fill one environment, count the vehicles in the window, and let all begin where it begins."""
        alone = Traffic(demand, filling + window, program=True, **law)
        alone.step(filling)
        self._begin = {name: array.copy() for name, array in alone.state._asdict().items()}
        self._counts = []
        for _ in range(window):
            alone.step()
            self._counts.append(num_envs * int(alone.running()[0]))
        self._traffic = alone
        if num_envs > 1:
            self._traffic = Traffic(demand, filling + window, num_envs, program=True, **law)
        self._left: Iterator[int] = iter(())

    def rewind(self) -> None:
        """Go back to the beginning of the window."""
        for name, array in self._begin.items():
            getattr(self._traffic.state, name)[:] = array
        self._left = iter(self._counts)

    def step(self) -> int:
        """Take a step and return how many vehicles drive after it."""
        self._traffic.step()
        return next(self._left)

    def decision(self) -> int:
        """Take the ten steps of a decision in one call."""
        self._traffic.step(CHUNK)
        return sum(islice(self._left, CHUNK))


def engine(
    demand: Callable[[], Demand],
    num_envs: int,
    filling: int = FILLING,
    window: int = WINDOW,
    by_step: bool = True,
    **law: Any,
) -> Rolling:
    """Return our engine on a demand, signals by the network's own program; unit: vehicle-updates.

    Args:
        demand: what is driven.
        num_envs: environments.
        filling: steps before the window.
        window: steps that are measured, over and over; a multiple of 100.
        by_step: whether it is called for each step, rather than for ten at once.
        law: how vehicles drive: `Traffic`'s `model` and `lane_choice`.
    """
    played = Windowed(demand(), num_envs, filling, window, law)
    if by_step:
        return Rolling(played.step, played.rewind, window)
    return Rolling(played.decision, played.rewind, window // CHUNK, CHUNK)


class Signals:
    """An hour of the signals' PettingZoo face on a 4 x 4 grid, by random phases; a call is an episode.

    Demand rises over the hour as in sumo-rl's grid4x4, from about 60 vehicles to about 300 under random phases;
    decisions every 5 s, 2 s of yellow. Unit: steps of all 16 agents together.
    """

    def __init__(self) -> None:
        """Build the environment, and draw actions."""
        from marl_envs import traffic_signals_v0

        self._env = traffic_signals_v0.parallel_env(
            network="grid-4x4", demand="rising-80", decision_interval=5, yellow=2, max_cycles=720, demand_sets=4
        )
        self._env.reset(seed=0)
        names = self._env.possible_agents
        drawn = np.random.default_rng(0).integers(0, int(self._env.vec.action_space.n), (720, len(names))).tolist()
        self._actions = [dict(zip(names, row, strict=True)) for row in drawn]
        state = self._env.vec.arrays
        driving = []
        for action in self._actions:  # counted apart, not in what is measured
            self._env.step(action)
            driving.append(state.free.shape[1] - int(state.num_free[0]))
        self.vehicles = float(np.mean(driving))

    def __call__(self) -> int:
        """Play an episode."""
        self._env.reset()
        for action in self._actions:
            self._env.step(action)
        return len(self._actions)
