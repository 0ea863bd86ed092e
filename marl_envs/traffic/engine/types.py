"""Settings and state of the engine.

Dimensions: E environments, V vehicle slots, N drivables (first L lanes, then the lane links), J junctions, D trips of
the largest demand set, T kinds of vehicle. A vehicle that drives has a slot; one that waits outside for room on its
first lane is only a trip. Places are in metres from the start of the drivable to the vehicle's front bumper.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.rows import counted

NONE = -1  # no vehicle, no drivable, no trip
ON_LANE = 2**31 - 1  # State.entered of a vehicle on a lane
# State.tally[e, :]
CREATED, FINISHED, DEPARTED, TRAVELLED, RED_RUNS, NO_SLOT, SWITCHES, MERGE_OVERLAPS = range(8)
NUM_COUNTERS = 8

# Settings.zone_place[z, :]
BEGIN, END, FOE_BEGIN, FOE_END = range(4)  # on this link, on the other [m]
# Settings.measure[d, :]
LENGTH, LIMIT = range(2)  # [m], [m/s]
# Settings.zone_kind[z]: where the bodies of vehicles on two links could touch
CROSS, MERGE, FORK = range(3)  # on their way; where they end on one lane; where they begin on one
# Settings.drivable[d, :]
LANE_INDEX = 0  # of a lane: its number on the road
START_LANE, END_LANE = 1, 2  # of a link; NONE for lanes
OUT_FIRST = 3  # links that leave lane d: out_link[OUT_FIRST of d : OUT_FIRST of d + 1]
CROSS_FIRST = 4  # crosses of link d, likewise
TURNS = 5  # of a link: 1 if it turns left or right
JUNCTION = 6  # of a link
# State.on[e, d, :]
HEAD, TAIL = 0, 1  # slots, or NONE
COUNT = 2  # vehicles
CROSSING = 3  # of a lane: vehicles on the links that leave it
CLOSED_STEP = 3  # of a link: the last step in which it was open
LEADER = 4  # slot that the first vehicle follows, on a drivable further on, or NONE
FOE_STEP = 5  # of a link: the last step in which anyone could be in the way there
OPEN = 6  # of a link: 1 if it shows green, or MAJOR
LISTED = 7  # 1: in `active`
# State.motion[e, v, :]
DIS, SPEED, NEXT_DIS, NEXT_SPEED = range(4)  # [m], [m/s]; NEXT: what is planned in a step
# State.vehicle[e, v, :]
KIND = 0
PLACE = 1  # drivable, or NONE: the slot is free
AHEAD, BEHIND = 2, 3  # slots in the drivable's list, or NONE
EXIT = 4  # on a lane: the link to take, or NONE
BLOCKER = 5  # slot of whom it gave way to in the last step, or NONE
FOE = 6  # the same as planned in a step
MODE = 7
# State.plan_ahead[e, v, i, :]: what a vehicle intends at the i-th line ahead of it, under SUMO's law
SEEN, PASS, WAIT, ARRIVAL, ARRIVAL_SPEED, LEAVE, LEAVE_SPEED, BRAKING = range(8)  # [m], [m/s], [s]
# State.line_ahead[e, v, i, :]
LINE_LINK = 0  # the link behind the line, or whose waiting place it is
INNER = 1  # 1: it is the waiting place on the link
ASKS = 2  # 1: it wants to pass
NEXT_ASKS = 3  # the next in the link's list of those who come: slot * LINES + i, or NONE
LINES = 4  # that a vehicle looks at
# Settings.conflict_place[c, :]: where a foe's way begins to be in the way, and for how long, on both links [m]
PLACE_AT, PLACE_SIZE, PLACE_FOE_AT, PLACE_FOE_SIZE = range(4)
# Settings.conflict_kind[c]: sums of
YIELDS = 1  # this link gives way to the other
SAME_END = 2  # they lead onto one lane
SAME_START = 4  # they come from one lane
MAJOR = 2  # State.on[e, d, OPEN] under SUMO's law: no other open link goes first
AWAKE = 0  # the rules drive it
ASLEEP = 1  # the same; but it stands, and will as long as its leader does, so it need not be looked at
IS_TOLD = 2  # in the next step it drives at most as fast as told, and keeps no distance for comfort; then AWAKE again
DRIVEN = 3  # no rule protects it: it gets as near to the speed told as it can, until the mode is set to AWAKE
CAPPED = 4  # as IS_TOLD, but it keeps its distance as ever (under the corrected rules)

# Settings.trip_pace[r]: how a vehicle begins to drive
GIVEN = 0  # at its speed, whatever is ahead, as in the reference
# The others: no faster than its speed, than allowed, and than is safe
BOUNDED = 1
AVERAGE = 2  # nor than the vehicles on the lane on average
LAST = 3  # nor than the last of them
ANY = 4  # a speed at random, up to that

NEVER = -(2**30)  # CLOSED_STEP of a link that was not open yet

# Constants of the reference that are no parameters
TURN_SPEED = 8.3333  # of vehicles that are about to turn [m/s]
YIELD_ROOM = 5.0  # in front of a cross where a vehicle stops [m]
ENTER_SPEED = 2.0  # a lane whose last vehicle is this fast takes another in any case [m/s]
NO_ROOM = -100.0  # speed of a follower that cannot avoid a collision [m/s]
FASTEST = 100.0  # [m/s]


@counted
class Settings(NamedTuple):
    """What stays fixed: tables of network and demand, and numbers."""

    # Drivables, columns below
    measure: Annotated[NDArray[np.float64], "N 2"]  # LENGTH, LIMIT
    drivable: Annotated[
        NDArray[np.int32], "N1 8"
    ]  # LANE_INDEX ... JUNCTION; the last row ends OUT_FIRST and CROSS_FIRST
    out_link: Annotated[NDArray[np.int32], "K"]
    link_bit: Annotated[NDArray[np.uint64], "N"]  # of a link: one bit, for itself and few or no others of the junction
    foe_bits: Annotated[NDArray[np.uint64], "N"]  # of a link: the bits of all that it crosses
    # Crosses of each link, by rising distance
    cross_at: Annotated[NDArray[np.float64], "X"]  # on this link [m]
    cross_foe: Annotated[NDArray[np.int32], "X"]  # the other link
    cross_foe_at: Annotated[NDArray[np.float64], "X"]  # on the other link [m]
    cross_claim: Annotated[NDArray[np.int8], "X"]  # 1: this link goes first; -1: the other; 0: they go as they come
    # Zones of each link, for the corrected rules only (see zones.py)
    zone_first: Annotated[NDArray[np.int32], "N1"]  # those of link d: zone_first[d] .. zone_first[d + 1] - 1
    zone_kind: Annotated[NDArray[np.int8], "Y"]  # CROSS, MERGE or FORK
    zone_foe: Annotated[NDArray[np.int32], "Y"]  # the other link
    zone_claim: Annotated[NDArray[np.int8], "Y"]  # as cross_claim
    zone_place: Annotated[NDArray[np.float64], "Y 4"]  # BEGIN, END, FOE_BEGIN, FOE_END [m]
    fork: Annotated[NDArray[np.float64], "N"]  # of a link: where it is clear of the others from its lane [m]
    in_first: Annotated[NDArray[np.int32], "L1"]  # links that end on lane d: in_link[in_first[d] : in_first[d + 1]]
    in_link: Annotated[NDArray[np.int32], "I"]
    # Signals: phase p of junction j is row phase_first[j] + p
    phase_first: Annotated[NDArray[np.int32], "J1"]
    phase_time: Annotated[NDArray[np.float64], "P"]  # [s]
    link_first: Annotated[NDArray[np.int32], "J1"]  # drivables: links of junction j are link_first[j]..[j + 1] - 1
    green_first: Annotated[NDArray[np.int32], "P"]  # green of the junction's links in this phase begins here
    green: Annotated[NDArray[np.uint8], "G"]  # 1 or MAJOR: the link is open
    # Kinds of vehicle: from the parameters, what the formulas need
    body: Annotated[NDArray[np.float64], "T"]  # length [m]
    top_speed: Annotated[NDArray[np.float64], "T"]  # [m/s]
    boost: Annotated[NDArray[np.float64], "T"]  # max_acceleration * dt [m/s]
    hard: Annotated[NDArray[np.float64], "T"]  # max_deceleration [m/s2]
    usual: Annotated[NDArray[np.float64], "T"]  # usual_deceleration [m/s2]
    pull: Annotated[NDArray[np.float64], "T"]  # usual_acceleration [m/s2]
    min_gap: Annotated[NDArray[np.float64], "T"]  # [m]
    headway: Annotated[NDArray[np.float64], "T"]  # headway + dt / 2; plain under the intelligent driver model [s]
    calm: Annotated[NDArray[np.float64], "T"]  # 2 sqrt(max_acceleration * usual_deceleration) [m/s2]
    berth: Annotated[NDArray[np.float64], "T"]  # of lane that a vehicle takes in a queue [m]
    sight: Annotated[NDArray[np.float64], "T"]  # how far ahead a vehicle looks for leaders and junctions [m]
    even: Annotated[NDArray[np.uint8], "T"]  # 1: max_deceleration equals usual_deceleration
    # Routes: place q of a route is a road; leg[q] + lane_index is the row of `choice` with the link to take (NONE: no
    # way on). leg is 0 at a route's last road.
    leg: Annotated[NDArray[np.int32], "Q"]
    choice: Annotated[NDArray[np.int32], "C"]
    changes: Annotated[NDArray[np.int32], "C"]  # of a row of `choice`: how many changes of lane are ahead, at least
    # Row c of `choice` once more: all links to the next road that end on a lane which leads on
    option_first: Annotated[NDArray[np.int32], "C1"]  # option_link[option_first[c] : option_first[c + 1]]
    option_link: Annotated[NDArray[np.int32], "F"]
    entry_first: Annotated[NDArray[np.int32], "W1"]  # lanes where route w may begin
    entry_lane: Annotated[NDArray[np.int32], "B"]
    route_first: Annotated[NDArray[np.int32], "W"]  # place of the route's first road
    doors: Annotated[NDArray[np.int32], "Z"]  # lanes where any route begins, rising
    # Trips of demand set s: rows trip_first[s] .. trip_first[s + 1] - 1, by step of creation
    trip_first: Annotated[NDArray[np.int32], "S1"]
    trip_step: Annotated[NDArray[np.int32], "R"]  # [steps]
    trip_route: Annotated[NDArray[np.int32], "R"]  # NONE: the vehicle vanishes at once
    trip_kind: Annotated[NDArray[np.int32], "R"]
    trip_speed: Annotated[NDArray[np.float64], "R"]  # when it begins to drive [m/s]
    trip_pace: Annotated[NDArray[np.int32], "R"]  # GIVEN ... ANY
    trip_order: Annotated[NDArray[np.int32], "R"]  # within a step, the trips by road: row to look at next
    # Under SUMO's law only (see sumo_tables.py); conflicts of each link
    conflict_first: Annotated[NDArray[np.int32], "N1"]
    conflict_foe: Annotated[NDArray[np.int32], "H"]
    conflict_kind: Annotated[NDArray[np.int8], "H"]
    conflict_place: Annotated[NDArray[np.float64], "H 4"]
    wait_at: Annotated[NDArray[np.float64], "N"]  # where on a link one waits inside the junction [m]; 0: nowhere
    deep: Annotated[NDArray[np.float64], "N"]  # how much nearer than a link those inside may seem to be [m]
    lit: Annotated[NDArray[np.uint8], "N"]  # 1: the link has a signal
    full_pull: Annotated[NDArray[np.float64], "T"]  # acceleration of a driver that does not dawdle [m/s2]
    sigma: Annotated[NDArray[np.float64], "T"]  # how much drivers dawdle
    spread: Annotated[NDArray[np.float64], "T"]  # standard deviation of the factor of their speed
    dt: float  # [s]
    substeps: int  # steps a call
    amber: int  # [steps] after a link has closed in which passing is no red run
    program: int  # 1: junctions switch phases by their own program
    mersenne: int  # 1: draw random numbers as the reference does
    fresh: int  # 1: trips are those of `State.fresh_...`, drawn for each environment
    parity: int  # 1: the reference's rules with their slips
    emptiest: int  # 1: drivers take the lane with the fewest vehicles where they have a choice
    idm: int  # 1: vehicles follow each other by the intelligent driver model, not by the reference's law
    sumo: int  # 1: vehicles drive and give way by SUMO's rules


@counted
class State(NamedTuple):
    """Everything a step reads or writes; allocated once, changed in place."""

    rng: Annotated[NDArray[np.uint64], "E"]  # random stream
    mersenne: Annotated[NDArray[np.int64], "E M"]  # the reference's: 624 words and the next one's number, or nothing
    step: Annotated[NDArray[np.int32], "E"]  # [steps] since the reset
    demand: Annotated[NDArray[np.int32], "E"]  # which demand set is played
    next_trip: Annotated[NDArray[np.int32], "E"]  # the first that is not yet created
    tally: Annotated[NDArray[np.int64], "E 8"]  # counters; DEPARTED and TRAVELLED are sums of steps
    # Signals
    phase: Annotated[NDArray[np.int32], "E J"]  # to show from the next step on; may be set between steps
    shown: Annotated[NDArray[np.int32], "E J"]  # that OPEN stands for
    remaining: Annotated[NDArray[np.float64], "E J"]  # of the phase in the junction's own program [s]
    # Drivables: their vehicles are a list from the front to the back
    on: Annotated[NDArray[np.int32], "E N 8"]  # HEAD ... LISTED, columns below
    busy: Annotated[NDArray[np.uint64], "E J"]  # bits of the links where anyone could be in the way in this step
    gap: Annotated[NDArray[np.float64], "E N"]  # from the first vehicle to LEADER [m]
    active: Annotated[NDArray[np.int32], "E N"]  # drivables with vehicles, in the order in which they got them
    num_active: Annotated[NDArray[np.int32], "E"]
    first_waiting: Annotated[NDArray[np.int32], "E L"]  # trip
    last_waiting: Annotated[NDArray[np.int32], "E L"]  # trip
    num_waiting: Annotated[NDArray[np.int32], "E L"]  # how many wait outside
    # Trips
    next_waiting: Annotated[NDArray[np.int32], "E D"]  # the trip behind in the lane's queue
    trip_priority: Annotated[NDArray[np.int32], "E D"]
    trip_inserted: Annotated[NDArray[np.int32], "E D"]  # step in which it began to drive, or NONE
    trip_finished: Annotated[NDArray[np.int32], "E D"]  # step in which it ended, or NONE
    # Vehicles: one that drives has a slot. What a step reads of it lies together, columns below
    motion: Annotated[NDArray[np.float64], "E V 4"]  # DIS, SPEED, NEXT_DIS, NEXT_SPEED
    vehicle: Annotated[NDArray[np.int32], "E V 8"]  # KIND ... MODE
    told: Annotated[NDArray[np.float64], "E V"]  # speed asked for from outside [m/s], unless the rules alone drive
    trip: Annotated[NDArray[np.int32], "E V"]
    came: Annotated[NDArray[np.int32], "E V"]  # drivable before, or NONE; by parity not a link passed whole
    route_at: Annotated[NDArray[np.int32], "E V"]  # place in `leg` of the present or the last lane's road
    entered: Annotated[NDArray[np.int32], "E V"]  # step in which it came onto its link; ON_LANE on lanes
    priority: Annotated[NDArray[np.int32], "E V"]  # decides the last ties
    grant: Annotated[NDArray[np.int32], "E V"]  # on a lane, by the corrected rules: the link it may enter, or NONE
    free: Annotated[NDArray[np.int32], "E V"]  # free slots, the next one last
    num_free: Annotated[NDArray[np.int32], "E"]
    # What passes between the parts of one step
    plan: Annotated[NDArray[np.int32], "E V"]  # slots that were looked at
    mover: Annotated[NDArray[np.int32], "E V"]  # slots that change their drivable
    # Under SUMO's law: drivers = V, lists = N, else 0
    dawdling: Annotated[NDArray[np.uint64], "E drivers"]  # random stream of its dawdling
    factor: Annotated[NDArray[np.float64], "E drivers"]  # by which it wishes to be faster than allowed
    stood: Annotated[NDArray[np.int32], "E drivers"]  # for how many steps it has stood
    clashes: Annotated[NDArray[np.int32], "E drivers"]  # step in which it came to where others cross its link
    plans: Annotated[NDArray[np.int32], "E"]  # how many of `plan` were looked at in the last step
    fetched: Annotated[NDArray[np.int32], "E"]  # nothing that means anything, see sumo_drive.py
    held: Annotated[NDArray[np.int32], "E drivers"]  # 1: in the last step a line was closed to it
    # What it notes for the rest of a step, in row desk[e]: environments that one thread plays may share one, which then
    # stays in the processor's cache
    desk: Annotated[NDArray[np.int32], "E"]
    here: Annotated[NDArray[np.float64], "E drivers"]  # next speed that is possible on its own drivable [m/s]
    timed: Annotated[NDArray[np.int32], "E drivers"]  # 1: the times of its lines are written
    lines: Annotated[NDArray[np.int32], "E drivers"]  # how many lines it looks at
    plan_ahead: Annotated[NDArray[np.float64], "E drivers 4 8"]  # SEEN ... BRAKING
    line_ahead: Annotated[NDArray[np.int32], "E drivers 4 4"]  # LINE_LINK ... NEXT_ASKS
    first_asks: Annotated[NDArray[np.int32], "E lists"]  # of a link: who comes: slot * LINES + i, or NONE
    room: Annotated[NDArray[np.float64], "E lists"]  # of a lane with vehicles: what they leave, see sumo_room.py [m]
    ends: Annotated[NDArray[np.int32], "E lists"]  # of the same: 1: what they leave ends there
    # Trips of the environment itself, by step; F = D if Settings.fresh, else 0. See Settings.trip_...
    fresh_step: Annotated[NDArray[np.int32], "E F"]
    fresh_route: Annotated[NDArray[np.int32], "E F"]
    fresh_kind: Annotated[NDArray[np.int32], "E F"]
    fresh_speed: Annotated[NDArray[np.float64], "E F"]
