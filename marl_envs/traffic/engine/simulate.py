"""A batch of environments of the engine as one Python object: steps, signals, readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.operations import RESET, STEP
from marl_envs.core.pack import allocate, slot_of, slots_of, table_of
from marl_envs.core.params import ParameterError, check_choice, check_float, check_int
from marl_envs.core.random import seed_stream
from marl_envs.core.threads import Crew
from marl_envs.traffic.demand import Demand, Trips, expand
from marl_envs.traffic.engine.batch import count_waiting_range, play_range
from marl_envs.traffic.engine.tables import LANE_CHOICES, MODELS, build_settings, most_vehicles, sizes_of
from marl_envs.traffic.engine.types import (
    COUNT,
    CREATED,
    DEPARTED,
    FINISHED,
    NONE,
    PLACE,
    TRAVELLED,
    Settings,
    State,
)
from marl_envs.traffic.network import Network


class Traffic:
    """Environments that all have the same network; each plays one of the demand sets.

    A trajectory depends on the seed, the demand set and what is set from outside, not on batch size or threads.
    """

    def __init__(
        self,
        demands: Demand | Sequence[Demand],
        steps: int,
        num_envs: int = 1,
        num_threads: int = 1,
        *,
        dt: float = 1.0,
        rng: str = "splitmix",
        program: bool = False,
        parity: bool = True,
        model: str = "krauss",
        lane_choice: str = "random",
        yellow: float = 0.0,
        capacity: int | None = None,
        seed: int = 0,
    ) -> None:
        """Allocate the environments and reset them.

        Args:
            demands: one or more, all on the same network. Environment e plays number e modulo how many there are,
                until `state.demand` says otherwise.
            steps: for how many steps vehicles are created; one may step on after that.
            num_envs: environments, E.
            num_threads: threads, at most the processors there are.
            dt: the time step [s].
            rng: "splitmix", our streams, or "mt19937", which draws what the reference draws.
            program: whether junctions switch phases by their own program, rather than from outside.
            parity: whether the reference's rules are kept with their slips; else the corrected ones hold.
            model: how vehicles follow each other: "krauss", the reference's law; "idm", the intelligent driver model,
                for which there is `demand.URBAN_IDM` and the corrected rules always hold; or "sumo", SUMO's drivers and
                right of way, in networks of SUMO's files and with `parity` only.
            lane_choice: which lane drivers take where several lead along their route: "random", the reference's rule
                (the first one is drawn, later ones are the nearest), or "emptiest", the one with the fewest vehicles.
            yellow: after a link has closed, for how long passing it is not counted as a red run [s].
            capacity: vehicles that can drive at once in an environment; None: as many as the roads hold. Where it is
                reached, vehicles wait outside for longer, which `tally` counts.
            seed: as in `reset`.

        Raises:
            ParameterError: a number is out of range, the demands are on different networks, or the model does not go
                with the network or `parity`.
        """
        demands = [demands] if isinstance(demands, Demand) else list(demands)
        if not demands or any(demand.network is not demands[0].network for demand in demands):
            raise ParameterError("demands must be one or more, all on the same network")
        check_choice("rng", rng, ("splitmix", "mt19937"))
        check_float("dt", dt, 1e-3, 10.0)
        check_int("steps", steps, 1)
        check_choice("program", program, (True, False))
        check_choice("parity", parity, (True, False))
        check_choice("model", model, MODELS)
        check_choice("lane_choice", lane_choice, LANE_CHOICES)
        self.network: Network = demands[0].network
        self.demands = demands
        self.trips: list[Trips] = [expand(demand, float(dt), steps) for demand in demands]
        self._options: dict[str, Any] = {
            "program": program,
            "mersenne": rng == "mt19937",
            "parity": parity,
            "model": model,
            "lane_choice": lane_choice,
            "amber": round(check_float("yellow", yellow, 0.0, 1e5) / dt),
        }
        self.settings: Settings = build_settings(demands, self.trips, float(dt), **self._options)
        self._capacity = None if capacity is None else check_int("capacity", capacity, 1)
        self.capacity = self._capacity or most_vehicles(self.network, demands, self.trips)
        self.num_envs = check_int("num_envs", num_envs, 1)
        sizes = sizes_of(self.settings, self.network, self.capacity)
        self.state: State = allocate(State, E=self.num_envs, **sizes)
        self.state.demand[:] = np.arange(self.num_envs) % len(demands)
        self._crew = Crew(num_threads)
        self._wire()
        self.reset(seed)

    def _wire(self) -> None:
        self._table = table_of(self.state, self.settings)
        self._substeps = slots_of(State) + slot_of(Settings, "substeps")

    def __getstate__(self) -> dict[str, Any]:
        """Travel without the table: it holds addresses."""
        return {name: value for name, value in self.__dict__.items() if name != "_table"}

    def __setstate__(self, values: dict[str, Any]) -> None:
        """Come back with a table of the new arrays."""
        self.__dict__.update(values)
        self._wire()

    def replace_demand(self, s: int, demand: Demand, trips: Trips) -> None:
        """Play `demand` as set `s` from now on; what the old one has begun must be in it unchanged (see editing.py)."""
        self.demands[s], self.trips[s] = demand, trips
        self.settings = build_settings(self.demands, self.trips, self.settings.dt, **self._options)
        old, before = self.state, self.capacity
        if self._capacity is None:
            self.capacity = most_vehicles(self.network, self.demands, self.trips)
        self.state = allocate(State, E=self.num_envs, **sizes_of(self.settings, self.network, self.capacity))
        for name, array in old._asdict().items():
            getattr(self.state, name)[tuple(map(slice, array.shape))] = array
        added = self.capacity - before
        self.state.vehicle[:, before:, PLACE] = NONE
        self.state.free[:, :added] = np.arange(before, self.capacity)
        self.state.free[:, added:] = old.free
        self.state.num_free[:] += added
        self._wire()

    def reset(self, seed: int = 0) -> None:
        """Empty all environments and start their random streams; environment 0 starts from `seed` itself."""
        for e in range(self.num_envs):
            self.state.rng[e] = seed_stream(seed, e)
        self._crew.run(play_range, self._table, RESET, self.num_envs)

    def step(self, count: int = 1) -> None:
        """Advance all environments by `count` steps."""
        self._table[self._substeps] = count
        self._crew.run(play_range, self._table, STEP, self.num_envs)

    @property
    def phase(self) -> NDArray[np.int32]:
        """[E, J] the phase of each junction from the next step on; set it from outside unless the program runs."""
        return self.state.phase

    def set_phase(self, junction: int, phase: int) -> None:
        """Let a junction show a phase in all environments from the next step on.

        Raises:
            ParameterError: there is no such junction or phase.
        """
        check_int("junction", junction, 0, len(self.network.junction_ids) - 1)
        check_int("phase", phase, 0, self.network.num_phases(junction) - 1)
        self.state.phase[:, junction] = phase

    @property
    def lane_counts(self) -> NDArray[np.int32]:
        """[E, L] vehicles on each lane."""
        return self.state.on[:, : self.network.num_lanes, COUNT]

    def waiting_counts(self) -> NDArray[np.int32]:
        """Return how many vehicles on each lane [E, L] are slower than 0.1 m/s."""
        waiting = np.zeros((self.num_envs, self.network.num_lanes), np.int32)
        count_waiting_range(self._table, waiting, 0, self.num_envs)
        return waiting

    def running(self) -> NDArray[np.int64]:
        """Return how many vehicles drive in each environment [E]."""
        return self.capacity - self.state.num_free.astype(np.int64)

    def average_travel_time(self) -> NDArray[np.float64]:
        """Return the mean travel time [E] [s] of all vehicles created so far, as the reference defines it.

        It counts from the creation, so waiting outside is included, to the beginning of the step in which the vehicle
        ended, or to now where it has not. 0 where no vehicle was created.
        """
        tally, now = self.state.tally, self.state.step.astype(np.int64)
        created, unfinished = tally[:, CREATED], tally[:, CREATED] - tally[:, FINISHED]
        total = tally[:, TRAVELLED] + unfinished * now - tally[:, DEPARTED]
        return np.where(created > 0, total * self.settings.dt / np.maximum(created, 1), 0.0)

    def vehicles(self, e: int = 0) -> NDArray[np.int64]:
        """Return the slots of the vehicles that drive in environment `e`, in the order of their trips."""
        slots = np.flatnonzero(self.state.vehicle[e, :, PLACE] != NONE)
        return slots[np.argsort(self.state.trip[e, slots], kind="stable")]

    def trip_name(self, trip: int, e: int = 0) -> str:
        """Return the name of a trip of environment `e`, "flow_F_N": the N-th vehicle of flow F, both from 0.

        A vehicle added from outside is a flow of its own.
        """
        trips = self.trips[int(self.state.demand[e])]
        return f"flow_{trips.flow[trip]}_{trips.number[trip]}"
