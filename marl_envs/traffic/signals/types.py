"""Parameters, settings and state of signals as agents, on top of the engine's.

Dimensions besides the engine's: A signals, P their most phases, I their most incoming lanes, O their most outgoing
ones, B their most neighbours, U green times to choose from, K lane links, T reward terms.

A *phase* here is one that an agent can choose; the engine's phases include those in between, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.pack import joined
from marl_envs.core.params import ParameterError, check_choice, check_float, check_int
from marl_envs.traffic.engine.types import NONE
from marl_envs.traffic.engine.types import Settings as EngineSettings
from marl_envs.traffic.engine.types import State as EngineState
from marl_envs.traffic.phases import KINDS

__all__ = ["NONE", "EngineSettings", "EngineState"]

# What a signal does at the moment
GREEN, YELLOW, ALL_RED = range(3)
ACTIONS = ("phase", "next", "duration", "fullest")
CHOOSE, NEXT, DURATION, FULLEST = range(4)
OBSERVATIONS = ("sumo_rl", "drq", "pressure", "counts", "summary", "tabular", "tiles", "tabular_load")
SUMO_RL, DRQ, PRESSURE, COUNTS, SUMMARY, TABULAR, TILES, TABULAR_LOAD = range(8)
CAR_FOLLOWING = ("own", "krauss", "idm", "sumo")  # the last three as in engine/tables.py
LANE_CHOICES = ("own", "random", "emptiest")  # the last two as in engine/tables.py
REWARDS = ("individual", "team", "neighbours")
INDIVIDUAL, TEAM, NEIGHBOURS = range(3)
REWARD_TERMS = ("vehicles", "queue", "waiting", "wait_change", "pressure", "delay", "speed", "throughput")
STANDING = 0.1  # a vehicle below this speed waits [m/s]
SPACE = 7.5  # of lane that a standing vehicle takes, to scale counts [m]
GRIDLOCK = 300.0  # without any movement [s]
WARMUP_GREEN = 25.0  # of each phase while the roads fill before an episode [s]


@dataclass(frozen=True, kw_only=True)
class Params:
    """Everything that can be chosen; see docs/traffic.md. Bad values raise ParameterError."""

    network: str = "cross"
    """A generated network, such as "cross" or "grid-4x4" (see names.py), "rilsa", or the path of a CityFlow
    `roadnet.json` or a SUMO `.net.xml`."""
    demand: str | tuple[str, ...] = "uniform-400"
    """Arrivals at random, such as "uniform-400" (see sources.py; "rilsa": that junction's counts), or the path of a
    CityFlow `flow.json` or a SUMO `.rou.xml`. Several: a tuple or list."""
    demand_sets: int = 64
    """How often arrivals are drawn; each episode plays one of the draws and files, all with equal probability."""
    warmup: float = 0.0
    """How long traffic runs before an episode's first observation [s], with phases in turn from a random one on."""
    phases: str = "own"
    """"own" (those of the network), or made from its movements: "eight" (as NEMA's rings allow), "four", "two",
    "approaches" or "maximal" (see phases.py)."""
    max_cycles: int = 360
    """Decisions after which the episode is truncated."""
    dt: float = 1.0
    """Time step of the engine [s]."""
    decision_interval: float = 10.0
    """Time between two decisions [s]."""
    yellow: float = 5.0
    """How long the transition phase is shown between two phases [s]."""
    all_red: float = 0.0
    """How long nothing may go after that [s]."""
    min_green: float = 5.0
    """How long a phase is green at least [s]."""
    max_green: float | None = None
    """How long it is green at most [s]; at least min_green + decision_interval."""
    actions: str = "phase"
    """"phase" (which one), "next" (keep, or the next one), "duration" (how long the next one will be green) or
    "fullest" (keep, or the other phase with the most vehicles near)."""
    durations: tuple[float, ...] = (5.0, 15.0, 25.0, 35.0, 45.0)
    """Green times that "duration" chooses from [s]. A list will do."""
    observation: str = "sumo_rl"
    """"sumo_rl", "drq", "pressure", "counts", "summary" (vectors), "tabular", "tabular_load" (one integer)
    or "tiles" (four integers)."""
    detector_range: float = 100.0
    """How far before the stop line vehicles count as near [m]."""
    neighbours: bool = False
    """Whether a signal also sees what the signals at the other ends of its roads see."""
    reward: str = "individual"
    """"individual", "team" (everyone gets the sum) or "neighbours" (own, and a share of the neighbours')."""
    reward_weights: dict[str, float] = field(default_factory=lambda: {"vehicles": 0.2})
    """Weight of each reward term, any of REWARD_TERMS; others have none."""
    neighbour_weight: float = 0.5
    """Weight of each neighbour's reward under "neighbours"."""
    parity: bool = True
    """Whether the engine keeps the reference's rules with their slips; else the corrected rules hold."""
    car_following: str = "own"
    """How vehicles follow each other: "krauss", the reference's law; "idm", the intelligent driver model, with the
    corrected rules, and demand by name then has cars that suit it (files keep theirs); "sumo", SUMO's drivers and right
    of way, in SUMO's networks and RiLSA with `parity` only; "own": "sumo" there, else "krauss"."""
    lane_choice: str = "own"
    """Which lane drivers take where several lead along their route: "random" (the first one is drawn, later ones are
    the nearest: the reference's rule), "emptiest", or "own": "emptiest" in SUMO's networks and RiLSA, else "random"."""
    rng: str = "splitmix"
    """"splitmix", or "mt19937" (draws what the reference engine draws)."""
    capacity: int | None = None
    """Vehicles that can drive at once; None: as many as the roads hold."""
    mask: str | None = "info"
    """Where the action mask is: in the "info", in the "obs" (PettingZoo face only), or None: nowhere."""
    agents_leave: bool = False
    """Whether finished agents leave `agents`. Signals finish together, so both values give the same episodes."""

    def __post_init__(self) -> None:
        """Check every value before anything is built."""
        if not isinstance(self.network, str):
            raise ParameterError(f"network must be a name or a path, not {self.network!r}")
        self._check_demand()
        self._check_times()
        check_int("max_cycles", self.max_cycles, 1)
        check_choice("phases", self.phases, ("own", *KINDS))
        check_choice("actions", self.actions, ACTIONS)
        check_choice("observation", self.observation, OBSERVATIONS)
        check_float("detector_range", self.detector_range, 1.0, 1e4)
        check_choice("neighbours", self.neighbours, (True, False))
        if self.neighbours and self.observation in ("tabular", "tabular_load", "tiles"):
            raise ParameterError(f'neighbours must be False with observation="{self.observation}", which is integers')
        check_choice("reward", self.reward, REWARDS)
        check_float("neighbour_weight", self.neighbour_weight, 0.0, 1e6)
        self._check_weights()
        check_choice("parity", self.parity, (True, False))
        check_choice("car_following", self.car_following, CAR_FOLLOWING)
        check_choice("lane_choice", self.lane_choice, LANE_CHOICES)
        check_choice("rng", self.rng, ("splitmix", "mt19937"))
        if self.capacity is not None:
            check_int("capacity", self.capacity, 1, 1_000_000)
        check_choice("mask", self.mask, ("info", "obs", None))
        check_choice("agents_leave", self.agents_leave, (True, False))

    def _check_demand(self) -> None:
        paths = self.demand if isinstance(self.demand, (list, tuple)) else (self.demand,)
        if not paths or not all(isinstance(path, str) for path in paths):
            raise ParameterError(f"demand must be a name or a path, or several of them, not {self.demand!r}")
        object.__setattr__(self, "demand", paths[0] if len(paths) == 1 else tuple(paths))
        check_int("demand_sets", self.demand_sets, 1, 10_000)

    def _check_times(self) -> None:
        if check_float("dt", self.dt, 1e-3, 10.0) > check_float("decision_interval", self.decision_interval, 1e-3, 1e4):
            raise ParameterError(f"dt must be at most decision_interval, {self.decision_interval}, not {self.dt}")
        for name in ("warmup", "yellow", "all_red", "min_green"):
            check_float(name, getattr(self, name), 0.0, 1e5)
        for name in ("decision_interval", "warmup", "yellow", "all_red", "min_green"):
            self.steps(name, getattr(self, name))
        if self.max_green is not None:
            least = self.min_green + self.decision_interval
            self.steps("max_green", check_float("max_green", self.max_green, least, 1e5))
        if not isinstance(self.durations, (list, tuple)) or not self.durations:
            raise ParameterError(f"durations must be a list or tuple of green times, not {self.durations!r}")
        object.__setattr__(self, "durations", tuple(self.durations))
        used = self.actions == "duration"  # otherwise they need not fit the other times
        longest = self.max_green if used and self.max_green is not None else 1e5
        for value in self.durations:
            check_float("durations", value, self.min_green if used else 0.0, longest)
            self.steps("durations", value)

    def _check_weights(self) -> None:
        if not isinstance(self.reward_weights, dict) or not self.reward_weights:
            raise ParameterError(
                f"reward_weights must be a dict from reward term to weight, not {self.reward_weights!r}"
            )
        for name, weight in self.reward_weights.items():
            check_choice("reward_weights' terms", name, REWARD_TERMS)
            check_float(f"reward_weights[{name!r}]", weight, -1e6, 1e6)

    def steps(self, name: str, seconds: float) -> int:
        """Return a time as a number of steps; raise ParameterError if it is no multiple of `dt`."""
        count = round(seconds / self.dt)
        if abs(count * self.dt - seconds) > 1e-6:
            raise ParameterError(f"{name} must be a multiple of dt, {self.dt}, not {seconds!r}")
        return count


class Rules(NamedTuple):
    """What stays fixed besides the engine's settings: who controls what, and numbers. Times are in engine steps."""

    junction: Annotated[NDArray[np.int32], "A"]
    num_phases: Annotated[NDArray[np.int32], "A"]
    phase_of: Annotated[NDArray[np.int32], "A P"]  # the junction's phase that phase p is
    yellow_phase: Annotated[NDArray[np.int32], "A"]  # the junction's phase to show under YELLOW
    red_phase: Annotated[NDArray[np.int32], "A"]  # and under ALL_RED
    num_in: Annotated[NDArray[np.int32], "A"]
    in_lane: Annotated[NDArray[np.int32], "A I"]  # lanes of the roads that end there; NONE beyond num_in
    num_out: Annotated[NDArray[np.int32], "A"]
    out_lane: Annotated[NDArray[np.int32], "A O"]  # lanes of the roads that begin there
    serves: Annotated[NDArray[np.uint8], "A P I"]  # 1: in the phase, a link from the lane is open
    counted: Annotated[NDArray[np.uint8], "A P I"]  # the same, without lanes that every phase serves
    num_moves: Annotated[NDArray[np.int32], "A"]  # road links
    link_move: Annotated[NDArray[np.int32], "K"]  # road link of each lane link, counted from 0 at each junction
    num_near: Annotated[NDArray[np.int32], "A"]
    near_agent: Annotated[NDArray[np.int32], "A B"]  # neighbours, in the order of the incoming roads
    room: Annotated[NDArray[np.float64], "L"]  # vehicles that a lane holds
    near_room: Annotated[NDArray[np.float64], "L"]  # and within the detectors' range
    durations: Annotated[NDArray[np.int32], "U"]
    weights: Annotated[NDArray[np.float64], "T"]
    detector_range: float  # [m]
    neighbour_weight: float
    actions: int  # CHOOSE, NEXT, DURATION or FULLEST
    observation: int  # SUMO_RL ... TABULAR_LOAD
    own_length: int  # numbers of an observation without the neighbours'
    share: int  # INDIVIDUAL, TEAM or NEIGHBOURS
    interval: int
    yellow: int
    all_red: int
    min_green: int
    max_green: int  # 0: none
    warmup: int
    sets: int  # demand sets
    mask: int  # 1: write the action mask
    guided: int  # always 1: nothing is left out for speed
    autoreset: int  # 1: start the next episode in the step that ends one
    max_cycles: int  # [decisions]


class Control(NamedTuple):
    """What is read or written besides the engine's state; allocated once, changed in place."""

    cycle: Annotated[NDArray[np.int32], "E"]  # [decisions] since the reset
    actions: Annotated[NDArray[np.int32], "E A"]
    # Signals
    stage: Annotated[NDArray[np.uint8], "E A"]  # GREEN, YELLOW or ALL_RED
    current: Annotated[NDArray[np.int32], "E A"]  # phase that is or was green
    pending: Annotated[NDArray[np.int32], "E A"]  # phase to come; under GREEN the current one
    left: Annotated[NDArray[np.int32], "E A"]  # [steps] of YELLOW or ALL_RED
    green: Annotated[NDArray[np.int32], "E A"]  # [steps] since it is green
    planned: Annotated[NDArray[np.int32], "E A"]  # [steps] how long the phase will be green, with "duration"
    fullest: Annotated[NDArray[np.int32], "E A"]  # the other phase with the most vehicles near
    switches: Annotated[NDArray[np.int64], "E A"]  # changes of phase by decisions
    masked: Annotated[NDArray[np.int64], "E"]  # forbidden actions
    # Lanes: as they stand, and what the last decision brought
    standing: Annotated[NDArray[np.int32], "E L"]  # vehicles that wait
    near: Annotated[NDArray[np.int32], "E L"]  # vehicles within the detectors' range
    near_standing: Annotated[NDArray[np.int32], "E L"]  # and wait
    outside: Annotated[NDArray[np.int32], "E L"]  # vehicles that wait for room on it
    waited: Annotated[NDArray[np.int64], "E L"]  # [veh steps] waiting of those on it, since they came onto it
    near_waited: Annotated[NDArray[np.int64], "E L"]  # of those within the detectors' range
    pace: Annotated[NDArray[np.float64], "E L"]  # sum of their speeds, each as a share of what is allowed
    near_speed: Annotated[NDArray[np.float64], "E L"]  # [m/s] sum of speeds within the detectors' range
    lost: Annotated[NDArray[np.float64], "E L"]  # [veh s] time lost on it since the last decision
    passed: Annotated[NDArray[np.int64], "E L"]  # vehicles that went from it into the junction, in the episode
    # What differences are taken from
    last_vehicles: Annotated[NDArray[np.int64], "E A"]
    last_waited: Annotated[NDArray[np.int64], "E A"]  # [veh steps]
    last_passed: Annotated[NDArray[np.int64], "E A"]
    reward: Annotated[NDArray[np.float32], "E A"]  # own, before it is shared
    # Vehicles, as they were after the last step
    seen_trip: Annotated[NDArray[np.int32], "E V"]
    seen_place: Annotated[NDArray[np.int32], "E V"]
    seen_speed: Annotated[NDArray[np.float64], "E V"]  # [m/s]
    waited_here: Annotated[NDArray[np.int32], "E V"]  # [steps] since it came onto its lane
    # Trips
    trip_lost: Annotated[NDArray[np.float32], "E D"]  # [s]
    trip_waited: Annotated[NDArray[np.int32], "E D"]  # [steps]
    trip_stops: Annotated[NDArray[np.int32], "E D"]
    scratch: Annotated[NDArray[np.float32], "E D"]  # for metrics
    # The episode
    queue_sum: Annotated[NDArray[np.int64], "E"]  # over decisions and signals
    queue_max: Annotated[NDArray[np.int32], "E"]
    motionless: Annotated[NDArray[np.int32], "E"]  # [steps] for how long now no vehicle has moved
    gridlock: Annotated[NDArray[np.int64], "E"]  # [steps] in which that was longer than GRIDLOCK
    co2: Annotated[NDArray[np.float64], "E"]  # [g]
    driven: Annotated[NDArray[np.float64], "E"]  # [m]
    vehicle_steps: Annotated[NDArray[np.int64], "E"]  # vehicles driving, summed over steps
    total: Annotated[NDArray[np.float64], "E"]  # reward so far, sum over signals


State = joined("State", __name__, EngineState, Control)
Settings = joined("Settings", __name__, EngineSettings, Rules)
