"""`traffic_signals_v0` with SUMO in the place of the engine: the same agents, rules and metrics, other vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from marl_envs.core import params
from marl_envs.core.family import Simulation
from marl_envs.core.operations import RESET, STEP
from marl_envs.core.params import ParameterError, check_int
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.signals.batch import play_range
from marl_envs.traffic.signals.env import build
from marl_envs.traffic.signals.networks import network_of
from marl_envs.traffic.signals.types import WARMUP_GREEN, Params
from marl_envs.traffic.sumo import kernels
from marl_envs.traffic.sumo.lights import Lights
from marl_envs.traffic.sumo.places import Places
from marl_envs.traffic.sumo.process import Process, library
from marl_envs.traffic.sumo.scenario import Scenario, scenario_of
from marl_envs.traffic.sumo.vehicles import Vehicles

ROOM = 10_000  # for vehicles that our reader does not count: those that stay on one edge, and other draws of flows
MOST_SEED = 2**31 - 2  # the largest that is taken for SUMO


class Traffic:
    """The part of a family that drives vehicles: `step` and `reset` in SUMO."""

    def __init__(self, scenario: Scenario, parameters: Params, options: Sequence[str], program: bool) -> None:
        """Prepare; SUMO starts at the first reset.

        Args:
            scenario: what is played.
            parameters: of the environment.
            options: of SUMO, after ours.
            program: whether signals run the file's programs, whatever the actions say.
        """
        self.seed = 0  # of the next episode
        self.warnings: tuple[str, ...] = ()
        self._scenario, self._params = scenario, parameters
        self._options, self._program = tuple(options), program
        self._process: Process | None = None
        self._stack = ExitStack()

    def attach(self, state: Any, settings: Any) -> None:
        """Say where the arrays are."""
        self._state, self._settings = state, settings

    def play(self, table: Any, operation: int, first: int, last: int) -> None:
        """Be the family's kernel: steps and resets are made in SUMO, and who only looks is served as ever."""
        if operation == STEP:
            self.step(table)
        elif operation == RESET:
            self.reset(table)
        else:
            play_range(table, operation, first, last)

    def reset(self, table: Any) -> None:
        """Start an episode: SUMO anew, and the warm-up."""
        self.close()
        self._start()
        rules = self._settings
        green = int(np.ceil(WARMUP_GREEN / rules.dt))
        kernels.clear(table, green)
        left = rules.warmup
        while left > 0:
            kernels.turn(table, green)
            self._advance(table, min(left, rules.interval))
            left -= min(left, rules.interval)
        kernels.start(table)

    def step(self, table: Any) -> None:
        """Advance by one decision; begin the next episode where that is wanted."""
        if self._process is None or self._state.cycle[0] >= self._settings.max_cycles:
            raise RuntimeError("the episode has ended: call reset()")
        kernels.act(table)
        self._advance(table, self._settings.interval)
        kernels.conclude(table)

    def _advance(self, table: Any, steps: int) -> None:
        assert self._process is not None  # callers have looked
        for _ in range(steps):
            kernels.prepare(table)
            if self._lights is not None:
                self._lights.show(self._state)
            self._process.step()
            kernels.record(table, self._lane_road, *self._vehicles.read())

    def _start(self) -> None:
        scenario, parameters = self._scenario, self._params
        demand = scenario.demands[self.seed % len(scenario.demands)]
        network, additional = scenario.files(self._stack)
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="marl-envs-routes-")))
        self._process = Process(
            network,
            additional,
            demand.routes(folder, parameters.dt),
            begin=demand.begin,
            dt=parameters.dt,
            seed=self.seed,
            options=self._options,
        )
        self.seed = (self.seed + 1) % (MOST_SEED + 1)
        sumo, town = self._process.sumo, scenario.town
        places = Places(sumo, town)
        self._lane_road = town.network.lane_road.astype(np.int32)
        self._vehicles = Vehicles(sumo, places, self._state, self._settings)
        self._lights: Lights | None = None
        if not self._program:
            arranged, _ = network_of(parameters.network, parameters.phases)
            self._lights = Lights(sumo, town, arranged, self._settings, places.links, parameters.phases == "own")

    def close(self) -> None:
        """End the simulation that runs, and keep its warnings."""
        if self._process is not None:
            self.warnings = self._process.close()
        self._process = None
        self._stack.close()


class SumoVectorEnv(VectorEnv):
    """One environment in SUMO, with the interface of a batch; a second one must wait until the first is closed.

    `reset(seed=s)` starts an episode with SUMO's seed s; each later reset takes the next seed.
    """

    def __init__(self, simulation: Simulation, traffic: Traffic) -> None:
        """Put `traffic` in the place of the engine; see `vector_env`."""
        self._traffic = traffic
        super().__init__(simulation, autoreset=False)
        traffic.attach(self.arrays, self.simulation.settings)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What SUMO warned of in the last episode that has been closed, a line each."""
        return self._traffic.warnings

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Start an episode; `seed` is SUMO's, too, from 0 to 2**31 - 2."""
        if seed is not None:
            self._traffic.seed = check_int("seed", seed, 0, MOST_SEED)
        return super().reset(seed=seed, options=options)

    def step(self, actions: Any) -> Any:
        """Advance by one decision, as `VectorEnv.step`; after the end of the episode call `reset`."""
        return super().step(actions)

    def get_state(self) -> Any:
        """Refuse: SUMO's state is not ours to copy."""
        raise NotImplementedError("an environment in SUMO has no snapshots")

    def set_state(self, state: Any) -> Any:
        """Refuse: SUMO's state is not ours to set."""
        raise NotImplementedError("an environment in SUMO has no snapshots")

    def __reduce__(self) -> Any:
        raise TypeError("an environment in SUMO cannot be pickled")

    def close(self) -> None:
        """End the simulation."""
        self._traffic.close()
        super().close()


def vector_env(*, options: Sequence[str] = (), program: bool = False, **parameters: Any) -> SumoVectorEnv:
    """Return one environment of `traffic_signals_v0` in which SUMO drives the vehicles.

    Args:
        options: SUMO's own options, after ours, such as `("--tripinfo-output", "trips.xml")`.
        program: let the signals run the programs of the network's file, whatever the actions say.
        **parameters: of `traffic_signals_v0`. The network must be "rilsa" or a `.net.xml`. A demand is a route file,
            which SUMO reads itself (from the full hour of the first vehicle on), or arrivals at random, which are
            written for it; the episode of seed s plays number s of them all, modulo their number.

    Raises:
        ImportError: SUMO is not installed.
        ParameterError: a bad parameter, or one that SUMO cannot play.
    """
    library()
    chosen = params.build(Params, parameters)
    if chosen.mask == "obs":
        raise ParameterError('mask "obs" is for PettingZoo; a vector_env gives it in the info: mask="info"')
    _check_dt(chosen.dt)
    scenario = scenario_of(chosen)
    traffic = Traffic(scenario, chosen, options, program)
    return SumoVectorEnv(_in_sumo(build(chosen), scenario.vehicles + ROOM, traffic), traffic)


def _check_dt(dt: float) -> None:
    """Raise ParameterError where SUMO, which counts milliseconds, cannot make such steps."""
    if not np.isclose(dt * 1000.0, round(dt * 1000.0)):
        raise ParameterError(f"dt must be a multiple of 0.001 s to be played in SUMO, not {dt!r}")


def _in_sumo(simulation: Simulation, room: int, traffic: Traffic) -> Simulation:
    """Return a simulation whose vehicles SUMO drives: each has a trip, a slot and a kind of its own number."""
    settings = simulation.settings._replace(
        trip_first=np.array([0, room], np.int32),
        trip_step=np.zeros(room, np.int32),
        trip_route=np.zeros(room, np.int32),
        trip_kind=np.arange(room, dtype=np.int32),
        trip_speed=np.zeros(room),
        trip_pace=np.zeros(room, np.int32),
        trip_order=np.arange(room, dtype=np.int32),
        body=np.ones(room),
        top_speed=np.ones(room),
        doors=np.arange(simulation.sizes["L"], dtype=np.int32),
        sumo=0,  # SUMO itself drives
    )
    family = replace(simulation.family, play=traffic.play)
    return replace(
        simulation,
        family=family,
        settings=settings,
        sizes={**simulation.sizes, "D": room, "V": room, "drivers": 0, "lists": 0},
    )
