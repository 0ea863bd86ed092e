"""What signals see: vectors, or integers; and the global state. docs/traffic.md lists the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.types import COUNT, END_LANE, START_LANE
from marl_envs.traffic.signals.control import may_switch
from marl_envs.traffic.signals.types import (
    COUNTS,
    DRQ,
    GREEN,
    PRESSURE,
    SUMMARY,
    SUMO_RL,
    Control,
    EngineSettings,
    EngineState,
    Rules,
)
from marl_envs.traffic.signals.watch import near_in_phase, vehicles_at

# Steps of "tabular", each the least number of the next bin
COUNT_BINS = (1, 2, 3, 5, 8, 12, 17)  # vehicles near
TIME_BINS = (15, 25, 35, 55, 95)  # time since the switch [s]
TABULAR_STATES = (len(TIME_BINS) + 1) * (len(COUNT_BINS) + 1) ** 2
# And of "tiles", besides those
FINE_BINS = (1, 2, 3, 4, 6, 8, 10, 12, 14, 17, 20)  # vehicles near
LANE_BINS = (1, 2, 4, 6, 9, 12)  # vehicles near on one lane
TOTAL_BINS = (1, 2, 4, 7, 11, 16, 24, 34, 46)  # vehicles on all incoming lanes and outside
TILES_SIZES = (
    (len(FINE_BINS) + 1) ** 2,
    TABULAR_STATES,
    (len(TOTAL_BINS) + 1) * (len(COUNT_BINS) + 1),
    (len(LANE_BINS) + 1) ** 2 * (len(COUNT_BINS) + 1),
)
# And of "tabular_load": as fine as the rule `Threshold` where that decides
LOAD_BINS = (12, 24, 40, 70, 110)  # vehicles on all incoming lanes and outside
RATIO_BINS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)  # so many times as many near in the fullest other phase are passed
HERE_BINS = (1, 3, 5, 8, 12)  # vehicles near in the phase
TABULAR_LOAD_STATES = (len(LOAD_BINS) + 1) * (len(RATIO_BINS) + 1) * (len(HERE_BINS) + 1)
RESCO = 28.0  # what RESCO divides vehicle counts by
MOST = 9999.0  # of any number in "summary"
MOST_DRQ = 100.0  # of any number in "drq"
SUMMARY_LENGTH = 9
STATE_OF_SIGNAL = 4  # numbers in `global_state` for each signal besides its phases
STATE_OF_LANE = 3  # for each incoming lane of each signal


def vector_length(observation: int, phases: int, lanes: int, moves: int) -> int:
    """Return how many numbers a signal's own vector has; 0 for integers."""
    lengths = {
        SUMO_RL: phases + 1 + 2 * lanes,
        DRQ: phases + 4 * lanes,
        PRESSURE: phases + moves,
        COUNTS: phases + 2 + 3 * lanes,
        SUMMARY: SUMMARY_LENGTH,
    }
    return lengths.get(observation, 0)


@jit(inline=True)
def _bin(value: Any, edges: Any) -> Int:
    """Return how many of the edges a number reaches."""
    found: Int = 0
    for edge in edges:
        found += value >= edge
    return found


@jit(inline=True)
def since_switch(control: Control, settings: EngineSettings, rules: Rules, e: Int, a: Int) -> Real:
    """Return how long ago the decision for the present phase was [s]; 0 before it is green."""
    if control.stage[e, a] != GREEN:
        return 0.0
    return (control.green[e, a] + rules.yellow + rules.all_red) * settings.dt


@jit(inner=True)
def write_labels(control: Control, settings: EngineSettings, rules: Rules, label: Any, e: Int) -> None:
    """Write one integer a signal: (time since the switch, vehicles near in the phase, in the fullest other), binned."""
    bins = len(COUNT_BINS) + 1
    for a in range(label.shape[1]):
        time = _bin(since_switch(control, settings, rules, e, a), TIME_BINS)
        here = _bin(near_in_phase(control, rules, e, a, control.pending[e, a]), COUNT_BINS)
        there = _bin(near_in_phase(control, rules, e, a, control.fullest[e, a]), COUNT_BINS)
        label[e, a] = np.int32((time * bins + here) * bins + there)


@jit(inner=True)
def write_load_labels(state: EngineState, control: Control, rules: Rules, label: Any, e: Int) -> None:
    """Write one integer a signal: (vehicles at the signal, ratio of there to here, vehicles near in the phase), binned.

    Nobody here counts as half a vehicle in the ratio, so that it tells how many are there.
    """
    for a in range(label.shape[1]):
        here = near_in_phase(control, rules, e, a, control.pending[e, a])
        there = near_in_phase(control, rules, e, a, control.fullest[e, a])
        load = _bin(vehicles_at(state, control, rules, e, a), LOAD_BINS)
        ratio: Int = 0
        for edge in RATIO_BINS:
            ratio += there > edge * max(np.float64(here), 0.5)
        label[e, a] = np.int32((load * (len(RATIO_BINS) + 1) + ratio) * (len(HERE_BINS) + 1) + _bin(here, HERE_BINS))


@jit(inner=True)
def write_tiles(
    state: EngineState, control: Control, settings: EngineSettings, rules: Rules, label: Any, e: Int
) -> None:
    """Write four integers a signal side by side, each a place in a table of its own (TILES_SIZES)."""
    bins, lane_bins = len(COUNT_BINS) + 1, len(LANE_BINS) + 1
    for a in range(rules.junction.shape[0]):
        near = near_in_phase(control, rules, e, a, control.pending[e, a])
        other = near_in_phase(control, rules, e, a, control.fullest[e, a])
        time = _bin(since_switch(control, settings, rules, e, a), TIME_BINS)
        here, there = _bin(near, COUNT_BINS), _bin(other, COUNT_BINS)
        total = _bin(vehicles_at(state, control, rules, e, a), TOTAL_BINS)
        emptiest, fullest = lanes_of_phase(control, rules, e, a)
        lanes = _bin(emptiest, LANE_BINS) * lane_bins + _bin(fullest, LANE_BINS)
        at = len(TILES_SIZES) * a
        label[e, at] = np.int32(_bin(near, FINE_BINS) * (len(FINE_BINS) + 1) + _bin(other, FINE_BINS))
        label[e, at + 1] = np.int32((time * bins + here) * bins + there)
        label[e, at + 2] = np.int32(total * bins + here)
        label[e, at + 3] = np.int32(lanes * bins + there)


@jit(inline=True)
def lanes_of_phase(control: Control, rules: Rules, e: Int, a: Int) -> tuple[Int, Int]:
    """Return the vehicles near on the emptiest and on the fullest lane of signal `a`'s phase; 0, 0 without a lane."""
    emptiest, fullest = np.int64(MOST), np.int64(0)
    for i in range(rules.num_in[a]):
        if rules.counted[a, control.pending[e, a], i]:
            number = np.int64(control.near[e, rules.in_lane[a, i]])
            emptiest, fullest = min(emptiest, number), max(fullest, number)
    return min(emptiest, fullest), fullest


@jit(inner=True)
def write_vectors(
    state: EngineState, control: Control, settings: EngineSettings, rules: Rules, obs: Any, e: Int
) -> None:
    """Write each signal's vector, and behind it those of its neighbours."""
    own = rules.own_length
    for a in range(obs.shape[1]):
        for i in range(obs.shape[2]):
            obs[e, a, i] = np.float32(0.0)
        if rules.observation == SUMMARY:
            _summary(state, control, settings, rules, obs, e, a)
            continue
        obs[e, a, control.pending[e, a]] = np.float32(1.0)
        at = rules.phase_of.shape[1]
        if rules.observation == PRESSURE:
            _pressures(state, settings, rules, obs, e, a, at)
            continue
        if rules.observation == SUMO_RL or rules.observation == COUNTS:
            obs[e, a, at] = np.float32(may_switch(control, rules, e, a))
            at += 1
        if rules.observation == COUNTS:
            obs[e, a, at] = np.float32(_share(control.green[e, a] * settings.dt, 60.0))
            at += 1
        for i in range(rules.num_in[a]):
            _lane(state, control, rules, obs, e, a, at, i)
    for a in range(obs.shape[1]):
        if obs.shape[2] > own:
            for b in range(rules.num_near[a]):
                for i in range(own):
                    obs[e, a, own * (1 + b) + i] = obs[e, rules.near_agent[a, b], i]


@jit(inline=True)
def _share(number: Real, most: Real) -> Real:
    """Return `number` as a share of `most`, at most 1."""
    return min(1.0, number / most)


@jit(inline=True)
def _lane(state: EngineState, control: Control, rules: Rules, obs: Any, e: Int, a: Int, at: Int, i: Int) -> None:
    """Write what is seen of signal `a`'s `i`-th incoming lane; numbers of one kind stand side by side."""
    lane, lanes = rules.in_lane[a, i], rules.in_lane.shape[1]
    room, near_room = rules.room[lane], rules.near_room[lane]
    near, standing = control.near[e, lane], control.near_standing[e, lane]
    if rules.observation == SUMO_RL:
        obs[e, a, at + i] = np.float32(_share(state.on[e, lane, COUNT], room))
        obs[e, a, at + lanes + i] = np.float32(_share(control.standing[e, lane], room))
    elif rules.observation == DRQ:
        numbers = (
            (near - standing) / RESCO,
            control.near_waited[e, lane] / RESCO,
            standing / RESCO,
            control.near_speed[e, lane] / 20.0 / RESCO,
        )
        for k in range(4):
            shown: Real = min(MOST_DRQ, numbers[k])
            obs[e, a, at + k * lanes + i] = np.float32(shown)
    else:
        obs[e, a, at + i] = np.float32(_share(near, near_room))
        obs[e, a, at + lanes + i] = np.float32(_share(standing, near_room))
        obs[e, a, at + 2 * lanes + i] = np.float32(_share(control.outside[e, lane], room))


@jit(inline=True)
def _pressures(state: EngineState, settings: EngineSettings, rules: Rules, obs: Any, e: Int, a: Int, at: Int) -> None:
    """Write the mean over each movement's lane links of how full the lane before is minus the one behind."""
    junction, lanes = rules.junction[a], rules.room.shape[0]
    first, last = settings.link_first[junction], settings.link_first[junction + 1]
    for m in range(rules.num_moves[a]):
        total, links = 0.0, 0
        for d in range(first, last):
            if rules.link_move[d - lanes] == m:
                before, behind = settings.drivable[d, START_LANE], settings.drivable[d, END_LANE]
                total += _share(state.on[e, before, COUNT], rules.room[before])
                total -= _share(state.on[e, behind, COUNT], rules.room[behind])
                links += 1
        if links > 0:
            obs[e, a, at + m] = np.float32(total / links)


@jit(inline=True)
def _summary(
    state: EngineState, control: Control, settings: EngineSettings, rules: Rules, obs: Any, e: Int, a: Int
) -> None:
    phase, other = control.pending[e, a], control.fullest[e, a]
    emptiest, fullest = lanes_of_phase(control, rules, e, a)
    numbers = (
        np.float64(near_in_phase(control, rules, e, a, phase)),
        np.float64(near_in_phase(control, rules, e, a, other)),
        np.float64(vehicles_at(state, control, rules, e, a)),
        np.float64(emptiest),
        np.float64(fullest),
        since_switch(control, settings, rules, e, a),
        np.float64(may_switch(control, rules, e, a)),
        np.float64(phase),
        np.float64(other),
    )
    for k in range(len(numbers)):
        obs[e, a, k] = np.float32(min(MOST, numbers[k]))


@jit(inner=True)
def global_state(
    state: EngineState, control: Control, settings: EngineSettings, rules: Rules, dest: Any, e: Int
) -> None:
    """Write the whole state of environment `e` as numbers in [0, 1]; docs/traffic.md lists them."""
    elapsed: Real = min(control.cycle[e] / rules.max_cycles, 1.0)
    dest[e, 0] = np.float32(elapsed)
    at = 1
    for lane in range(rules.room.shape[0]):
        dest[e, at + lane] = np.float32(_share(state.on[e, lane, COUNT], rules.room[lane]))
    at += rules.room.shape[0]
    phases, lanes = rules.phase_of.shape[1], rules.in_lane.shape[1]
    for a in range(rules.junction.shape[0]):
        dest[e, at + control.pending[e, a]] = np.float32(1.0)
        dest[e, at + phases + control.stage[e, a]] = np.float32(1.0)
        dest[e, at + phases + 3] = np.float32(_share(control.green[e, a] * settings.dt, 120.0))
        at += phases + STATE_OF_SIGNAL
        for i in range(rules.num_in[a]):
            lane = rules.in_lane[a, i]
            mean = control.pace[e, lane] / state.on[e, lane, COUNT] if state.on[e, lane, COUNT] > 0 else 1.0
            dest[e, at + STATE_OF_LANE * i] = np.float32(_share(control.standing[e, lane], rules.room[lane]))
            dest[e, at + STATE_OF_LANE * i + 1] = np.float32(_share(control.outside[e, lane], rules.room[lane]))
            dest[e, at + STATE_OF_LANE * i + 2] = np.float32(mean)
        at += STATE_OF_LANE * lanes
