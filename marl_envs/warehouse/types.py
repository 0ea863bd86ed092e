"""Parameters, settings and state of the warehouse.

Dimensions: E environments, A robots, S shelves (as many as homes), Q open requests, G goals, C cells of the padded
floor, K counters, D observation length; B robots with a battery (A or none), H
charging cells, Z counters of batteries. A cell is one number, `(row + pad) * stride + col + pad`: the floor is
surrounded by `pad` rings of OUTSIDE cells, so that no rule has to test for the border.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_choice, check_float, check_int, check_names
from marl_envs.warehouse.energy import DRAIN, Drain, check_battery, check_chargers_layer
from marl_envs.warehouse.equipped import floor_of
from marl_envs.warehouse.layouts import HOME, get_layout

# Actions (RWARE's numbers)
NOOP, FORWARD, TURN_LEFT, TURN_RIGHT, TOGGLE = range(5)
NUM_MOVES = 5
# Headings (RWARE's numbers: up, down, left, right), and what a quarter turn makes of them
NORTH, SOUTH, WEST, EAST = range(4)
# Kinds of cell
OUTSIDE, HIGHWAY, HOME_CELL, GOAL_CELL = range(4)
# What a robot is about: bring a requested shelf, carry it to a goal, put a shelf back, nothing to do, or charge
FETCH, TO_GOAL, RETURN, IDLE, CHARGE = range(5)
MOST_SHELVES = 32_000  # shelves are numbered in 16 bits
# No robot, no shelf
EMPTY = -1
# Counters of a robot's steps, State.tally[e, a, :]
MOVED, TURNED, TOGGLED, WAITED, VERTEX, SWAP, BLOCKED, SHELF, WALL, MASKED, DELIVERED, LADEN = range(12)
NUM_COUNTERS = 16  # a cache line
# Notes of a robot that share it: step in which it loaded, step of its last delivery, 1 + [steps] to a goal when its
# shelf was loaded or requested (0: unknown)
LOADED_AT, DELIVERED_AT, WAY_THEN = 15, 14, 13
# Reward terms, Out.terms[e, a, :]
REWARD_TERMS = ("delivery", "put_back", "shaping")
DELIVERY, PUT_BACK, SHAPING = range(3)
# Bits of State.guide and the guide tables
AHEAD_BIT, LEFT_BIT, RIGHT_BIT = 1, 2, 4
# Observations
OBSERVATIONS = ("flattened", "goal", "tabular", "image", "tabular_push")
FLATTENED, GOAL_VECTOR, TABULAR, IMAGE, TABULAR_PUSH = range(5)
# Layers of "image" (RWARE's ImageLayer, in its order, and one that needs batteries)
RWARE_LAYERS = ("shelves", "requests", "agents", "agent_direction", "agent_load", "goals", "accessible")
IMAGE_LAYERS = (*RWARE_LAYERS, "chargers")
NEAR_CELLS = 12  # cells within Manhattan distance 2
UNREACHABLE = 65535  # in distance tables


@dataclass(frozen=True, kw_only=True)
class Params:
    """Everything that can be chosen; see docs/warehouse.md. Bad values raise ParameterError."""

    layout: str = "tiny"
    """RWARE's "tiny", "small", "medium", "large"; a generated floor "5x5" upwards; or a text drawing."""
    num_robots: int = 2
    """Robots on the floor."""
    request_queue_size: int | None = None
    """Shelves requested at any time, fewer than there are shelves; None: as many as robots."""
    observation: str = "flattened"
    """RWARE's "flattened" or "image", "goal" (a vector that says where to go), "tabular", "tabular_push" (integers)."""
    reward: str = "individual"
    """"individual" (who delivers is paid), "team" (everyone gets the sum: RWARE's global) or "two_stage"."""
    sensor_range: int = 1
    """Radius of the square that "flattened" and "image" show [cells]."""
    image_layers: tuple[str, ...] = ("shelves", "requests", "agents", "goals", "accessible")
    """Layers of "image", in this order: any of IMAGE_LAYERS, each once. A list will do."""
    image_rotated: bool = True
    """Whether "image" is turned so that ahead is up; else north is up."""
    message_bits: int = 0
    """Bits that each robot broadcasts with its action; action = move + 5 * bits."""
    max_cycles: int = 500
    """Steps after which the episode is truncated."""
    max_inactivity: int | None = None
    """Steps without a delivery after which the episode is truncated; None: never."""
    shaping: float = 0.0
    """Weight of the potential-based shaping reward; 0 switches it off."""
    shaping_gamma: float = 0.99
    """Discount of the shaping reward; use the learner's own, so that the optimum provably stays."""
    rware_compat: bool = False
    """Keep RWARE's quirk: a robot parked on a goal is paid again whenever its shelf is requested again."""
    mask: str | None = "info"
    """Where the action mask is: in the "info", in the "obs" (PettingZoo face only), or None: nowhere."""
    agents_leave: bool = False
    """Whether finished agents leave `agents`. Robots finish together, so both values give the same episodes."""
    battery: int | None = None
    """Energy of a full battery [units]; None: robots need no energy."""
    drain: Drain = DRAIN
    """What steps cost [units]: wait, turn, move, toggle, laden move. A list or tuple of five integers will do."""
    charge_rate: int = 20
    """What a step on a charging cell gives [units]."""
    reserve: int | None = None
    """Robots are sent to charge so that this is left when they arrive [units]; None: a quarter of the battery."""
    chargers: int | None = None
    """Charging cells put on a floor without drawn ones, spread out; None: one for every two robots."""

    def __post_init__(self) -> None:
        """Check every value before anything is built."""
        floor = get_layout(self.layout)
        cells, shelves = floor.height * floor.width, len(floor.cells(HOME))
        if shelves > MOST_SHELVES:
            raise ParameterError(f"the layout has {shelves} shelf homes; at most {MOST_SHELVES} are allowed")
        check_int("num_robots", self.num_robots, 1, min(cells, 32000), f"(the floor has {cells} cells)")
        if self.request_queue_size is None and self.num_robots >= shelves:
            raise ParameterError(f"request_queue_size must be given (0 to {shelves - 1}) for {self.num_robots} robots")
        if self.request_queue_size is not None:
            check_int("request_queue_size", self.request_queue_size, 0, shelves - 1, f"(there are {shelves} shelves)")
        check_choice("observation", self.observation, OBSERVATIONS)
        check_choice("reward", self.reward, ("individual", "team", "two_stage"))
        check_int("sensor_range", self.sensor_range, 1, 20)
        object.__setattr__(self, "image_layers", check_names("image_layers", self.image_layers, IMAGE_LAYERS))
        check_choice("image_rotated", self.image_rotated, (True, False))
        check_int("message_bits", self.message_bits, 0, 8)
        check_int("max_cycles", self.max_cycles, 1)
        if self.max_inactivity is not None:
            check_int("max_inactivity", self.max_inactivity, 1)
        check_float("shaping", self.shaping, 0.0, 1e6)
        check_float("shaping_gamma", self.shaping_gamma, 0.0, 1.0)
        check_choice("rware_compat", self.rware_compat, (True, False))
        check_choice("mask", self.mask, ("info", "obs", None))
        check_choice("agents_leave", self.agents_leave, (True, False))
        object.__setattr__(self, "drain", check_battery(self))
        check_chargers_layer(self)
        floor_of(self)

    @property
    def queue_size(self) -> int:
        """Number of open requests."""
        return self.num_robots if self.request_queue_size is None else self.request_queue_size

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Layers, rows and columns of "image": reshape the vector to this."""
        side = 2 * self.sensor_range + 1
        return len(self.image_layers), side, side


class Settings(NamedTuple):
    """What stays fixed: tables of the floor and numbers."""

    kind: Annotated[NDArray[np.uint8], "C"]  # OUTSIDE, HIGHWAY, HOME_CELL or GOAL_CELL
    row: Annotated[NDArray[np.int16], "C"]
    col: Annotated[NDArray[np.int16], "C"]
    home_index: Annotated[NDArray[np.int32], "C"]  # which home the cell is, or EMPTY
    inside: Annotated[NDArray[np.uint32], "N"]  # the cells of the floor, in reading order
    homes: Annotated[NDArray[np.uint32], "S"]
    goals: Annotated[NDArray[np.uint32], "G"]
    ahead: Annotated[NDArray[np.int32], "4"]  # what to add to a cell to go one ahead, by heading
    turned: Annotated[NDArray[np.uint8], "5 4"]  # heading after a move, by move and heading
    outcome_of: Annotated[NDArray[np.uint8], "5"]  # counter of a move that takes effect
    left_of: Annotated[NDArray[np.uint8], "4"]  # heading after a turn to the left
    right_of: Annotated[NDArray[np.uint8], "4"]
    clock: Annotated[NDArray[np.int16], "4"]  # heading in quarter turns clockwise from NORTH
    window: Annotated[NDArray[np.int32], "V"]  # offsets of the cells that "flattened" shows, in reading order
    place: Annotated[NDArray[np.float32], "C 8"]  # "flattened" of a robot's own cell: x, y, five zeros, highway
    glance: Annotated[NDArray[np.float32], "L F"]  # State.look -> the numbers that "flattened" shows of such a cell
    sight: Annotated[NDArray[np.int32], "4 P"]  # offsets of the cells that "image" shows, by heading, in reading order
    codes: Annotated[NDArray[np.int32], "J"]  # State.look * 4 + kind -> what "image" shows of it (images.py)
    near: Annotated[
        NDArray[np.int32], "4 12"
    ]  # offsets of the cells within Manhattan distance 2, by heading, nearest first
    # Distances [steps, turns included] and what shortens them, by home and cell * 4 + heading; empty unless routes are
    # needed (routes.py)
    free_steps: Annotated[NDArray[np.uint16], "R T"]  # of an unloaded robot to a home
    laden_steps: Annotated[NDArray[np.uint16], "R T"]  # of a loaded robot to a home, along highways
    goal_steps: Annotated[NDArray[np.uint16], "T"]  # of a loaded robot to the nearest goal, along highways
    nearest_goal: Annotated[NDArray[np.uint32], "T"]  # that goal's cell
    free_guide: Annotated[NDArray[np.uint8], "R T"]  # bits: forward 1, left 2, right 4 shorten `free_steps`
    laden_guide: Annotated[NDArray[np.uint8], "R T"]
    goal_guide: Annotated[NDArray[np.uint8], "T"]
    observation: int  # FLATTENED, GOAL_VECTOR, TABULAR, IMAGE or TABULAR_PUSH
    layers: int  # of "image"
    load_code: int  # what "agent_load" adds to the code of a loaded robot's cell (0: it is not shown)
    height: int  # [cells]
    width: int  # [cells]
    message_bits: int
    mask: int  # 1: write the action mask
    team: int  # 1: everyone gets the sum
    guided: int  # 1: assign targets at every step
    pay_again: int  # 1: RWARE's quirk
    autoreset: int  # 1: start the next episode in the step that ends one
    max_cycles: int  # [steps]
    max_inactivity: int  # [steps]
    delivery_weight: float
    put_back_weight: float
    shaping_weight: float
    shaping_gamma: float
    longest: float  # longest route [steps]
    # Batteries (battery.py, charging.py); the arrays of cells are empty without
    capacity: int  # [energy units]; 0: no batteries
    charge_rate: int  # [energy units/step]
    charger_code: int  # what "chargers" adds to the code of a charging cell (0: it is not shown)
    chargers: Annotated[NDArray[np.uint32], "H"]  # charging cells
    charger_at: Annotated[NDArray[np.int32], "C"]  # which of them a cell is, or EMPTY
    drain_of: Annotated[NDArray[np.int32], "2 K"]  # [energy units] cost of a step, by whether it was laden, and outcome
    reserve: int  # [energy units] that shall be left on reaching a charging cell
    dearest: Annotated[NDArray[np.int64], "2"]  # [energy units] most that a step of a way costs, by whether laden
    need: Annotated[NDArray[np.int64], "2 T"]  # [energy units] most that the way to the nearest costs, or NO_WAY
    charger_steps: Annotated[NDArray[np.uint16], "I T"]  # [steps] to charging cell h in row h; if loaded, in row H + h
    charger_guide: Annotated[NDArray[np.uint8], "I T"]  # bits: forward 1, left 2, right 4 shorten them


class State(NamedTuple):
    """Everything a step reads or writes; allocated once, changed in place."""

    rng: Annotated[NDArray[np.uint64], "E"]  # random stream
    step: Annotated[NDArray[np.int32], "E"]  # [steps] since the reset
    quiet: Annotated[NDArray[np.int32], "E"]  # [steps] since the last delivery
    pos: Annotated[NDArray[np.uint32], "E A"]  # cell
    heading: Annotated[NDArray[np.uint8], "E A"]
    load: Annotated[NDArray[np.int16], "E A"]  # carried shelf, or EMPTY
    message: Annotated[NDArray[np.int16], "E A"]  # broadcast bits as a number, first bit lowest
    has_delivered: Annotated[NDArray[np.uint8], "E A"]  # 1 from a delivery until the shelf is put down
    gap: Annotated[NDArray[np.uint32], "E A"]  # an empty home for each loaded robot (0: none): together, all of them
    shelf_pos: Annotated[NDArray[np.uint32], "E S"]  # cell; a carried shelf is where its robot is
    requested: Annotated[NDArray[np.uint8], "E S"]  # 1: in the queue
    queue: Annotated[NDArray[np.int16], "E Q"]  # requested shelves
    released: Annotated[NDArray[np.int32], "E Q"]  # [steps] when each was requested
    standing: Annotated[NDArray[np.int32], "E"]  # requested shelves that nobody carries
    robot_at: Annotated[NDArray[np.int16], "E C"]  # robot in the cell, or EMPTY
    shelf_at: Annotated[NDArray[np.int16], "E C"]  # shelf in the cell, standing or carried, or EMPTY
    look: Annotated[NDArray[np.uint16], "E C"]  # the cell as others see it: index into Settings.glance
    phase: Annotated[NDArray[np.uint8], "E A"]  # FETCH, TO_GOAL, RETURN or IDLE (only if guided, as the next four)
    target: Annotated[NDArray[np.uint32], "E A"]  # cell to head for (0: none)
    steps_to: Annotated[NDArray[np.uint16], "E A"]  # [steps] to the target
    guide: Annotated[NDArray[np.uint8], "E A"]  # bits: forward 1, left 2, right 4 bring the target nearer
    potential: Annotated[NDArray[np.float32], "E A"]  # of the shaping reward
    tally: Annotated[NDArray[np.int32], "E A K"]  # [robot-steps] this episode, by kind
    service: Annotated[NDArray[np.int64], "E"]  # [steps] sum of service times this episode
    idle: Annotated[NDArray[np.int64], "E"]  # [robot-steps] without an open request left
    total: Annotated[NDArray[np.float64], "E"]  # reward so far, sum over robots
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
    actions: Annotated[NDArray[np.int32], "E A"]
    doing: Annotated[NDArray[np.uint8], "E A"]  # the move that takes effect
    outcome: Annotated[NDArray[np.uint8], "E A"]  # the counter of the last step
    next: Annotated[NDArray[np.uint32], "E A"]  # cell a robot asks for
    go: Annotated[NDArray[np.uint8], "E A"]  # 1: it may enter
    tail: Annotated[NDArray[np.int16], "E A"]  # longest chain of robots queued behind
    behind: Annotated[NDArray[np.int16], "E A"]  # robot that may follow into one's cell, or EMPTY
    waiting_on: Annotated[NDArray[np.int16], "E A"]  # followers not yet looked at
    refusal: Annotated[NDArray[np.uint8], "E A"]  # why a robot may not enter: VERTEX, SWAP or BLOCKED
    choice: Annotated[NDArray[np.int16], "E A"]  # candidate that a robot would take
    pushed: Annotated[NDArray[np.uint8], "E A"]  # 0, or 1 + direction of its pusher ("tabular_push" only)
    pusher: Annotated[NDArray[np.int16], "E A"]  # robot with whose urgency it is pushed, or itself
    pushed_after: Annotated[NDArray[np.int16], "E A"]  # pushes from that robot to it
    code: Annotated[NDArray[np.int32], "E P"]  # of the cells that "image" shows
    taken: Annotated[NDArray[np.uint8], "E M"]  # candidates given away (M: Q or A, whichever is larger)
    # Batteries (battery.py); B is 0 without
    level: Annotated[NDArray[np.int32], "E B"]  # [energy units]; 0: dead
    sent: Annotated[NDArray[np.uint8], "E B"]  # 1: sent to charge, until full
    charger: Annotated[NDArray[np.uint32], "E B"]  # charging cell that it is sent to (0: none, or none yet)
    booked: Annotated[NDArray[np.uint8], "E H"]  # 1: a robot is sent to this charging cell
    energy: Annotated[NDArray[np.int64], "E Z"]  # counters of the episode
    laden: Annotated[NDArray[np.uint8], "E B"]  # 1: carries a shelf (while batteries are dealt with, as the next)
    spot: Annotated[NDArray[np.uint32], "E B"]  # cell * 4 + heading
