"""SUMO's vehicles in the engine's arrays: which trips there are, who drives where, and who waits outside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.engine.types import CREATED, DEPARTED, FINISHED, KIND, NONE, PLACE, TRAVELLED
from marl_envs.traffic.sumo.places import Places

Readings = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]


class Vehicles:
    """Keeps the book of trips, and reads where everyone is."""

    def __init__(self, sumo: Any, places: Places, state: Any, settings: Any) -> None:
        """Begin with an episode, of which nobody has been seen.

        Args:
            sumo: the module libsumo, with a simulation that has just begun.
            places: our numbers of SUMO's lanes.
            state: State, of one environment, whose trips are written.
            settings: Settings with room for one trip, and one kind of vehicle, for everyone who comes.
        """
        self._sumo, self._places, self._state, self._settings = sumo, places, state, settings
        self._trip: dict[str, int] = {}

    def read(self) -> Readings:
        """Write the trips that the last step began and ended; return what `kernels.record` takes."""
        simulation, step = self._sumo.simulation, int(self._state.step[0])
        waiting = [(self._created(name, step), self._door(name)) for name in simulation.getPendingVehicles()]
        departed = set(simulation.getDepartedIDList())
        for name in departed:
            self._depart(name, self._created(name, step), step)
        for name in simulation.getArrivedIDList():
            self._arrive(self._trip[name], step)
        who, place, motion = [], [], []
        get = self._sumo.vehicle
        for name in get.getIDList():
            trip = self._trip[name]
            who.append((trip, name in departed))
            place.append(self._places.of(get.getLaneID(name)))
            motion.append((get.getLanePosition(name), get.getSpeed(name), get.getAllowedSpeed(name)))
        outside = np.array([pair for pair in waiting if pair[1] != NONE], np.int32).reshape(-1, 2)
        return (
            np.array(who, np.int32).reshape(-1, 2),
            np.array(place, np.int32),
            np.array(motion, np.float64).reshape(-1, 3),
            outside[:, 0].copy(),
            outside[:, 1].copy(),
        )

    def _created(self, name: str, step: int) -> int:
        """Return the trip of a vehicle; one that is seen for the first time has been due since this step."""
        if name not in self._trip:
            trip = len(self._trip)
            if trip == len(self._settings.trip_step):
                raise RuntimeError(f"SUMO's files have more than the {trip} vehicles for which there is room")
            self._trip[name] = trip
            state = self._state
            self._settings.trip_step[trip] = step
            state.trip_inserted[0, trip] = state.trip_finished[0, trip] = NONE
            state.next_trip[0] = trip + 1
            state.tally[0, CREATED] += 1
            state.tally[0, DEPARTED] += step
        return self._trip[name]

    def _door(self, name: str) -> int:
        """Return the lane that a vehicle outside is counted at: the first of its edge, as it has not chosen yet."""
        return self._places.first_lane.get(self._sumo.vehicle.getRoute(name)[0], NONE)

    def _depart(self, name: str, trip: int, step: int) -> None:
        self._state.trip_inserted[0, trip] = step
        self._state.vehicle[0, trip, KIND] = trip
        self._settings.body[trip] = self._sumo.vehicle.getLength(name)
        self._settings.top_speed[trip] = self._sumo.vehicle.getMaxSpeed(name)

    def _arrive(self, trip: int, step: int) -> None:
        self._state.trip_finished[0, trip] = step
        self._state.vehicle[0, trip, PLACE] = NONE
        self._state.tally[0, FINISHED] += 1
        self._state.tally[0, TRAVELLED] += step
