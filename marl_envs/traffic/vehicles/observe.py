"""What agents see: a vector of features, or one integer; and the state as numbers (docs/intersection.md has tables)."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.core.random import draw_unit
from marl_envs.traffic.engine.types import COUNT, END_LANE, JUNCTION, LANE_INDEX, OPEN
from marl_envs.traffic.vehicles.conflicts import link_ahead, margin
from marl_envs.traffic.vehicles.fleet import is_allowed, leader_level, leader_of
from marl_envs.traffic.vehicles.image import LAYERS
from marl_envs.traffic.vehicles.lookout import OF_WALKS, see_walks, walk_level
from marl_envs.traffic.vehicles.motion import free_speed, stop_level, stopping
from marl_envs.traffic.vehicles.poses import pair_of
from marl_envs.traffic.vehicles.turning import OF_ROUTE, quicker_turn, see_turns
from marl_envs.traffic.vehicles.types import (
    DIS,
    DRIVING,
    FIRST,
    IMAGE,
    LENGTH,
    LOST,
    MERGING,
    NONE,
    OWN_IN_TIME,
    OWN_OUT_TIME,
    PACE,
    PLACE,
    SPEED,
    STANDING,
    STOOD,
    THEIR_IN,
    THEIR_IN_TIME,
    THEIR_OUT_TIME,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

# "features"
OF_SELF, OF_LEADER, OF_CONFLICT = 12, 3, 12
MOST_TIME = 20.0  # what times are divided by [s]
MOST_LOST = 60.0  # [s]
MOST_LANES = 8.0
# "tabular": 0 nothing to decide; then, without conflict, speed and leader; then with one
SLACKS, RIGHTS, FOES, LEVELS, SPEEDS, LEADERS = 6, 2, 3, 6, 5, 5
FIRST_CONFLICT = 1 + SPEEDS * LEADERS
TABULAR_STATES = FIRST_CONFLICT + SLACKS * RIGHTS * FOES * LEVELS * SPEEDS * LEADERS
SPEED_BINS = (0.5, 4.0, 8.0, 12.0)  # [m/s]
WIDE, NARROW = 1.5, 0.3  # margins [s]
# The global state
STATE_OF_AGENT, STATE_OF_LANE, STATE_OF_WALK = 12, 2, 2


def vector_length(rules: Any) -> int:
    """Return how many numbers an agent sees."""
    if rules.observation == IMAGE:
        return (LAYERS if rules.crosswalks else LAYERS - 1) * int(rules.image_size) ** 2
    more = OF_ROUTE * rules.route_choice + OF_WALKS * rules.crosswalks
    return OF_SELF + OF_LEADER + OF_CONFLICT * int(rules.conflicts) + int(more)


def state_length(rules: Any, agents: int) -> int:
    """Return how many numbers the global state has."""
    lanes, walks = len(rules.lane_junction), len(rules.walk_line)
    return 1 + STATE_OF_AGENT * agents + STATE_OF_LANE * lanes + STATE_OF_WALK * walks


@jit(inner=True)
def write_mask(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, mask: Any, e: Int) -> None:
    """Write which actions are allowed."""
    for a in range(mask.shape[1]):
        for n in range(mask.shape[2]):
            mask[e, a, n] = np.int8(is_allowed(state, fleet, settings, rules, e, a, n))


@jit(inner=True)
def write_labels(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, label: Any, e: Int) -> None:
    """Write one integer an agent."""
    for a in range(label.shape[1]):
        label[e, a] = np.int32(_label(state, fleet, settings, rules, e, a)) if fleet.status[e, a] == DRIVING else 0


@jit(inline=True)
def _label(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, a: Int) -> Int:
    v = fleet.slot[e, a]
    speed = state.motion[e, v, SPEED]
    fast = np.int64(0)
    for edge in SPEED_BINS:
        fast += speed >= edge
    leader = leader_level(state, settings, rules, e, v)
    if rules.crosswalks:
        leader = max(leader, walk_level(state, fleet, settings, rules, e, v, np.bool_(False)))
    own = fast * LEADERS + leader
    more = quicker_turn(state, settings, rules, e, v) * TABULAR_STATES if rules.route_choice else np.int64(0)
    if fleet.seen[e, a, 0] == NONE:
        return more + 1 + own
    _, way = link_ahead(state, settings, rules, fleet, e, v, state.vehicle[e, v, PLACE])
    level = np.int64(5) if way > 0.0 else np.int64(0)
    if way <= 0.0:
        level = stop_level(settings, rules, speed, -way)
    slack = _slack_bin(fleet, e, a)
    right = fleet.conflict[e, a, 0, FIRST] > 0.0
    foe = _foe_state(state, fleet, settings, rules, e, a)
    return more + FIRST_CONFLICT + (((slack * RIGHTS + right) * FOES + foe) * LEVELS + level) * SPEEDS * LEADERS + own


@jit(inline=True)
def _slack_bin(fleet: Fleet, e: Int, a: Int) -> Int:
    """Return the margin of the first conflict, binned: 0, 1 the agent is first; 2, 3 the other; 4, 5 overlap."""
    t_in, t_out = fleet.conflict[e, a, 0, OWN_IN_TIME], fleet.conflict[e, a, 0, OWN_OUT_TIME]
    s_in, s_out = fleet.conflict[e, a, 0, THEIR_IN_TIME], fleet.conflict[e, a, 0, THEIR_OUT_TIME]
    first, empty = t_in <= s_in, margin(t_in, t_out, s_in, s_out)
    if empty < NARROW:
        return np.int64(4) + (not first)
    return (np.int64(0) if first else np.int64(2)) + (empty < WIDE)


@jit(inline=True)
def _foe_state(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, a: Int) -> Int:
    """Return what the other vehicle of the first conflict does: 0 stands, 1 can still stop before it, 2 cannot."""
    speed = state.motion[e, fleet.seen[e, a, 0], SPEED]
    if speed < STANDING:
        return np.int64(0)
    return np.int64(1) + (fleet.conflict[e, a, 0, THEIR_IN] <= stopping(rules, speed, settings.dt))


@jit(inline=True)
def conflict_pair(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, a: Int, c: Int
) -> Int:
    """Return the row of `Rules.pair_zone` of a conflict that agent `a` sees."""
    v, u = fleet.slot[e, a], fleet.seen[e, a, c]
    link, _ = link_ahead(state, settings, rules, fleet, e, v, state.vehicle[e, v, PLACE])
    foe_link, _ = link_ahead(state, settings, rules, fleet, e, u, state.vehicle[e, u, PLACE])
    return pair_of(settings, rules, settings.drivable[link + rules.lane_junction.shape[0], JUNCTION], link, foe_link)


@jit(inline=True)
def _clip(value: Real) -> Real:
    return np.float32(min(1.0, max(-1.0, value)))


@jit(inner=True)
def write_vectors(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, noise: Any, obs: Any, e: Int
) -> None:
    """Write each agent's features; `noise` is a random stream of which nothing else depends."""
    for a in range(obs.shape[1]):
        for i in range(obs.shape[2]):
            obs[e, a, i] = np.float32(0.0)
        if fleet.status[e, a] != DRIVING:
            continue
        _see_self(state, fleet, settings, rules, obs, e, a)
        _see_leader(state, fleet, settings, rules, obs, e, a)
        for c in range(fleet.seen.shape[2]):
            if fleet.seen[e, a, c] != NONE:
                _see_conflict(state, fleet, settings, rules, obs, e, a, c)
        if rules.noise > 0.0:
            _blur(rules, noise, obs, e, a)
        if rules.route_choice:
            see_turns(
                state, settings, rules, obs, e, a, fleet.slot[e, a], OF_SELF + OF_LEADER + OF_CONFLICT * rules.conflicts
            )
        if rules.crosswalks:
            see_walks(state, fleet, settings, rules, obs, e, a, obs.shape[2] - OF_WALKS)


@jit(inline=True)
def _see_self(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, obs: Any, e: Int, a: Int
) -> None:
    v, lanes = fleet.slot[e, a], rules.lane_junction.shape[0]
    d = state.vehicle[e, v, PLACE]
    lane = settings.drivable[d, END_LANE] == NONE
    link, way = link_ahead(state, settings, rules, fleet, e, v, d)
    if link == NONE:
        way = rules.reach
    obs[e, a, 0] = _clip(state.motion[e, v, SPEED] / rules.fastest)
    obs[e, a, 1] = _clip(way / rules.reach)
    obs[e, a, 2] = np.float32(not lane)
    obs[e, a, 3] = _clip(free_speed(state, settings, rules, e, v, 0.0) / rules.fastest)
    if link != NONE:
        obs[e, a, 4 + rules.link_turn[link]] = np.float32(1.0)
        obs[e, a, 8] = np.float32(state.on[e, link + lanes, OPEN])
    obs[e, a, 9] = _clip(settings.drivable[d, LANE_INDEX] / MOST_LANES)
    obs[e, a, 10] = _clip(fleet.old_pull[e, v] / rules.hard_brake)
    obs[e, a, 11] = _clip(fleet.trip_sum[e, state.trip[e, v], LOST] / MOST_LOST)


@jit(inline=True)
def _see_leader(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, obs: Any, e: Int, a: Int
) -> None:
    u, gap = leader_of(state, settings, e, fleet.slot[e, a])
    if u != NONE and gap <= rules.reach:
        obs[e, a, OF_SELF] = np.float32(1.0)
        obs[e, a, OF_SELF + 1] = _clip(gap / rules.reach)
        obs[e, a, OF_SELF + 2] = _clip(state.motion[e, u, SPEED] / rules.fastest)


@jit(inline=True)
def _see_conflict(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, obs: Any, e: Int, a: Int, c: Int
) -> None:
    at = OF_SELF + OF_LEADER + OF_CONFLICT * c
    u, z = fleet.seen[e, a, c], conflict_pair(state, fleet, settings, rules, e, a, c)
    obs[e, a, at] = np.float32(1.0)
    obs[e, a, at + 1] = np.float32(fleet.conflict[e, a, c, FIRST])
    obs[e, a, at + 2] = np.float32(rules.pair_kind[z] == MERGING)
    for i in range(4):  # distances
        obs[e, a, at + 3 + i] = _clip(fleet.conflict[e, a, c, i] / rules.reach)
    times = (OWN_IN_TIME, OWN_OUT_TIME, THEIR_IN_TIME, THEIR_OUT_TIME)
    obs[e, a, at + 7] = _clip(fleet.conflict[e, a, c, OWN_IN_TIME] / MOST_TIME)
    obs[e, a, at + 8] = _clip(fleet.conflict[e, a, c, THEIR_IN_TIME] / MOST_TIME)
    t_in, t_out = fleet.conflict[e, a, c, times[0]], fleet.conflict[e, a, c, times[1]]
    s_in, s_out = fleet.conflict[e, a, c, times[2]], fleet.conflict[e, a, c, times[3]]
    obs[e, a, at + 9] = _clip(margin(t_in, t_out, s_in, s_out) / MOST_TIME)
    obs[e, a, at + 10] = _clip(state.motion[e, u, SPEED] / rules.fastest)
    obs[e, a, at + 11] = _clip(fleet.old_pull[e, u] / rules.hard_brake)


@jit(inline=True)
def _blur(rules: Rules, noise: Any, obs: Any, e: Int, a: Int) -> None:
    """Add normal noise to what is measured of others: all but whether they are there and what the rules say."""
    for i in range(OF_SELF, OF_SELF + OF_LEADER + OF_CONFLICT * rules.conflicts):
        conflict = i >= OF_SELF + OF_LEADER
        k = (i - OF_SELF - OF_LEADER) % OF_CONFLICT if conflict else i - OF_SELF
        there = obs[e, a, i - k] > 0.0
        if there and k >= (3 if conflict else 1):
            radius = np.sqrt(-2.0 * np.log(1.0 - draw_unit(noise, e)))
            obs[e, a, i] = _clip(obs[e, a, i] + rules.noise * radius * np.cos(2.0 * np.pi * draw_unit(noise, e)))


@jit(inner=True)
def global_state(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, dest: Any, e: Int) -> None:
    """Write the state of environment `e` as numbers in [-1, 1]; docs/intersection.md lists them."""
    elapsed: Real = min(fleet.cycle[e] / rules.max_cycles, 1.0)
    dest[e, 0] = np.float32(elapsed)
    at = 1
    for a in range(fleet.slot.shape[1]):
        dest[e, at + fleet.status[e, a]] = np.float32(1.0)
        v = fleet.slot[e, a]
        if v != NONE:
            d = state.vehicle[e, v, PLACE]
            link, way = link_ahead(state, settings, rules, fleet, e, v, d)
            dest[e, at + 5] = _clip(state.motion[e, v, SPEED] / rules.fastest)
            dest[e, at + 6] = _clip(state.motion[e, v, DIS] / settings.measure[d, LENGTH])
            dest[e, at + 7] = np.float32(d / settings.measure.shape[0])
            if link != NONE:
                dest[e, at + 8] = _clip(way / rules.reach)
                dest[e, at + 9] = np.float32(rules.link_turn[link] / 3.0)
                dest[e, at + 10] = np.float32(state.on[e, link + rules.lane_junction.shape[0], OPEN])
            dest[e, at + 11] = _clip(fleet.old_pull[e, v] / rules.hard_brake)
        at += STATE_OF_AGENT
    for lane in range(rules.lane_junction.shape[0]):
        room = settings.measure[lane, LENGTH] / 7.5
        dest[e, at] = _clip(state.on[e, lane, COUNT] / max(room, 1.0))
        dest[e, at + 1] = np.float32(state.first_waiting[e, lane] != NONE)
        at += STATE_OF_LANE
    for b in range(fleet.walker.shape[1]):
        for i in range(fleet.walker.shape[2]):
            if fleet.walker[e, b, i, PACE] != 0.0:
                dest[e, at] += np.float32(1.0 / fleet.walker.shape[2])
                dest[e, at + 1] += np.float32(fleet.walker[e, b, i, STOOD] / fleet.walker.shape[2])
        dest[e, at], dest[e, at + 1] = min(dest[e, at], np.float32(1.0)), min(dest[e, at + 1], np.float32(1.0))
        at += STATE_OF_WALK
