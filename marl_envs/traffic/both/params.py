"""What can be chosen of vehicles and signals together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from marl_envs.core.params import ParameterError, check_choice, check_float, check_int
from marl_envs.traffic.signals.types import REWARD_TERMS as SIGNAL_TERMS
from marl_envs.traffic.signals.types import Params as SignalParams
from marl_envs.traffic.vehicles.params import ARRIVALS
from marl_envs.traffic.vehicles.params import Params as VehicleParams
from marl_envs.traffic.vehicles.types import REWARD_TERMS as VEHICLE_TERMS

OBSERVATIONS = ("features", "tabular")
REWARDS = ("individual", "team")
SIGNAL_ACTIONS = ("phase", "next", "fullest")
SIGNAL_OBSERVATIONS = ("sumo_rl", "drq", "pressure", "counts", "summary")
RED_LIGHT = "red_light"
# Parameters that mean what they mean for vehicles, and for signals (there under another name)
OF_VEHICLES = (
    *("layout", "num_vehicles", "arrivals", "within", "flow", "platoon", "turns", "background", "length", "speed"),
    *("right_of_way", "max_cycles", "dt", "decision_interval", "accelerate", "brake", "hard_brake", "observation"),
    *("conflicts", "view", "noise", "mask_unsafe", "clear_time", "mask"),
)
OF_SIGNALS = {name: name for name in ("dt", "yellow", "all_red", "min_green", "max_green", "detector_range", "mask")}
OF_SIGNALS |= {"signal_interval": "decision_interval", "signal_actions": "actions", "signal_weights": "reward_weights"}


@dataclass(frozen=True, kw_only=True)
class Params:
    """Everything that can be chosen; see docs/traffic-both.md. Bad values raise ParameterError.

    What is not explained here is as in `intersection_v0`, and for signals as in `traffic_signals_v0`.
    """

    layout: str = "cross"
    """"cross", "tee" or "grid-RxC" (each with -LANES and -turns), "rilsa1", or the path of a CityFlow `roadnet.json` or
    a SUMO `.net.xml`: what has junctions with phases to choose from."""
    num_vehicles: int = 8
    arrivals: str = "flow"
    within: float = 6.0
    flow: float | None = None
    platoon: int = 1
    turns: tuple[float, float, float] = (0.25, 0.5, 0.25)
    background: float = 0.0
    """Share of the vehicles that the engine drives; these obey the lights."""
    length: float = 150.0
    speed: float = 13.89
    right_of_way: str = "priority"
    """Between ways that are open at the same time; "priority": straight before left before right."""
    max_cycles: int = 240
    """Decisions after which the episode is truncated."""
    dt: float = 0.25
    decision_interval: float = 0.5
    """Time between two decisions of all agents [s]."""
    signal_interval: float = 5.0
    """Time between two decisions in which a signal may change anything [s]; in the others it only keeps its phase."""
    accelerate: float = 2.0
    brake: float = 2.0
    hard_brake: float = 4.5
    observation: str = "features"
    """"features" (vectors) or "tabular" (one integer an agent)."""
    signal_observation: str = "counts"
    """With "features": "sumo_rl", "drq", "pressure", "counts" or "summary"."""
    conflicts: int = 4
    view: float = 100.0
    detector_range: float = 100.0
    noise: float = 0.0
    mask_unsafe: bool = False
    """Whether the mask forbids actions after which the vehicle ahead might be hit; to pass a red light is never
    forbidden."""
    yellow: float = 3.0
    all_red: float = 2.0
    min_green: float = 5.0
    max_green: float | None = None
    signal_actions: str = "phase"
    """"phase", "next" or "fullest"."""
    reward: str = "individual"
    """"individual" or "team" (everyone, vehicle or signal, gets the sum over all agents)."""
    reward_weights: dict[str, float] = field(default_factory=lambda: {"delay": 0.1, "collision": 10.0, RED_LIGHT: 5.0})
    """Vehicles': any of their reward terms, and "red_light" (-1 for each red light passed)."""
    signal_weights: dict[str, float] = field(default_factory=lambda: {"delay": 0.1})
    """Signals': any of their reward terms."""
    clear_time: float = 10.0
    capacity: int | None = None
    mask: str | None = "info"
    agents_leave: bool = False

    def __post_init__(self) -> None:
        """Check every value before anything is built; each kind's own parameters check most of them."""
        check_choice("observation", self.observation, OBSERVATIONS)
        check_choice("signal_observation", self.signal_observation, SIGNAL_OBSERVATIONS)
        check_choice("signal_actions", self.signal_actions, SIGNAL_ACTIONS)
        check_choice("reward", self.reward, REWARDS)
        check_choice("arrivals", self.arrivals, ARRIVALS)
        check_choice("agents_leave", self.agents_leave, (True, False))
        check_int("max_cycles", self.max_cycles, 1)
        if self.capacity is not None:
            check_int("capacity", self.capacity, 1, 1_000_000)
        self._check_weights("reward_weights", (*VEHICLE_TERMS, RED_LIGHT))
        self._check_weights("signal_weights", SIGNAL_TERMS)
        object.__setattr__(self, "turns", self.of_vehicles().turns)
        self._check_times()
        self.of_signals()

    def _check_weights(self, name: str, terms: tuple[str, ...]) -> None:
        weights = getattr(self, name)
        if not isinstance(weights, dict) or not weights:
            raise ParameterError(f"{name} must be a dict from reward term to weight, not {weights!r}")
        for term, weight in weights.items():
            check_choice(f"{name}' terms", term, terms)
            check_float(f"{name}[{term!r}]", weight, -1e6, 1e6)

    def _check_times(self) -> None:
        check_float("signal_interval", self.signal_interval, float(self.decision_interval), 1e4)
        if abs(self.every * self.decision_interval - self.signal_interval) > 1e-6:
            raise ParameterError(
                f"signal_interval must be a multiple of decision_interval, {self.decision_interval}, "
                f"not {self.signal_interval!r}"
            )
        if self.max_green is not None:
            check_float("max_green", self.max_green, self.min_green + self.signal_interval, 1e5)

    @property
    def every(self) -> int:
        """Decisions from one in which signals may change anything to the next."""
        return round(self.signal_interval / self.decision_interval)

    def of_vehicles(self) -> VehicleParams:
        """Return the parameters of vehicles alone; raise ParameterError for what these refuse."""
        weights = {term: weight for term, weight in self.reward_weights.items() if term != RED_LIGHT}
        own: dict[str, Any] = {name: getattr(self, name) for name in OF_VEHICLES}
        return VehicleParams(**own, signals=True, reward_weights=weights or {"delay": 0.0})

    def of_signals(self) -> SignalParams:
        """Return the parameters of signals alone; roads and demand are those of the vehicles."""
        own: dict[str, Any] = {theirs: getattr(self, ours) for ours, theirs in OF_SIGNALS.items()}
        shown = "tabular" if self.observation == "tabular" else self.signal_observation
        return SignalParams(**own, observation=shown, warmup=self.dt)

    @property
    def signals(self) -> bool:
        """Junctions have signals: what pictures and layouts ask."""
        return True

    @property
    def crosswalks(self) -> bool:
        """No pedestrians: what pictures and layouts ask."""
        return False
