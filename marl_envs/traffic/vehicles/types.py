"""Settings and state of vehicles as agents, on top of the engine's.

Dimensions besides the engine's: A agents, C conflicts that an agent sees, G streams of vehicles, K lane links, P points
of their paths, Z ordered pairs of links of one junction, T reward terms, B crosswalks, Y pedestrians on one, X gates.

A *way* is a place on the path of a link: metres from the stop line to the front bumper, negative before the line, and
beyond the link's length on the lane behind it.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.pack import joined
from marl_envs.core.rows import counted
from marl_envs.traffic.engine.types import DIS, KIND, LENGTH, NONE, PLACE, SPEED
from marl_envs.traffic.engine.types import Settings as EngineSettings
from marl_envs.traffic.engine.types import State as EngineState

__all__ = ["DIS", "KIND", "LENGTH", "NONE", "PLACE", "SPEED", "EngineSettings", "EngineState"]

# What an agent does at the moment
IDLE = 0  # it has no trip
WAITING = 1  # its trip has not begun, or it waits outside for room
DRIVING = 2
CRASHED = 3  # its vehicle stands where it crashed, or has been removed
ARRIVED = 4
# Fleet.fault, of an agent's last crash
NO_FAULT, OWN_FAULT, HIT_PEDESTRIAN = 0, 1, 2  # NONE: no crash
# Actions
KEEP, ACCELERATE, BRAKE, HARD_BRAKE = range(4)
NUM_ACTIONS = 4
TURN_ACTIONS = 3  # that follow them if the route is free: left, straight on, right at the next junction
# Kinds of conflict between two links
APART, CROSSING, MERGING, DIVERGING = range(4)
# Rules.pair_zone[z, :]: front positions of the first and of the second link between which two vehicles can touch
IN, OUT, FOE_IN, FOE_OUT = range(4)
# Fleet.conflict[e, a, c, :]: the same as distances from the fronts [m], and the times until then [s]; what the conflict
# is sorted by [s]; 1 if the agent goes first, else -1
OWN_IN, OWN_OUT, THEIR_IN, THEIR_OUT, OWN_IN_TIME, OWN_OUT_TIME, THEIR_IN_TIME, THEIR_OUT_TIME, SLACK, FIRST = range(10)
# Fleet.trip_worst[e, trip, :]: the trip's smallest TTC [s], smallest PET [s], highest DRAC [m/s2]
TTC, PET, DRAC = range(3)
# Fleet.trip_sum[e, trip, :]
LOST = 0  # [s] time lost below the ideal speed
WAITED = 1  # [s] slower than 0.1 m/s
STOPS = 2
# Fleet.counts[e, :]
COLLISIONS, OWN, WRECKS, REMOVED, NEAR_TTC, NEAR_PET, NEAR_DRAC, BACKGROUND, NO_AGENT, MASKED = range(10)
VEHICLE_STEPS, JERKY, STANDSTILL, DEADLOCK_AT, DEADLOCK_SIZE, AGENT_STEPS = range(10, 16)
WALK_HIT, WALK_CLOSE, WALKED = range(16, 19)  # of pedestrians
NOTES = ("status", "trip", "route", "due", "fault")  # in the infos
# Fleet.total[e, :]
RETURN, JERK, CO2, DRIVEN_METRES = range(4)
WALK_WAIT = 4  # [s] that pedestrians stood
# Fleet.walker[e, b, i, :]
WALK_AT = 0  # from the crosswalk's start [m]
PACE = 1  # [m/s], negative: towards the start; 0: nobody
STOOD = 2  # 1: it waited in the last step
AT_END, AT_START = 0, 1  # Rules.lane_gate[lane, :]: the crosswalks at the lane's end and at its start

REWARD_TERMS = ("progress", "delay", "collision", "near_miss", "jerk", "arrival", "pedestrian")
PROGRESS, DELAY, COLLISION, NEAR_MISS, JERK_TERM, ARRIVAL, PEDESTRIAN = range(7)
FEATURES, TABULAR, IMAGE = range(3)
INDIVIDUAL, TEAM, NEIGHBOURS = range(3)

STANDING = 0.1  # a vehicle below this speed waits [m/s]
# SUMO's device for surrogate safety measures
TTC_LIMIT = 3.0  # [s]
PET_LIMIT = 2.0  # [s]
DRAC_LIMIT = 3.0  # [m/s2]
JERK_LIMIT = 0.9  # longitudinal, for comfort [m/s3] (Bae et al. 2019, as in SMARTS)
DEADLOCK = 20.0  # without any movement, with no wreck about [s]
PATH_STEP = 0.5  # between two points of a path [m]
SETBACK = 5.0  # from a stop line to where it would be without a crosswalk [m]
PERSON = 0.25  # radius of a pedestrian [m]
BODY_ROOM = PERSON + 0.3  # between a car and the middle of somebody beside it [m]


@counted
class Rules(NamedTuple):
    """What stays fixed besides the engine's settings. Times are in engine steps unless they say otherwise."""

    # Links, numbered from 0 (drivable - lanes)
    path_first: Annotated[NDArray[np.int32], "K1"]  # its points begin here, `before` metres before the stop line
    path_x: Annotated[NDArray[np.float64], "P"]  # every PATH_STEP [m]
    path_y: Annotated[NDArray[np.float64], "P"]
    free: Annotated[NDArray[np.float64], "N"]  # speed of a vehicle alone on a drivable: limits and turns [m/s]
    lane_junction: Annotated[NDArray[np.int32], "L"]  # to which a lane leads; NONE: vehicles leave there
    link_turn: Annotated[NDArray[np.int32], "K"]  # plans.OTHER ... STRAIGHT
    # Pairs of links of one junction: row pair_first[j] + i * pair_size[j] + k for its i-th and k-th link
    pair_first: Annotated[NDArray[np.int32], "J"]
    pair_size: Annotated[NDArray[np.int32], "J"]  # links of the junction
    pair_zone: Annotated[NDArray[np.float64], "Z 4"]  # IN, OUT, FOE_IN, FOE_OUT [m]
    pair_kind: Annotated[NDArray[np.int8], "Z"]  # APART ... DIVERGING
    prior: Annotated[NDArray[np.int8], "Z"]  # 1: the first link has the right of way, -1: the second, 0: neither
    width: Annotated[NDArray[np.float64], "H"]  # of each kind of vehicle [m]
    # Streams that trips are drawn from
    stream_sum: Annotated[NDArray[np.float64], "G"]  # share of this one and all before it
    stream_route: Annotated[NDArray[np.int32], "G"]
    stream_kind: Annotated[NDArray[np.int32], "G"]
    stream_speed: Annotated[NDArray[np.float64], "G"]  # when its vehicles begin to drive [m/s]
    # A choice of route (ways.py); empty without one
    goal: Annotated[NDArray[np.int32], "W"]  # of each route
    turn_place: Annotated[NDArray[np.int32], "O L 3"]  # by goal, lane and turn: place of the way to take, or NONE
    after: Annotated[NDArray[np.float64], "Q M"]  # by place and lane: from its end to the trip's end, alone [s]
    # Crosswalks (crosswalks.py); empty without them. A gate is where one goes over a lane
    walk_line: Annotated[NDArray[np.float64], "B 5"]  # start x, y [m], unit direction, length [m]
    gate_first: Annotated[NDArray[np.int32], "B1"]  # gates of crosswalk b: gate_first[b] .. gate_first[b + 1] - 1
    gate_place: Annotated[NDArray[np.float64], "X"]  # of the lane's middle on the crosswalk [m]
    gate_way: Annotated[NDArray[np.float64], "X"]  # from the place where one stops for it to its line [m]
    lane_gate: Annotated[NDArray[np.int32], "L 2"]  # AT_END, AT_START: gate, or NONE
    # For pictures (maps.py); empty without them
    line_first: Annotated[NDArray[np.int32], "N1"]  # points of drivable d: line_first[d] .. line_first[d + 1] - 1
    line_x: Annotated[NDArray[np.float64], "P"]  # evenly along it, from its start to its end [m]
    line_y: Annotated[NDArray[np.float64], "P"]
    road_map: Annotated[NDArray[np.uint8], "Y X"]  # 1: road; rows to the north, columns to the east
    map_x: float  # its south-western corner [m]
    map_y: float
    weights: Annotated[NDArray[np.float64], "T"]
    levels: Annotated[NDArray[np.float64], "U"]  # acceleration of each action [m/s2]
    before: float  # length of a path before the stop line and behind the link [m]
    hard_brake: float  # of agents [m/s2]
    pull_up: float  # their highest acceleration [m/s2]
    comfort: float  # braking before turns [m/s2]
    reach: float  # how far agents see [m]
    noise: float  # standard deviation of what they see of others, as a share of its size
    fastest: float  # highest limit [m/s]
    slowest: float  # lowest of `free` [m/s]
    longest: float  # longest vehicle [m]
    altruism: float  # weight of the neighbours' rewards
    rate: float  # vehicles, or platoons, a step; 0: all come at the start
    background: float  # share of vehicles that the engine drives
    platoon: int  # vehicles that come together
    vehicles: int  # of an episode where all come at the start
    window: int  # in which they come then
    flow: int  # 1: agents take one trip after the other
    interval: int  # steps a decision
    clear: int  # how long a crashed vehicle stands
    conflicts: int  # C
    image_range: float  # how far a picture reaches to each side [m]
    image_size: int  # cells along a side of it
    observation: int  # FEATURES, TABULAR or IMAGE
    continuous: int  # 1: an action is an acceleration
    gate_half: float  # from a gate's middle to where nobody can be touched [m]
    walk_rate: float  # pedestrians of a crosswalk a step
    crosswalks: int  # 1: there are any
    route_choice: int  # 1: agents choose their way
    mask_unsafe: int  # 1: forbid what might end in the vehicle ahead
    share: int  # INDIVIDUAL, TEAM or NEIGHBOURS
    mask: int  # 1: write the action mask
    guided: int  # always 1: nothing is left out for speed
    autoreset: int  # 1: start the next episode in the step that ends one
    max_cycles: int  # [decisions]


@counted
class Fleet(NamedTuple):
    """What is read or written besides the engine's state; allocated once, changed in place."""

    cycle: Annotated[NDArray[np.int32], "E"]  # [decisions] since the reset
    actions: Annotated[NDArray[np.int32], "E A"]
    controls: Annotated[NDArray[np.float64], "E A"]  # continuous actions [m/s2]
    # Agents
    slot: Annotated[NDArray[np.int32], "E A"]  # their vehicle, or NONE
    status: Annotated[NDArray[np.int32], "E A"]  # IDLE ... ARRIVED
    agent_trip: Annotated[NDArray[np.int32], "E A"]  # trip, or NONE
    fault: Annotated[NDArray[np.int32], "E A"]  # of the last crash: NO_FAULT, OWN_FAULT, or NONE
    wish: Annotated[NDArray[np.float64], "E A"]  # acceleration that its action asks for [m/s2]
    seen: Annotated[NDArray[np.int32], "E A C"]  # vehicles in conflict with it, the most relevant first, or NONE
    conflict: Annotated[NDArray[np.float64], "E A C 10"]  # OWN_IN ... FIRST
    # What the last decision brought it
    term: Annotated[NDArray[np.float64], "E A T"]  # reward terms without weights
    reward: Annotated[NDArray[np.float32], "E A"]  # own, before it is shared
    home: Annotated[NDArray[np.int32], "E A"]  # junction that it was near at the last decision, or NONE
    alive: Annotated[NDArray[np.bool_], "E A"]  # it has not finished
    noise: Annotated[NDArray[np.uint64], "E"]  # random stream of what is seen amiss, made anew for each look
    # Vehicles
    agent: Annotated[NDArray[np.int32], "E V"]  # who drives it, or NONE: the engine
    clear_at: Annotated[NDArray[np.int32], "E V"]  # step in which a crashed one is removed, or NONE
    old_speed: Annotated[NDArray[np.float64], "E V"]  # before the last step [m/s]
    old_pull: Annotated[NDArray[np.float64], "E V"]  # acceleration in the last step [m/s2]
    link: Annotated[NDArray[np.int32], "E V"]  # link that `way` is a place on, or NONE
    way: Annotated[NDArray[np.float64], "E V"]  # [m]
    entered_at: Annotated[NDArray[np.int32], "E V"]  # step in which it came onto its last link
    nearby: Annotated[NDArray[np.int32], "E V"]  # the next vehicle at the same junction, or NONE
    inside: Annotated[NDArray[np.int32], "E V"]  # scratch: vehicles that cover some of a junction
    # Junctions
    first_near: Annotated[NDArray[np.int32], "E J"]  # a vehicle near it, or NONE
    left_at: Annotated[NDArray[np.float64], "E Z"]  # when a vehicle on the first link last left the zone [s]
    # Trips
    owner: Annotated[NDArray[np.int32], "E D"]  # agent it is for, NONE: the engine's, or ANYONE
    trip_sum: Annotated[NDArray[np.float32], "E D 3"]  # LOST, WAITED, STOPS
    trip_worst: Annotated[NDArray[np.float32], "E D 3"]  # TTC, PET, DRAC
    scratch: Annotated[NDArray[np.float32], "E D"]  # for metrics
    # Pedestrians, by crosswalk and slot, and gates
    walker: Annotated[NDArray[np.float64], "E B Y 3"]  # WALK_AT, PACE, STOOD
    next_walker: Annotated[NDArray[np.float64], "E B"]  # when the next one comes [steps]
    gate_in: Annotated[NDArray[np.float64], "E X"]  # until someone is in a gate [s]
    gate_out: Annotated[NDArray[np.float64], "E X"]  # until all who come have left it [s]
    bound: Annotated[NDArray[np.int32], "E X"]  # 1: a vehicle is bound to pass it
    shut: Annotated[NDArray[np.int32], "E K"]  # links closed for this step, as someone walks before them
    walked: Annotated[NDArray[np.int64], "E V"]  # trip * X + the last gate that its front has passed, or NONE
    # The episode
    ruled: Annotated[NDArray[np.int32], "E"]  # vehicles that are not DRIVEN; of those that have left, some may count
    crashed: Annotated[NDArray[np.int32], "E"]  # wrecks that stand about
    still: Annotated[NDArray[np.int32], "E"]  # [steps] for how long now no vehicle has moved
    queue_sum: Annotated[NDArray[np.int64], "E"]  # standing vehicles, summed over decisions
    queue_max: Annotated[NDArray[np.int32], "E"]
    counts: Annotated[NDArray[np.int64], "E 20"]  # COLLISIONS ... WALKED
    total: Annotated[NDArray[np.float64], "E 8"]  # RETURN ... WALK_WAIT


ANYONE = -2  # Fleet.owner: the first free agent's

State = joined("State", __name__, EngineState, Fleet)
Settings = joined("Settings", __name__, EngineSettings, Rules)
