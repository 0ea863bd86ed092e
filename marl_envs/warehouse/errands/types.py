"""Parameters, settings and state of the errands task.

Dimensions: E environments, A robots, C cells of the padded floor, N free cells, T tasks of a file, W errands in them,
Q open tasks of the pool, G and H cells that goals are drawn from, S distance tables, K counters;
in the state B robots with a battery (A or none), H charging cells, Z counters of batteries. A cell is one number,
`(row + pad) * stride + col + pad`, as in the shelves task. Names that both tasks share mean the same, since the
conflict kernel is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_choice, check_float, check_int, check_names
from marl_envs.warehouse.energy import DRAIN, Drain, check_battery, check_chargers_layer
from marl_envs.warehouse.errands.equipped import floor_of
from marl_envs.warehouse.errands.floors import get_floor
from marl_envs.warehouse.errands.problems import read_problem
from marl_envs.warehouse.types import BLOCKED, EMPTY, MASKED, MOVED, NUM_COUNTERS, SWAP, TURNED, VERTEX, WAITED, WALL

__all__ = ["BLOCKED", "EMPTY", "MASKED", "MOVED", "NUM_COUNTERS", "SWAP", "TURNED", "VERTEX", "WAITED", "WALL"]

# Actions: "rotate" (LoRR's FW, CCR, CR and W, by our numbers) and "compass"
WAIT, FORWARD, TURN_LEFT, TURN_RIGHT = range(4)
NORTHWARD, SOUTHWARD, WESTWARD, EASTWARD = range(1, 5)  # 1 + heading
MOVES = ("rotate", "compass")
ROTATE, COMPASS = range(2)
NUM_ACTIONS = (4, 5)  # by kind of moves
# What happens where robots ask for the same cell or to change places
COLLISIONS = ("resolve", "all_wait", "block")
RESOLVE, ALL_WAIT, BLOCK = range(3)
# Where tasks come from
SUPPLIES = ("drawn", "round_robin", "pool")
DRAWN, ROUND_ROBIN, POOL = range(3)
# Who assigns tasks of the pool
ASSIGNERS = ("nearest", "schedule")  # "optimal" and "module:function" are called: assign.py
NEAREST, SCHEDULE, CALLED = range(3)
# Where drawn goals lie, and where robots start
GOALS = ("alternate", "sides", "stations", "anywhere")
STARTS = ("anywhere", "stations")
# Kinds of cell
OBSTACLE, FREE, STATION, SIDE = range(4)
# Observations
OBSERVATIONS = ("goal", "tabular", "image")
GOAL_VECTOR, TABULAR, IMAGE = range(3)
SEVEN_LAYERS = ("obstacles", "robots", "goals_of_others", "own_goal", "stations", "direction", "closer")
IMAGE_LAYERS = (*SEVEN_LAYERS, "chargers")  # the last needs batteries
NEAR_CELLS = 12  # cells within Manhattan distance 2
# Counters of a robot's steps, State.tally[e, a, :], besides those shared with the shelves task
STOPPED, ERRANDS, TASKS = 2, 10, 11  # had to wait because others were in conflict ("all_wait"); errands, tasks done
TAKEN_AT, PICKED_AT = 15, 14  # notes beside them: step in which the task in hand was taken, and of its first errand
REWARD_TERMS = ("errand", "shaping")
ERRAND, SHAPING = range(2)
UNREACHABLE = 65535  # in distance tables
NONE = -1  # no task
DROP = -2  # in a schedule: put back what is in hand


def _check_assigner(name: object) -> None:
    if isinstance(name, str) and name.count(":") == 1 and all(name.split(":")):
        return
    check_choice("assigner", name, (*ASSIGNERS, "optimal", "module:function"))


@dataclass(frozen=True, kw_only=True)
class Params:
    """Everything that can be chosen; see docs/errands.md. Bad values raise ParameterError."""

    floor: str = "aisles-2x3"
    """A generated floor, the path of a MovingAI `.map` file, or a text drawing."""
    problem: str | None = None
    """Path of a LoRR problem file (JSON, 2023 or 2024): floor, starts and tasks come from there."""
    num_robots: int | None = None
    """Robots; None: 8, or as many as the problem has."""
    moves: str = "compass"
    """"compass" (to one of four neighbours) or "rotate" (forward and quarter turns)."""
    collision: str = "resolve"
    """"resolve" (RWARE's rule), "all_wait" (LoRR: one conflict stops all) or "block" (whoever is in conflict stays)."""
    starts: str = "anywhere"
    """Where robots start: "anywhere", or at "stations"."""
    goals: str = "alternate"
    """Where drawn goals lie: "alternate" (at shelf sides and stations by turns), "sides", "stations" or "anywhere"."""
    assigner: str = "nearest"
    """Who hands out a pool's tasks: "nearest" (free robot by free robot), "optimal" (the least total way), a function
    "module:function" (see assign.py), or "schedule" (what `State.schedule` says)."""
    observation: str = "goal"
    """"goal" (a vector that says where to go), "tabular" (one integer) or "image" (layers of the cells around)."""
    sensor_range: int = 2
    """Radius of the square that "image" shows [cells]."""
    image_layers: tuple[str, ...] = SEVEN_LAYERS
    """Layers of "image", in this order: any of IMAGE_LAYERS, each once. A list will do."""
    reward: str = "individual"
    """"individual" (who does the errand is paid) or "team" (everyone gets the sum)."""
    max_cycles: int = 500
    """Steps after which the episode is truncated."""
    shaping: float = 0.0
    """Weight of the potential-based shaping reward; 0 switches it off."""
    shaping_gamma: float = 0.99
    """Discount of the shaping reward; use the learner's own."""
    distance_bytes: int = 2 * 2**30
    """Most memory for distance tables [bytes]."""
    mask: str | None = "info"
    """Where the action mask is: in the "info", in the "obs" (PettingZoo face only), or None: nowhere."""
    agents_leave: bool = False
    """Whether finished agents leave `agents`. Robots finish together, so both values give the same episodes."""
    battery: int | None = None
    """Energy of a full battery [units]; None: robots need no energy."""
    drain: Drain = DRAIN
    """What steps cost [units]: wait, turn, move (and two that do not occur here). Five integers will do."""
    charge_rate: int = 20
    """What a step on a charging cell gives [units]."""
    reserve: int | None = None
    """Robots are sent to charge so that this is left when they arrive [units]; None: a quarter of the battery."""
    chargers: int | None = None
    """Charging cells put on a floor without drawn ones, spread out; None: one for every two robots."""

    def __post_init__(self) -> None:
        """Check every value before anything is built."""
        if self.problem is None:
            free = get_floor(self.floor).num_free
        else:
            problem = read_problem(self.problem)
            self._leave_to_the_problem("floor", "starts", "goals")
            free = problem.floor.num_free
            if self.num_robots not in (None, len(problem.starts)):
                raise ParameterError(
                    f"num_robots must be None or {len(problem.starts)}, as many as {self.problem} has, "
                    f"not {self.num_robots!r}"
                )
        if self.num_robots is not None:
            check_int("num_robots", self.num_robots, 1, min(free, 32000), f"(the floor has {free} free cells)")
        check_choice("moves", self.moves, MOVES)
        check_choice("collision", self.collision, COLLISIONS)
        check_choice("starts", self.starts, STARTS)
        check_choice("goals", self.goals, GOALS)
        _check_assigner(self.assigner)
        check_choice("observation", self.observation, OBSERVATIONS)
        check_int("sensor_range", self.sensor_range, 1, 20)
        object.__setattr__(self, "image_layers", check_names("image_layers", self.image_layers, IMAGE_LAYERS))
        check_choice("reward", self.reward, ("individual", "team"))
        check_int("max_cycles", self.max_cycles, 1)
        check_float("shaping", self.shaping, 0.0, 1e6)
        check_float("shaping_gamma", self.shaping_gamma, 0.0, 1.0)
        check_int("distance_bytes", self.distance_bytes, 1, 2**62)
        check_choice("mask", self.mask, ("info", "obs", None))
        check_choice("agents_leave", self.agents_leave, (True, False))
        object.__setattr__(self, "drain", check_battery(self))
        check_chargers_layer(self)
        floor_of(self)

    def _leave_to_the_problem(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                raise ParameterError(
                    f"{name} must not be given, as {self.problem} says it, not {getattr(self, name)!r}"
                )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Layers, rows and columns of "image": reshape the vector to this."""
        side = 2 * self.sensor_range + 1
        return len(self.image_layers), side, side


class Settings(NamedTuple):
    """What stays fixed: tables of the floor and numbers. Only the distance tables are filled as goals appear."""

    kind: Annotated[NDArray[np.uint8], "C"]  # OBSTACLE (also outside), FREE, STATION or SIDE
    row: Annotated[NDArray[np.int16], "C"]
    col: Annotated[NDArray[np.int16], "C"]
    inside: Annotated[NDArray[np.uint32], "N"]  # free cells, in reading order
    starts: Annotated[NDArray[np.uint32], "B"]  # cell of each robot at the reset; empty: drawn
    start_cells: Annotated[NDArray[np.uint32], "D"]  # that starts are drawn from
    first_goals: Annotated[NDArray[np.uint32], "G"]  # cells that a robot's goals are drawn from by turns:
    second_goals: Annotated[NDArray[np.uint32], "H"]  # these, then those
    task_first: Annotated[NDArray[np.int64], "T"]  # a file's tasks: index of the first errand; one more at the end
    task_cell: Annotated[NDArray[np.uint32], "W"]  # cell of each errand
    ahead: Annotated[NDArray[np.int32], "4"]  # what to add to a cell to go one ahead, by heading
    turned: Annotated[NDArray[np.uint8], "4 4"]  # heading after an action of "rotate", by action and heading
    clock: Annotated[NDArray[np.int16], "4"]  # heading in quarter turns clockwise from NORTH
    from_clock: Annotated[NDArray[np.uint8], "4"]  # and back
    near: Annotated[NDArray[np.int32], "4 12"]  # offsets of the cells within Manhattan distance 2, by heading
    sight: Annotated[NDArray[np.int32], "4 P"]  # offsets of the cells that "image" shows, by heading, in reading order
    codes: Annotated[NDArray[np.int32], "J"]  # what "image" shows of a cell (env.py, images.py)
    slot: Annotated[NDArray[np.int32], "C"]  # which distance table is of the way to this cell, or NONE
    steps: Annotated[NDArray[np.uint16], "S C"]  # distance tables [cells]
    observation: int  # GOAL_VECTOR, TABULAR or IMAGE
    layers: int  # of "image"
    moves: int  # ROTATE or COMPASS
    collision: int  # RESOLVE, ALL_WAIT or BLOCK
    supply: int  # DRAWN, ROUND_ROBIN or POOL
    assigner: int  # NEAREST, SCHEDULE or CALLED
    height: int  # [cells]
    width: int  # [cells]
    mask: int  # 1: write the action mask
    team: int  # 1: everyone gets the sum
    guided: int  # 1: distance tables are kept ready
    autoreset: int  # 1: start the next episode in the step that ends one
    max_cycles: int  # [steps]
    shaping_weight: float
    shaping_gamma: float
    longest: float  # [cells] rough length of a long way, to scale distances
    # Batteries (battery.py, charging.py); the arrays of cells are empty without
    capacity: int  # [energy units]; 0: no batteries
    charge_rate: int  # [energy units/step]
    charger_code: int  # what "chargers" adds to the code of a charging cell (0: it is not shown)
    chargers: Annotated[NDArray[np.uint32], "I"]  # charging cells; the table of the way to the k-th is `steps[k]`
    charger_at: Annotated[NDArray[np.int32], "C"]  # which of them a cell is, or EMPTY
    drain_of: Annotated[NDArray[np.int32], "2 K"]  # [energy units] cost of a step, by outcome (row 1: not used)
    reserve: int  # [energy units] that shall be left on reaching a charging cell
    dearest: Annotated[NDArray[np.int64], "2"]  # [energy units] most that a step of a way costs, by whether laden
    need: Annotated[NDArray[np.int64], "2 C"]  # [energy units] most that the way to the nearest costs, or NO_WAY


class State(NamedTuple):
    """Everything a step reads or writes; allocated once, changed in place."""

    rng: Annotated[NDArray[np.uint64], "E"]  # random stream
    step: Annotated[NDArray[np.int32], "E"]  # [steps] since the reset
    pos: Annotated[NDArray[np.uint32], "E A"]  # cell
    heading: Annotated[NDArray[np.uint8], "E A"]  # NORTH, SOUTH, WEST, EAST; with "compass" that of the last move
    goal: Annotated[NDArray[np.uint32], "E A"]  # cell of the current errand, or to charge on (0: none)
    task: Annotated[NDArray[np.int32], "E A"]  # task in hand, or NONE; with drawn goals a running number
    errand: Annotated[NDArray[np.int32], "E A"]  # errands of it already done
    last_task: Annotated[NDArray[np.int32], "E A"]  # task finished last, or NONE
    place: Annotated[NDArray[np.int32], "E A"]  # where in the pool it is
    released: Annotated[NDArray[np.int32], "E A"]  # [steps] when the task in hand was released
    set_out: Annotated[NDArray[np.int32], "E A"]  # [steps] when the current errand was begun
    shortest: Annotated[NDArray[np.int32], "E A"]  # [cells] shortest way of the current errand, from where it was begun
    next_task: Annotated[NDArray[np.int32], "E"]  # first task of the file that is not yet in the pool
    pool: Annotated[NDArray[np.int32], "E Q"]  # open tasks, or NONE
    pool_since: Annotated[NDArray[np.int32], "E Q"]  # [steps] when each was released
    pool_owner: Annotated[NDArray[np.int16], "E Q"]  # robot that has it in hand, or EMPTY
    schedule: Annotated[NDArray[np.int32], "E A"]  # task that each robot shall take (assigner "schedule"), DROP or NONE
    asked: Annotated[NDArray[np.int32], "E"]  # 1 + step for which an assigner was asked last (0: not yet)
    robot_at: Annotated[NDArray[np.int16], "E C"]  # robot in the cell, or EMPTY
    potential: Annotated[NDArray[np.float32], "E A"]  # of the shaping reward
    tally: Annotated[NDArray[np.int32], "E A K"]  # [robot-steps] this episode, by kind
    service: Annotated[NDArray[np.int64], "E"]  # [steps] sum of service times of finished tasks
    travelled: Annotated[NDArray[np.int64], "E"]  # [steps] sum over finished errands of the time they took
    shortest_sum: Annotated[NDArray[np.int64], "E"]  # [cells] sum over finished errands of their shortest ways
    total: Annotated[NDArray[np.float64], "E"]  # reward so far, sum over robots
    fresh: Annotated[NDArray[np.uint8], "E"]  # 1: an episode began in this step
    # What the further metrics are made of (counting.py)
    record: Annotated[NDArray[np.int64], "E R"]  # counters of the environment
    lasted: Annotated[NDArray[np.int32], "E L"]  # jobs done, by service time; the last entry: longer
    refused: Annotated[NDArray[np.int16], "E A"]  # robots that others refused in this step
    heat: Annotated[NDArray[np.int32], "E C"]  # moves refused at each cell
    hot: Annotated[NDArray[np.uint32], "E C"]  # cells with refused moves, as they appeared
    jam: Annotated[NDArray[np.int32], "E A J"]  # what is known of a robot's refusals and deadlock
    window_active: Annotated[NDArray[np.int32], "E A"]  # [robot-steps] moved and turned until the last window's end
    window_done: Annotated[NDArray[np.int32], "E A"]  # what was got done until then
    window_far: Annotated[NDArray[np.int32], "E A"]  # distance to the target then, or EMPTY
    # What passes between the parts of one step
    code: Annotated[NDArray[np.int32], "E P"]  # of the cells that "image" shows
    goals_at: Annotated[NDArray[np.uint16], "E X"]  # robots whose goal the cell is, while "image" is written; else 0
    actions: Annotated[NDArray[np.int32], "E A"]
    outcome: Annotated[NDArray[np.uint8], "E A"]  # the counter of the last step
    next: Annotated[NDArray[np.uint32], "E A"]  # cell a robot asks for
    go: Annotated[NDArray[np.uint8], "E A"]  # 1: it may enter
    tail: Annotated[NDArray[np.int16], "E A"]  # longest chain of robots queued behind
    behind: Annotated[NDArray[np.int16], "E A"]  # robot that may follow into one's cell, or EMPTY
    waiting_on: Annotated[NDArray[np.int16], "E A"]  # followers not yet looked at
    refusal: Annotated[NDArray[np.uint8], "E A"]  # why a robot may not enter: VERTEX, SWAP or BLOCKED
    # Batteries (battery.py); B is 0 without
    level: Annotated[NDArray[np.int32], "E B"]  # [energy units]; 0: dead
    sent: Annotated[NDArray[np.uint8], "E B"]  # 1: sent to charge, until full
    charger: Annotated[NDArray[np.uint32], "E B"]  # charging cell that it is sent to (0: none, or none yet)
    errand_goal: Annotated[NDArray[np.uint32], "E B"]  # cell of the errand, while `goal` is the charging cell
    booked: Annotated[NDArray[np.uint8], "E H"]  # 1: a robot is sent to this charging cell
    energy: Annotated[NDArray[np.int64], "E Z"]  # counters of the episode
    laden: Annotated[NDArray[np.uint8], "E B"]  # always 0
    spot: Annotated[NDArray[np.uint32], "E B"]  # cell (while batteries are dealt with)
