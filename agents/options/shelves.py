"""Ready-made options of the shelves task: go to a shelf, bring it to a goal, put it back; and wait for a step.

What an option is about: "fetch q" the shelf of request q, which nobody carries yet, until it is on board; "deliver" the
requested shelf on board, until it is on the nearest goal; "put back i" the empty home i (the environment knows one for
each loaded robot), until the shelf stands there; "wait" nothing, where nothing else is possible. A target vanishes when
another robot loads the shelf or takes the home. Between choices an inner policy makes the moves: shortest ways with
evasion, as the greedy planner, or a table that was learned (`agents.options.worker`). Nobody assigns targets; what the
others follow is seen in the rows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.options.env import NONE, Following, Look
from agents.tabular.lookup import Lookup
from marl_envs.core.jit import jit
from marl_envs.core.pack import Table, table_of, unpack
from marl_envs.core.params import ParameterError, check_float
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.batch import SETTINGS_AT
from marl_envs.warehouse.guidance import shortest_move
from marl_envs.warehouse.observe import NEAR_STATES, TABULAR_STATES, tabular
from marl_envs.warehouse.planner import greedy_all
from marl_envs.warehouse.types import (
    EMPTY,
    FETCH,
    IDLE,
    NOOP,
    NUM_MOVES,
    RETURN,
    TO_GOAL,
    UNREACHABLE,
    Params,
    Settings,
    State,
)

FETCH_SHELF, DELIVER, PUT_BACK, WAIT = range(4)  # kinds
HERE = 1  # what "deliver" and "wait" are about: no cell has this number, as the floor has a rim
FARTHEST = 31  # [steps] what is farther looks the same
UNCLAIMED, CLAIMED, OUTRUN = range(3)  # nobody follows the same; somebody farther does; somebody as near or nearer
ROW_BASES = FARTHEST + 1, 3, 2
NUM_ROWS = math.prod(ROW_BASES)


class ShelfOptions:
    """The options of `warehouse_v0`, with Q requests and A robots: Q x fetch, deliver, A x put back, wait.

    Rows tell the distance up to 31 steps, whether another robot follows the same and is nearer, and whether the robot's
    last option stalled. To wait is possible only where nothing else is: who could wait at will would wait for others to
    deliver, and in the end everybody does.
    """

    def __init__(self, vec: VectorEnv, *, worker: NDArray[np.float32] | None = None, sidestep: float = 0.5) -> None:
        """Make the options of the robots of `vec`, which serves for its sizes alone.

        Args:
            vec: a batch of `warehouse_v0`, without batteries and messages.
            worker: the table of a learned inner policy, float32 [1 or A, 6208, 5] (not copied); the planner's ways
                unless given.
            sidestep: probability that a robot on the planner's ways turns aside where it would have to wait.

        Raises:
            ParameterError: another environment, or a value that is not allowed.
        """
        self.requests, self.robots = self._sizes(vec)
        self.names = (
            *(f"fetch {q}" for q in range(self.requests)),
            "deliver",
            *(f"put back {i}" for i in range(self.robots)),
            "wait",
        )
        counts = (self.requests, 1, self.robots, 1)
        self.kinds = np.repeat(np.arange(4), counts)
        self.brief = self.kinds == WAIT
        self.num_rows, self.num_seen = NUM_ROWS, TABULAR_STATES
        self.row_bases: tuple[int, ...] = ROW_BASES
        self.seen_bases: tuple[int, ...] = 4, 8, 2, NEAR_STATES  # phase, guide, refused, nearest robot
        self.sidestep = check_float("sidestep", sidestep, 0.0, 1.0)
        self.worker = worker
        if worker is not None:
            shapes = [(tables, TABULAR_STATES, NUM_MOVES) for tables in (1, self.robots)]
            if worker.dtype != np.float32 or worker.shape not in shapes:
                raise ParameterError(f"worker must be float32 {shapes[0]}, not {worker.dtype} {worker.shape}")
        self._reader = Lookup(TABULAR_STATES, NUM_MOVES)
        self._bound: tuple[Any, ...] | None = None

    @staticmethod
    def _sizes(vec: VectorEnv) -> tuple[int, int]:
        params = vec.params
        if not isinstance(params, Params):
            raise ParameterError(f"these options are for warehouse_v0, not for {vec.fingerprint['env']}")
        if params.battery is not None or params.message_bits or params.mask is None:
            raise ParameterError(
                "these options need battery=None, message_bits=0 and masks: they charge and say nothing"
            )
        return params.queue_size, params.num_robots

    def check(self, vec: VectorEnv) -> None:
        """Raise ParameterError if these options are not for the environment `vec`."""
        if self._sizes(vec) != (self.requests, self.robots):
            raise ParameterError(
                f"these options are for {self.requests} requests and {self.robots} robots, "
                f"not for {self._sizes(vec)[0]} and {self._sizes(vec)[1]}"
            )

    def to_config(self) -> dict[str, Any]:
        """Return what was chosen, as a JSON-able dict."""
        return (
            {"worker": "learned", "names": list(self.names)}
            if self.worker is not None
            else {"worker": "planner", "sidestep": self.sidestep, "names": list(self.names)}
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what holds addresses."""
        return {**self.__dict__, "_bound": None}

    def _table(self, vec: VectorEnv) -> Table:
        """Return the environment for kernels, with the options' targets in place of the central assignment's."""
        if self._bound is None or self._bound[0] is not vec.arrays:
            shared = vec.arrays
            own = {name: np.zeros_like(getattr(shared, name)) for name in ("phase", "target", "steps_to", "guide")}
            aimed = shared._replace(**own)
            self._bound = shared, aimed, table_of(aimed, vec.simulation.settings)
        table: Table = self._bound[2]
        return table

    def look(self, vec: VectorEnv, following: Following) -> Look:
        """Return what the options are now; `moves` ignore the other robots, unless the inner policy is learned."""
        shape, table = (vec.num_envs, self.robots, len(self.names)), self._table(vec)
        about, left, moves = (np.empty(shape, np.int64) for _ in range(3))
        rows = np.empty(shape, np.int32)
        look_all(table, following.option, following.stuck, about, left, rows, moves)
        if self.worker is not None:
            moves = self._learned_moves(vec, following, about)
        return Look(about, left, rows, moves)

    def act(self, vec: VectorEnv, following: Following) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] of the options that robots follow."""
        table, option = self._table(vec), following.option
        actions = np.zeros(option.shape, np.int64)
        if self.worker is None:
            aim_all(table, option)
            greedy_all(table, actions, following.evasion, following.rng, self.sidestep)
            return actions
        seen, mask = self.see(vec, following), vec.action_mask
        self._reader.act("epsilon_greedy", self.worker, seen, mask, following.rng, 0.0, actions)
        return np.where(self.brief[option], NOOP, actions)

    def see(self, vec: VectorEnv, following: Following) -> NDArray[np.int32]:
        """Return the observation "tabular" as it is with the robots' own targets, int32 [E, A]."""
        seen = np.zeros(following.option.shape, np.int32)
        aim_all(self._table(vec), following.option)
        see_all(self._table(vec), seen)
        return seen

    def _learned_moves(self, vec: VectorEnv, following: Following, about: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the best action of the learned inner policy for each option, int64 [E, A, O]."""
        assert self.worker is not None
        assert vec.action_mask is not None
        seen = np.zeros(about.shape, np.int32)
        see_each(self._table(vec), following.option, seen, np.zeros(about.shape[:2], np.int32))
        own = np.arange(self.robots)[:, None] if len(self.worker) > 1 else np.zeros((1, 1), np.int64)
        values = np.where(vec.action_mask[:, :, None] != 0, self.worker[own, seen], -np.inf)
        moves = np.where(self.brief, NOOP, values.argmax(axis=-1))
        return np.where(about == 0, NONE, moves)

    def reached(self, vec: VectorEnv, following: Following) -> NDArray[np.bool_]:
        """Return which of the options that are over have reached what they were for, bool [E, A]."""
        state, kind = vec.arrays, self.kinds[np.maximum(following.option, 0)]
        loaded, there = state.load != EMPTY, state.pos == following.about
        delivered = loaded & (state.has_delivered != 0)  # not put down on the way
        return np.choose(kind, [loaded & there, delivered, ~loaded & there, True])


@jit(inline=True)
def about_of(state: State, settings: Settings, e: int, a: int, o: int) -> Any:
    """Return what option `o` of robot `a` is about: a cell, HERE, or 0 if it may not be started."""
    requests, s = state.queue.shape[1], state.load[e, a]
    if o == requests + 1 + state.pos.shape[1]:
        return HERE
    if o < requests:
        wanted = state.queue[e, o]
        cell = np.int64(state.shelf_pos[e, wanted])
        b = state.robot_at[e, cell]
        carried = b != EMPTY and state.load[e, b] == wanted
        return 0 if carried or s != EMPTY else cell
    if s == EMPTY:
        return 0
    due = state.requested[e, s] != 0 and (settings.pay_again != 0 or state.has_delivered[e, a] == 0)
    if o == requests:
        return HERE if due else 0
    return 0 if due else np.int64(state.gap[e, o - requests - 1])


@jit(inline=True)
def aim(state: State, settings: Settings, e: int, a: int, o: int) -> Any:
    """Give robot `a` the target of option `o`: phase, target, distance and guide; return what the option is about."""
    requests, here = state.queue.shape[1], np.int64(state.pos[e, a]) * 4 + state.heading[e, a]
    cell = 0 if o == NONE else about_of(state, settings, e, a, o)
    state.phase[e, a], state.target[e, a] = IDLE, 0
    state.steps_to[e, a], state.guide[e, a] = UNREACHABLE, 0
    if cell == 0 or o == requests + 1 + state.pos.shape[1]:
        return cell
    if o == requests:
        state.phase[e, a], state.target[e, a] = TO_GOAL, settings.nearest_goal[here]
        state.steps_to[e, a], state.guide[e, a] = settings.goal_steps[here], settings.goal_guide[here]
        return cell
    home = settings.home_index[cell]
    state.target[e, a] = np.uint32(cell)
    if o < requests:
        state.phase[e, a] = FETCH
        state.steps_to[e, a], state.guide[e, a] = settings.free_steps[home, here], settings.free_guide[home, here]
    else:
        state.phase[e, a] = RETURN
        state.steps_to[e, a], state.guide[e, a] = settings.laden_steps[home, here], settings.laden_guide[home, here]
    return cell


@jit
def aim_all(table: Any, option: Any) -> None:
    """Give all robots the targets of the options that they follow."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    for e in range(option.shape[0]):
        for a in range(option.shape[1]):
            aim(state, settings, e, a, option[e, a])


@jit
def see_all(table: Any, seen: Any) -> None:
    """Write the observation "tabular" of the targets that robots have, int32 [E, A]."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    for e in range(seen.shape[0]):
        tabular(state, settings, seen, e)


@jit
def see_each(table: Any, option: Any, seen: Any, scratch: Any) -> None:
    """Write the same for each option that a robot could follow, int32 [E, A, O], while the others follow theirs."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    for e in range(seen.shape[0]):
        for a in range(seen.shape[1]):
            aim(state, settings, e, a, option[e, a])
        for a in range(seen.shape[1]):
            for o in range(seen.shape[2]):
                aim(state, settings, e, a, o)
                tabular(state, settings, scratch, e)
                seen[e, a, o] = scratch[e, a]
            aim(state, settings, e, a, option[e, a])


@jit
def look_all(table: Any, option: Any, stuck: Any, about: Any, left: Any, rows: Any, moves: Any) -> None:
    """Write what each option is about, the steps to its target, its row and its first move, all [E, A, O]."""
    state, settings = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT)
    for e in range(about.shape[0]):
        for a in range(about.shape[1]):
            for o in range(about.shape[2]):
                about[e, a, o] = aim(state, settings, e, a, o)
                left[e, a, o] = state.steps_to[e, a]
                moves[e, a, o] = NONE if about[e, a, o] == 0 else shortest_move(state, e, a)
        for a in range(about.shape[1]):
            idle = 1
            for o in range(about.shape[2] - 1):
                idle &= about[e, a, o] == 0
                claim = claimed(option, left, e, a, o)
                rows[e, a, o] = (min(left[e, a, o], FARTHEST) * 3 + claim) * 2 + stuck[e, a]
            about[e, a, about.shape[2] - 1] = HERE if idle else 0
            rows[e, a, about.shape[2] - 1] = 0


@jit(inline=True)
def claimed(option: Any, left: Any, e: int, a: int, o: int) -> Any:
    """Return whether another robot follows option `o`, and is as near as robot `a` or nearer."""
    claim = UNCLAIMED
    for b in range(option.shape[1]):
        if b != a and option[e, b] == o:
            claim = max(claim, OUTRUN if left[e, b, o] <= left[e, a, o] else CLAIMED)
    return claim
