"""Options: a rule for actions, where it may be started, and where it stops.

Sutton, Precup and Singh, "Between MDPs and semi-MDPs: a framework for temporal abstraction in reinforcement learning",
Artificial Intelligence 112, 1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marl_envs.core.params import ParameterError

NO_ACTION = -1


@dataclass(frozen=True, eq=False)
class Options:
    """O options over S observations and N actions; arrays are checked and converted."""

    actions: NDArray[Any]
    """int64 [O, S]: what each does where; NO_ACTION where it is not defined."""
    starts: NDArray[Any]
    """int8 [O, S]: 1 where it may be started."""
    stops: NDArray[Any]
    """float64 [O, S]: probability that it stops on arriving there; what is not defined stops in any case."""

    def __post_init__(self) -> None:
        """Check the arrays."""
        given: tuple[Any, ...] = self.actions, self.starts, self.stops
        actions, starts, stops = map(np.asarray, given)
        if actions.ndim != 2 or actions.shape != starts.shape or actions.shape != stops.shape:
            raise ParameterError(
                f"actions, starts and stops must have one shape [options, observations], not {actions.shape}, "
                f"{starts.shape} and {stops.shape}"
            )
        if actions.dtype.kind not in "iu" or actions.min(initial=0) < NO_ACTION:
            raise ParameterError("actions must be integers from -1 (not defined)")
        if not ((stops >= 0) & (stops <= 1)).all():
            raise ParameterError("stops must be probabilities from 0 to 1")
        wrong = np.argwhere((starts != 0) & (actions == NO_ACTION))
        if len(wrong):
            o, s = wrong[0].tolist()
            raise ParameterError(f"option {o} may start at observation {s}, but has no action there")
        object.__setattr__(self, "actions", actions.astype(np.int64))
        object.__setattr__(self, "starts", (starts != 0).astype(np.int8))
        object.__setattr__(self, "stops", np.where(actions == NO_ACTION, 1.0, stops).astype(np.float64))

    def __len__(self) -> int:
        """Return the number of options."""
        return len(self.actions)

    def __add__(self, other: Options) -> Options:
        """Return these options followed by those of `other`."""
        mine, theirs = self.parts(), other.parts()
        return Options(*(np.concatenate(pair) for pair in zip(mine, theirs, strict=True)))

    def parts(self) -> tuple[NDArray[Any], ...]:
        """Return the three arrays."""
        return self.actions, self.starts, self.stops

    def available(self, obs: NDArray[Any], mask: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return which may be started, int8 [E, A, O], at observations [E, A] with allowed actions [E, A, N]."""
        wanted = np.maximum(self.actions.T[obs], 0)  # [E, A, O]; what is not defined may not start either
        return self.starts.T[obs] * (np.take_along_axis(mask, wanted, axis=-1) != 0)

    def to_config(self) -> dict[str, list[Any]]:
        """Return the options as a JSON-able dict."""
        names = ("actions", "starts", "stops")
        return {name: array.tolist() for name, array in zip(names, self.parts(), strict=True)}


def as_options(options: Options | dict[str, ArrayLike], num_observations: int, num_actions: int) -> Options:
    """Return options, also from what `to_config` gave, that fit a table.

    Raises:
        ParameterError: they are for other numbers of observations or actions.
    """
    made = options if isinstance(options, Options) else Options(**options)  # type: ignore[arg-type]
    if made.actions.shape[1] != num_observations or made.actions.max(initial=0) >= num_actions or not len(made):
        raise ParameterError(
            f"options must be for {num_observations} observations and actions below {num_actions}, not for "
            f"{made.actions.shape[1]} and up to {made.actions.max(initial=0)}"
        )
    return made


def primitive_options(num_observations: int, num_actions: int) -> Options:
    """Return each action as an option that stops after one step."""
    shape = (num_actions, num_observations)
    actions = np.broadcast_to(np.arange(num_actions)[:, None], shape)
    return Options(actions, np.ones(shape, np.int8), np.ones(shape))


def hallway_options(rows: Sequence[str], hallways: Sequence[tuple[int, int]], slip: float = 0.0) -> Options:
    """Return for each room and each of its hallways the option to go there.

    It may start in the room and in the room's other hallways, and stops outside of these. It goes a shortest way; where
    moves slip it keeps clear of the other hallways, as in the paper: it is the best policy for a reward of 0.9^steps at
    its hallway and nothing at the others.

    Args:
        rows: a drawing of the grid, `#` for walls, which are all around. An observation is row * width + col; actions
            are up, down, left, right.
        hallways: (row, col) of the cells that part the rooms.
        slip: probability that one of the other three directions is taken.
    """
    free = np.array([[letter != "#" for letter in row] for row in rows])
    made = []
    for room in _rooms(free, hallways):
        doors = [door for door in hallways if any(room[cell] for cell in _around(door))]
        for door in doors:
            domain = room.copy()
            for other in doors:
                domain[other] = True
            made.append(_way_to(door, domain, free, slip))
    return Options(*(np.stack(parts) for parts in zip(*made, strict=True)))


_MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))


def _around(cell: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the neighbours of a cell, by action."""
    return [(cell[0] + down, cell[1] + right) for down, right in _MOVES]


def _cell(place: Any) -> tuple[int, int]:
    return int(place[0]), int(place[1])


def _rooms(free: NDArray[np.bool_], hallways: Sequence[tuple[int, int]]) -> list[NDArray[np.bool_]]:
    """Return the connected parts of the free cells without hallways, bool [H, W] each."""
    left = free.copy()
    for door in hallways:
        left[door] = False
    rooms = []
    while left.any():
        room = np.zeros_like(free)
        queue = [_cell(np.argwhere(left)[0])]
        for cell in queue:
            if left[cell]:
                left[cell], room[cell] = False, True
                queue += _around(cell)
        rooms.append(room)
    return rooms


def _way_to(
    door: tuple[int, int], domain: NDArray[np.bool_], free: NDArray[np.bool_], slip: float
) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.float64]]:
    """Return actions, starts and stops of going to `door` through the cells of `domain`."""
    cells = [cell for cell in map(_cell, np.argwhere(domain)) if cell != door]
    targets = {cell: [there if free[there] else cell for there in _around(cell)] for cell in cells}
    worth = np.zeros(domain.shape)
    worth[door] = 1.0
    gains: dict[tuple[int, int], list[float]] = {}
    for _ in range(domain.size):
        for cell in cells:
            values = [0.9 * worth[there] for there in targets[cell]]
            gains[cell] = [(1 - slip) * value + slip / 3 * (sum(values) - value) for value in values]
        for cell in cells:
            worth[cell] = max(gains[cell])
    actions = np.full(domain.shape, NO_ACTION)
    for cell in cells:
        actions[cell] = int(np.argmax(np.round(gains[cell], 12)))
    defined = (actions != NO_ACTION).reshape(-1)
    return actions.reshape(-1), defined.astype(np.int8), np.where(defined, 0.0, 1.0)
