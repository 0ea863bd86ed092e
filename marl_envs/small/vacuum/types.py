"""Parameters, settings and state of the robot vacuums.

Dimensions: E environments, A robots, R rooms, K counters. Rooms: living room, kitchen, bedroom 1, bedroom 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_choice, check_float, check_int
from marl_envs.small.params import check_shared

ROOMS = ("living room", "kitchen", "bedroom 1", "bedroom 2")
LIVING_ROOM, KITCHEN, BEDROOM_1, BEDROOM_2 = range(4)
NUM_ROOMS = 4
DOORS = ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3))
# Actions: go to the room of that number (one's own: wait), or, under "dock", end the session
DOCK = 4
# What has become of a robot
DRIVING, DOCKING, DOCKED, STRANDED = range(4)
RULES = {"visits": 2, "dock": 3}  # and the battery that makes the essay's numbers exact
OBSERVATIONS = ("tabular", "vector")
TABULAR, VECTOR = range(2)
REWARD_TERMS = ("cleaning", "wasted", "bonus", "stranded")
CLEANING, WASTED, BONUS, STRAND = range(4)
# Counters, State.tally[e, :]
CLEANED, WASTES, CLASHES, WAITS, MASKED = range(5)
NUM_COUNTERS = 5
MOST_STATES = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Params:
    """Everything that can be chosen; see docs/small.md. Bad values raise ParameterError."""

    rules: str = "visits"
    """"visits": a clean apartment or empty batteries end the episode; "dock": robots end their session by docking."""
    num_robots: int = 1
    """Robots; all start in the living room."""
    battery: int | None = None
    """Moves that a charge lasts for; None: 2 under "visits", 3 under "dock"."""
    dirt: tuple[float, ...] = (0.0, 1.0, 0.0, 2.0)
    """What cleaning each room pays: living room, kitchen, bedroom 1, bedroom 2; 0: it is clean. A list will do."""
    wasted: float = -1.0
    """Reward for entering a clean room."""
    bonus: float = 2.0
    """Reward when nothing dirty is left ("dock": and a robot docks), shared equally by all robots."""
    stranded: float = -1.0
    """Reward under "dock" for a battery that runs empty."""
    observation: str = "tabular"
    """"tabular" (an integer) or "vector"."""
    reward: str = "individual"
    """"individual", or "team" (everyone gets the sum)."""
    max_cycles: int = 100
    """Steps after which the episode is truncated."""
    mask: str | None = "info"
    """Where the action mask is: in the "info", in the "obs" (PettingZoo face only), or None: nowhere."""
    agents_leave: bool = False
    """Whether finished agents leave `agents`. Robots finish together, so both values give the same episodes."""

    def __post_init__(self) -> None:
        """Check every value before anything is built."""
        check_choice("rules", self.rules, tuple(RULES))
        check_int("num_robots", self.num_robots, 1, 16)
        if self.battery is not None:
            check_int("battery", self.battery, 1, 1000)
        if not isinstance(self.dirt, (list, tuple)) or len(self.dirt) != NUM_ROOMS:
            raise ParameterError(f"dirt must be a list or tuple of {NUM_ROOMS} numbers, not {self.dirt!r}")
        dirt = tuple(check_float(f"dirt[{r}] ({ROOMS[r]})", d, 0.0, 1e6) for r, d in enumerate(self.dirt))
        if not any(dirt):
            raise ParameterError("dirt must be above 0 in some room: otherwise nothing is to be done")
        object.__setattr__(self, "dirt", dirt)
        for name in ("wasted", "bonus", "stranded"):
            object.__setattr__(self, name, check_float(name, getattr(self, name), -1e6, 1e6))
        check_shared(self, OBSERVATIONS)
        if self.observation == "tabular" and self.num_states > MOST_STATES:
            raise ParameterError(
                f"the table would have {self.num_states} states, more than {MOST_STATES}: take fewer num_robots, a "
                'smaller battery, or observation="vector"'
            )

    @property
    def capacity(self) -> int:
        """Moves that a full battery lasts for."""
        return RULES[self.rules] if self.battery is None else self.battery

    @property
    def num_states(self) -> int:
        """Values of the observation "tabular"."""
        own = NUM_ROOMS * (self.capacity + 1)
        return int(2**NUM_ROOMS * own**self.num_robots)


class Settings(NamedTuple):
    """What stays fixed: tables of the apartment and numbers."""

    door: Annotated[NDArray[np.uint8], "R R"]  # 1: there is a door between the rooms
    dirt: Annotated[NDArray[np.float32], "R"]  # reward for cleaning; 0: clean from the start
    capacity: int  # [moves] of a full battery
    docks: int  # 1: the rules "dock"
    may_wait: int  # 1: waiting is allowed (with several robots)
    wasted: float
    bonus: float  # of each robot
    stranded: float
    observation: int  # TABULAR or VECTOR
    mask: int  # 1: write the action mask
    team: int  # 1: everyone gets the sum
    guided: int  # always 1: nothing is left out for speed
    autoreset: int  # 1: start the next episode in the step that ends one
    max_cycles: int  # [steps]


class State(NamedTuple):
    """Everything a step reads or writes; allocated once, changed in place."""

    rng: Annotated[NDArray[np.uint64], "E"]  # random stream (these rules draw nothing)
    step: Annotated[NDArray[np.int32], "E"]  # [steps] since the reset
    over: Annotated[NDArray[np.uint8], "E"]  # 1: finished by the rules
    room: Annotated[NDArray[np.int32], "E A"]
    charge: Annotated[NDArray[np.int32], "E A"]  # [moves] left; 0 once docked
    fate: Annotated[NDArray[np.uint8], "E A"]  # DRIVING, DOCKING (in this step), DOCKED or STRANDED
    dirty: Annotated[NDArray[np.uint8], "E R"]  # 1: dirty
    entered: Annotated[NDArray[np.int32], "E R"]  # robots that entered in this step
    tally: Annotated[NDArray[np.int32], "E K"]  # counters of the episode
    total: Annotated[NDArray[np.float64], "E"]  # reward so far, sum over robots
    actions: Annotated[NDArray[np.int32], "E A"]
