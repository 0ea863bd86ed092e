"""What can be chosen of vehicles as agents."""

from __future__ import annotations

from dataclasses import dataclass, field

from marl_envs.core.params import ParameterError, check_choice, check_float, check_int
from marl_envs.traffic.vehicles.image import LAYERS
from marl_envs.traffic.vehicles.types import REWARD_TERMS

ARRIVALS = ("once", "flow")
ACTIONS = ("discrete", "continuous")
OBSERVATIONS = ("features", "tabular", "image")
REWARDS = ("individual", "team", "neighbours")
RIGHTS = ("layout", "priority", "right", "none")


@dataclass(frozen=True, kw_only=True)
class Params:
    """Everything that can be chosen; see docs/intersection.md. Bad values raise ParameterError."""

    layout: str = "cross"
    """"cross", "tee", "grid-RxC" (each with -LANES and -turns), "roundabout" or "roundabout-ARMS", "rilsa1", or the
    path of a CityFlow `roadnet.json` or a SUMO `.net.xml`."""
    num_vehicles: int = 4
    """Agents."""
    arrivals: str = "once"
    """"once" (each drives one trip) or "flow" (one trip after the other)."""
    within: float = 6.0
    """With "once": all trips begin at random times in so many seconds [s]."""
    flow: float | None = None
    """With "flow": vehicles an hour on all roads into the network together [veh/h]; None: 600, or the counts' own."""
    platoon: int = 1
    """Vehicles that come together on one road."""
    demand: str | None = None
    """Where trips come from instead of equal shares of all entries and `turns`: "rilsa" (that junction's turning
    counts), or a CityFlow `flow.json` or a SUMO `.rou.xml` that is played as it is."""
    turns: tuple[float, float, float] = (0.25, 0.5, 0.25)
    """Shares of those who turn left, go straight and turn right at each junction."""
    background: float = 0.0
    """Share of the vehicles that the engine drives, from 0 to less than 1."""
    length: float = 100.0
    """Of the arms of a generated layout, or between two of its junctions, from middle to middle [m]."""
    speed: float = 13.89
    """Speed limit of a generated layout [m/s]."""
    right_of_way: str = "layout"
    """"priority" (straight before left before right, else as they come), "right" (right before left, and who turns left
    gives way to oncoming traffic), "none" (who would be there first) or "layout" ("none" for a generated cross, tee
    or grid, else "priority")."""
    crosswalks: bool = False
    """Whether pedestrians cross the arms of the junctions; stop lines are 5 m further back then."""
    pedestrians: float = 100.0
    """How many come to each crosswalk, both sides together [1/h]."""
    max_cycles: int = 200
    """Decisions after which the episode is truncated."""
    dt: float = 0.25
    """Time step of the engine [s]."""
    decision_interval: float = 0.5
    """Time between two decisions [s]."""
    actions: str = "discrete"
    """"discrete" (keep the speed, accelerate, brake, brake hard) or "continuous" (an acceleration)."""
    route_choice: bool = False
    """Whether agents have three more actions: turn left, go straight on, turn right at the next junction."""
    accelerate: float = 2.0
    """Acceleration of agents [m/s2]."""
    brake: float = 2.0
    """Deceleration of the action "brake" [m/s2]."""
    hard_brake: float = 4.5
    """Deceleration of the action "brake hard", and the most that continuous actions ask for [m/s2]."""
    observation: str = "features"
    """"features" (a vector), "tabular" (one integer) or "image" (layers of cells from above, as one vector)."""
    image_size: int = 40
    """Cells along each side of an "image"."""
    image_range: float = 25.0
    """How far an "image" reaches ahead, back and to both sides [m]."""
    conflicts: int = 4
    """Vehicles in conflict with it that an agent sees in "features"."""
    view: float = 100.0
    """How far from a junction vehicles are seen, and how far ahead [m]."""
    noise: float = 0.0
    """Standard deviation of what is seen of other vehicles in "features", as a share of the feature's range."""
    mask_unsafe: bool = False
    """Whether the mask forbids actions after which the vehicle ahead might be hit if it brakes as hard as it can, or a
    pedestrian."""
    reward: str = "individual"
    """"individual", "team" (everyone gets the sum) or "neighbours" (see `altruism`)."""
    altruism: float = 0.5
    """Under "neighbours": weight of the mean reward of the agents near the same junction, from 0 to 1; the own reward
    has the rest."""
    reward_weights: dict[str, float] = field(
        default_factory=lambda: {"delay": 0.1, "collision": 10.0, "pedestrian": 10.0}
    )
    """Weight of each reward term, any of REWARD_TERMS; others have none."""
    clear_time: float = 10.0
    """How long a crashed vehicle stands as an obstacle before it is removed [s]."""
    signals: bool = False
    """Whether junctions that have signals run their own programs, generated ones, too; else all may go."""
    capacity: int | None = None
    """Vehicles that can drive at once; None: as many as the roads hold."""
    mask: str | None = "info"
    """Where the action mask is: in the "info", in the "obs" (PettingZoo face only), or None: nowhere."""
    agents_leave: bool = False
    """Whether agents that have arrived or crashed leave `agents`; else they stay listed until the common end."""

    def __post_init__(self) -> None:
        """Check every value before anything is built."""
        if not isinstance(self.layout, str):
            raise ParameterError(f"layout must be a name or a path, not {self.layout!r}")
        self._check_trips()
        check_float("length", self.length, 30.0, 1e4)
        check_float("speed", self.speed, 1.0, 50.0)
        check_choice("right_of_way", self.right_of_way, RIGHTS)
        check_int("max_cycles", self.max_cycles, 1)
        check_float("pedestrians", self.pedestrians, 0.0, 3600.0)
        self._check_times()
        check_choice("actions", self.actions, ACTIONS)
        for name in ("accelerate", "brake", "hard_brake"):
            check_float(name, getattr(self, name), 0.1, 20.0)
        if self.brake > self.hard_brake:
            raise ParameterError(f"brake must be at most hard_brake, {self.hard_brake}, not {self.brake}")
        check_choice("observation", self.observation, OBSERVATIONS)
        check_int("image_size", self.image_size, 4, 256)
        check_float("image_range", self.image_range, 5.0, 500.0)
        check_int("conflicts", self.conflicts, 1, 16)
        check_float("view", self.view, 5.0, 1e4)
        check_float("noise", self.noise, 0.0, 1.0)
        self._check_rewards()
        for name in ("crosswalks", "route_choice", "mask_unsafe", "signals", "agents_leave"):
            check_choice(name, getattr(self, name), (True, False))
        check_choice("mask", self.mask, ("info", "obs", None))
        if self.capacity is not None:
            check_int("capacity", self.capacity, 1, 1_000_000)
        self._check_faces()

    def _check_trips(self) -> None:
        check_int("num_vehicles", self.num_vehicles, 1, 1000)
        check_choice("arrivals", self.arrivals, ARRIVALS)
        check_float("within", self.within, 0.0, 3600.0)
        if self.flow is not None:
            check_float("flow", self.flow, 1.0, 1e5)
        check_int("platoon", self.platoon, 1, 50)
        check_float("background", self.background, 0.0, 0.99)
        if self.demand is not None and not isinstance(self.demand, str):
            raise ParameterError(f"demand must be a name, a path or None, not {self.demand!r}")
        file = self.demand is not None and self.demand.endswith((".json", ".xml", ".gz"))
        if file and self.arrivals == "once":
            raise ParameterError('a file as demand goes with arrivals="flow": its vehicles come when it says')
        turns = self.turns
        if not isinstance(turns, (list, tuple)) or len(turns) != 3:
            raise ParameterError(f"turns must be the shares of left, straight and right, not {turns!r}")
        for share in turns:
            check_float("turns", share, 0.0, 1e6)
        if sum(turns) <= 0.0:
            raise ParameterError("turns must not all be 0")
        object.__setattr__(self, "turns", tuple(turns))

    def _check_times(self) -> None:
        if check_float("dt", self.dt, 0.01, 1.0) > check_float("decision_interval", self.decision_interval, 0.01, 60.0):
            raise ParameterError(f"dt must be at most decision_interval, {self.decision_interval}, not {self.dt}")
        check_float("clear_time", self.clear_time, 0.0, 1e5)
        for name in ("decision_interval", "clear_time"):
            self.steps(name, getattr(self, name))

    def _check_rewards(self) -> None:
        check_choice("reward", self.reward, REWARDS)
        check_float("altruism", self.altruism, 0.0, 1.0)
        if not isinstance(self.reward_weights, dict) or not self.reward_weights:
            raise ParameterError(
                f"reward_weights must be a dict from reward term to weight, not {self.reward_weights!r}"
            )
        for name, weight in self.reward_weights.items():
            check_choice("reward_weights' terms", name, REWARD_TERMS)
            check_float(f"reward_weights[{name!r}]", weight, -1e6, 1e6)

    def _check_faces(self) -> None:
        if self.actions == "continuous":
            refused = (
                ("mask_unsafe", self.mask_unsafe),
                ("route_choice", self.route_choice),
                ("mask", self.mask == "obs"),
            )
            for name, value in refused:
                if value:
                    raise ParameterError(f'{name} must not be {getattr(self, name)!r} with actions="continuous"')
        if self.observation != "features" and self.noise > 0.0:
            raise ParameterError(
                f'noise must be 0 with observation="{self.observation}": it blurs the numbers of "features"'
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Layers, rows and columns of "image": reshape the vector to this."""
        return LAYERS if self.crosswalks else LAYERS - 1, self.image_size, self.image_size

    def steps(self, name: str, seconds: float) -> int:
        """Return a time as a number of steps; raise ParameterError if it is no multiple of `dt`."""
        count = round(seconds / self.dt)
        if abs(count * self.dt - seconds) > 1e-6:
            raise ParameterError(f"{name} must be a multiple of dt, {self.dt}, not {seconds!r}")
        return count
