"""What both tasks count alike, besides robots' steps: the arrays for it, service times, and metrics made of them.

Sources of the definitions: service time as in lifelong pick-up and delivery (Ma et al. 2017); deadlock and livelock as
the wait-for graph of robots that stand, and motion without progress (standstill.py, progress.py); congestion and queues
are counts of refused moves (congestion.py).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.jit import Int, Real, jit
from marl_envs.core.out import Out
from marl_envs.warehouse.conflicts import Robots

# Counters of an environment, State.record[e, :]; all start at 0
WAIT, APPROACH, CARRY, RETURNS, RETURN_TIME, WAY_TIME, WAY = range(7)  # [steps], sums (each task says what it counts)
DEADLOCKS, DEADLOCK_FIRST, DEADLOCK_LARGEST, DEADLOCK_STEPS, DISSOLVED, DISSOLVE_TIME, OPEN = range(7, 14)
QUEUED, LONGEST_QUEUE, NUM_HOT = range(14, 17)  # [robot-steps], [robots], cells in State.hot
WINDOW_START, WINDOWS, LIVELOCKED, STANDSTILL_FIRST, STANDSTILL_LARGEST, STANDING, JOBS = range(17, 24)
NUM_RECORDS = 24
# What State.jam[e, a, :] holds: step of the robot's last refusal; cell it was refused then; steps in a row that it was;
# the last of these in a row in which whoever is in that cell stood and asked for nothing; step that completed the
# deadlock known by this robot (0: none), and step in which it was last seen
JAM_STEP, JAM_CELL, JAM_TIME, IDLE_TIME, DEAD_SINCE, DEAD_STEP = range(6)
NUM_JAM = 8
LONGEST_SERVICE = 10_000  # [steps] that the service times' histogram reaches at most

DEADLOCK_AFTER = 5  # [steps] that robots have to stand, each asking for another's cell, to be in a deadlock
WINDOW = 20  # [steps] over which progress is judged

SHARED_METRICS: dict[str, tuple[str, str]] = {
    "service_time_p95": (
        "steps",
        "the service time that 95 % of the jobs done do not exceed; NaN without any, or beyond 10000 steps",
    ),
    "deadlocks": (
        "deadlocks",
        f"sets of robots that stood {DEADLOCK_AFTER} steps and were refused each time, all asking for the cell of "
        "another of the set: a ring, or a chain up to a robot that stands and asks for nothing; with who queues behind",
    ),
    "deadlock_first": ("step", "step in which the first deadlock was complete; NaN without any"),
    "deadlock_largest": ("robots", "most robots in one deadlock, without one at the end of a chain; 0 without any"),
    "deadlock_steps": ("robot-steps", "robot-steps in deadlocks, from the step that completes them"),
    "deadlocks_dissolved": ("deadlocks", "deadlocks whose ring broke up or whose end of the chain moved or asked"),
    "deadlock_time": ("steps", "mean time from a deadlock's completion to its end, over the dissolved; NaN without"),
    "standstill_first": (
        "step",
        f"end of the first {WINDOW} steps (counted from 0, {WINDOW}, ...) with a standstill; NaN without any. "
        "Standstill: robots that stood all these steps, refused or by choice, the next cells of whose shortest ways "
        "are all held by others of the set or by robots without a job that stood as well",
    ),
    "standstill_largest": ("robots", "most robots in standstill at once; NaN if targets are not kept up"),
    "standstill_fraction": ("1", f"share of robots in standstill, over windows of {WINDOW} steps; NaN without windows"),
    "livelock_fraction": (
        "1",
        f"share of robots that moved or turned in half of a window's {WINDOW} steps or more, got nothing done and came "
        "no nearer to their target, over windows; NaN without windows",
    ),
    "congestion_peak": ("1", "share of refused moves at the cell where most are refused; NaN without any"),
    "congestion_gini": ("1", "Gini coefficient of refused moves over free cells, 0: the same everywhere; NaN without"),
    "queue_mean": (
        "robots",
        "robots refused in a step whose chain of asked cells leads to a station (goal), per station and step",
    ),
    "queue_longest": ("robots", "most robots queued at one station (goal) in a step; NaN without stations"),
}
"""Name -> (unit, definition): the last metrics of both tasks, in the order of `write_shared`."""


class Counted(Robots, Protocol):
    """The arrays of the State of either task that counting needs, besides those of the conflict rule."""

    @property
    def step(self) -> NDArray[np.int32]:
        """Steps since the reset [E]."""

    @property
    def tally(self) -> NDArray[np.int32]:
        """Counters of each robot's steps [E, A, K]."""

    @property
    def outcome(self) -> NDArray[np.uint8]:
        """The counter of each robot's last step [E, A]."""

    @property
    def record(self) -> NDArray[np.int64]:
        """Counters of the environment [E, R]."""

    @property
    def lasted(self) -> NDArray[np.int32]:
        """Jobs done, by service time in steps; the last entry: all that took longer [E, L]."""

    @property
    def refused(self) -> NDArray[np.int16]:
        """Robots refused in this step, by other robots [E, A]."""

    @property
    def heat(self) -> NDArray[np.int32]:
        """Moves refused at each cell [E, C]."""

    @property
    def hot(self) -> NDArray[np.uint32]:
        """Cells with refused moves, as they appeared; record[NUM_HOT] of them [E, C]."""

    @property
    def jam(self) -> NDArray[np.int32]:
        """What is known of each robot's refusals and of the deadlock known by it, JAM_STEP to DEAD_STEP [E, A, J]."""

    @property
    def window_active(self) -> NDArray[np.int32]:
        """Moves and turns of each robot until the last window's end [E, A]."""

    @property
    def window_done(self) -> NDArray[np.int32]:
        """What it had got done until then [E, A]."""

    @property
    def window_far(self) -> NDArray[np.int32]:
        """Distance to its target then, or EMPTY [E, A]."""


def sizes(max_cycles: int) -> dict[str, int]:
    """Return the sizes of the arrays that counting needs besides A and C."""
    return {"R": NUM_RECORDS, "J": NUM_JAM, "L": min(max_cycles, LONGEST_SERVICE) + 2}


@jit(inline=True)
def start_counting(state: Counted, e: Int) -> None:
    """Set everything counted here to its value at the start of an episode."""
    for i in range(state.record[e, NUM_HOT]):
        state.heat[e, state.hot[e, i]] = 0
    if state.record[e, JOBS]:
        for i in range(state.lasted.shape[1]):
            state.lasted[e, i] = 0
    for i in range(state.record.shape[1]):
        state.record[e, i] = 0
    for a in range(state.pos.shape[1]):
        for i in range(state.jam.shape[2]):
            state.jam[e, a, i] = 0


@jit(inline=True)
def total(state: Counted, e: Int, k: Int) -> Real:
    """Return counter `k`, summed over robots."""
    found = 0
    for a in range(state.tally.shape[1]):
        found += state.tally[e, a, k]
    return np.float64(found)


@jit(inline=True)
def jain(state: Counted, e: Int, k: Int) -> Real:
    """Return the Jain index of counter `k` over robots: (sum x)^2 / (n sum x^2); NaN if it is 0 for all."""
    squares = 0.0
    for a in range(state.tally.shape[1]):
        squares += np.float64(state.tally[e, a, k]) ** 2
    # error_model="numpy": a division by zero gives NaN or infinity, and 0 / 0 is what "undefined" means here.
    return total(state, e, k) ** 2 / (state.tally.shape[1] * squares)


@jit(inline=True)
def count_service(state: Counted, e: Int, steps: Int) -> None:
    """Note the service time of a job that was done."""
    state.record[e, JOBS] += 1
    state.lasted[e, min(np.int64(steps), state.lasted.shape[1] - 1)] += np.int32(1)


@jit(inner=True)
def _percentile_95(state: Counted, e: Int) -> Real:
    """Return the smallest service time that at least 95 % of the jobs done do not exceed (nearest rank)."""
    jobs = state.record[e, JOBS]
    below, rank = 0, (95 * jobs + 99) // 100
    if jobs:
        for i in range(state.lasted.shape[1] - 1):
            below += state.lasted[e, i]
            if below >= rank:
                return np.float64(i)
    return np.nan


@jit(inner=True)
def _concentration(state: Counted, e: Int, cells: Int) -> tuple[Real, Real]:
    """Return the largest share of one cell in all refused moves, and their Gini coefficient over `cells` cells.

    Gini = 2 sum(rank * x) / (cells * sum(x)) - (cells + 1) / cells, x ascending; cells with equal x at once.
    """
    hot = state.record[e, NUM_HOT]
    moves, value, rank, weighted = np.int64(0), np.int64(0), cells - hot, 0.0
    while rank < cells:
        smallest, same = np.int64(2**62), np.int64(0)
        for i in range(hot):
            x = np.int64(state.heat[e, state.hot[e, i]])
            if value < x < smallest:
                smallest, same = x, np.int64(0)
            same += x == smallest
        value = smallest
        moves += same * value
        weighted += np.float64(value) * (same * rank + same * (same + 1) / 2.0)
        rank += same
    gini = 2.0 * weighted / (np.float64(cells) * moves) - (cells + 1.0) / cells if moves else np.nan
    return np.float64(value) / moves, gini


@jit(inline=True)
def write_shared(state: Counted, out: Out, e: Int, first: Int, cells: Int, stations: Int) -> None:
    """Write the metrics that both tasks share into out.metrics[e, first:].

    Args:
        state: the state.
        out: where to.
        e: which environment.
        first: how many metrics the task has before.
        cells: free cells of the floor.
        stations: how many of them are stations (goals).
    """
    record, robots = state.record, state.pos.shape[1]
    steps, windows = np.float64(state.step[e]), np.float64(record[e, WINDOWS])
    peak, gini = _concentration(state, e, cells)
    values = (
        _percentile_95(state, e),
        np.float64(record[e, DEADLOCKS]),
        np.float64(record[e, DEADLOCK_FIRST]) if record[e, DEADLOCKS] else np.nan,
        np.float64(record[e, DEADLOCK_LARGEST]),
        np.float64(record[e, DEADLOCK_STEPS]),
        np.float64(record[e, DISSOLVED]),
        np.float64(record[e, DISSOLVE_TIME]) / record[e, DISSOLVED],
        np.float64(record[e, STANDSTILL_FIRST]) if record[e, STANDSTILL_FIRST] else np.nan,
        np.float64(record[e, STANDSTILL_LARGEST]) if windows else np.nan,
        np.float64(record[e, STANDING]) / (windows * robots),
        np.float64(record[e, LIVELOCKED]) / (windows * robots),
        peak,
        gini,
        np.float64(record[e, QUEUED]) / (steps * stations),
        np.float64(record[e, LONGEST_QUEUE]) if stations else np.nan,
    )
    for m in range(len(values)):
        out.metrics[e, first + m] = values[m]
