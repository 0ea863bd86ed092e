"""What a controller remembers of the vehicles, and its tables.

Dimensions besides the environment's: P phases of a light, S steps of a reservation, W words of 64 tiles, Q points of
all links' paths.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Ledger.rule
STOP, RANKS, TILES = range(3)  # all-way stop; ranks of movements and gaps, with or without a light; reservation
# Ledger.light
NO_LIGHT, FIXED, ACTUATED, THEIRS = range(4)  # THEIRS: the environment's own
# Ledger.counts[e, :]: vehicles that could not stop any more; plans that were not kept
FORCED, BROKEN = range(2)
# Ledger.open[e, link]
CLOSED, OPEN_NOW, AMBER = range(3)

AT_LINE = 5.0  # who is so near its line is at it: a second vehicle has to stop 7 m behind the first [m]
CRAWLS = 1.0  # who is slower and may not enter keeps those behind it back [m/s]


class Ledger(NamedTuple):
    """Memory and tables of one controller; links are counted from 0 here, but in `grant`."""

    # Agents
    trip: Annotated[NDArray[np.int32], "E A"]  # that the rest of the row is about, or NONE
    grant: Annotated[NDArray[np.int32], "E A"]  # drivable of the link that it may enter, or NONE
    since: Annotated[NDArray[np.int32], "E A"]  # step in which it stood at its line or first asked, or NONE
    owed: Annotated[NDArray[np.float64], "E A"]  # acceleration that was wanted and no action gave [m/s2]
    pull: Annotated[NDArray[np.float64], "E A"]  # acceleration wanted [m/s2]
    choice: Annotated[NDArray[np.int64], "E A"]  # action
    mode: Annotated[NDArray[np.int32], "E A"]  # scratch: MODE before
    held: Annotated[NDArray[np.int32], "E A"]  # scratch: grant before
    # Vehicles near the junction, looked at anew each time
    number: Annotated[NDArray[np.int32], "E"]
    strangers: Annotated[NDArray[np.int32], "E"]  # those among them that the engine drives
    who: Annotated[NDArray[np.int32], "E V"]  # vehicles
    link: Annotated[NDArray[np.int32], "E V"]  # of vehicle v: its link
    way: Annotated[NDArray[np.float64], "E V"]  # of vehicle v: its place on that [m]
    holds: Annotated[NDArray[np.uint8], "E V"]  # of vehicle v: 1 if it may enter, or is in the junction
    refused: Annotated[NDArray[np.uint8], "E L"]  # lanes whose next vehicle has to wait
    # Movements
    rank: Annotated[NDArray[np.int32], "K"]  # the lower goes first
    open: Annotated[NDArray[np.uint8], "E K"]  # CLOSED, OPEN_NOW or AMBER
    # The light
    green: Annotated[NDArray[np.uint8], "P K"]
    phase: Annotated[NDArray[np.int32], "E"]
    lit: Annotated[NDArray[np.int32], "E"]  # step in which its green began
    dark: Annotated[NDArray[np.int32], "E"]  # step in which it ended, or NONE
    passed: Annotated[NDArray[np.int32], "E"]  # last step in which anyone moved between detector and line
    # Reservations
    busy: Annotated[NDArray[np.uint64], "E S W"]  # tiles taken in step t: row t % S
    cleared: Annotated[NDArray[np.int32], "E"]  # rows of earlier steps are empty
    cover: Annotated[NDArray[np.uint64], "Q W"]  # tiles that a vehicle with its front on a path's point needs
    planned: Annotated[NDArray[np.float32], "E A S"]  # way in each step from `plan_first` on [m]
    pace: Annotated[NDArray[np.float32], "E A S"]  # speed in each of them [m/s]
    plan_first: Annotated[NDArray[np.int32], "E A"]  # step, or NONE: no plan
    plan_last: Annotated[NDArray[np.int32], "E A"]  # step in which it leaves the network
    counts: Annotated[NDArray[np.int64], "E 2"]  # FORCED, BROKEN
    # Numbers
    rule: int
    light: int
    gap: float  # between who gives way and who goes first [s]
    green_time: float  # of the fixed light, and the most of the actuated one [s]
    least_green: float  # of the actuated one [s]
    yellow: float  # [s]
    red: float  # in all directions [s]
    extension: float  # how long green lasts after the last vehicle has passed its line [s]
    detector: float  # before the stop line [m]
    request: float  # how far before the line vehicles ask for tiles [m]
    spare: int  # steps that tiles are kept free before and after
    reach_in: float  # how far before its line a vehicle can touch a tile [m]
