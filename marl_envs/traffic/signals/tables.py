"""From a network and its signals to the tables of `Rules`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.network import Network
from marl_envs.traffic.signals.observe import vector_length
from marl_envs.traffic.signals.phases import Signal
from marl_envs.traffic.signals.types import (
    ACTIONS,
    NONE,
    OBSERVATIONS,
    REWARD_TERMS,
    REWARDS,
    SPACE,
    Params,
    Rules,
)


def make_rules(params: Params, network: Network, signals: Sequence[Signal], sets: int) -> Rules:
    """Return the tables and numbers for these parameters."""
    tables = _tables(network, signals)
    lengths = network.length[: network.num_lanes]
    phases, lanes = tables["phase_of"].shape[1], tables["in_lane"].shape[1]
    observation = OBSERVATIONS.index(params.observation)
    moves = int(tables["num_moves"].max())
    return Rules(
        **tables,
        room=np.maximum(1.0, lengths / SPACE),
        near_room=np.maximum(1.0, np.minimum(lengths, params.detector_range) / SPACE),
        durations=np.array([params.steps("durations", d) for d in params.durations], np.int32),
        weights=np.array([float(params.reward_weights.get(term, 0.0)) for term in REWARD_TERMS]),
        detector_range=float(params.detector_range),
        neighbour_weight=float(params.neighbour_weight),
        actions=ACTIONS.index(params.actions),
        observation=observation,
        own_length=vector_length(observation, phases, lanes, moves),
        share=REWARDS.index(params.reward),
        interval=params.steps("decision_interval", params.decision_interval),
        yellow=params.steps("yellow", params.yellow),
        all_red=params.steps("all_red", params.all_red),
        min_green=params.steps("min_green", params.min_green),
        max_green=0 if params.max_green is None else params.steps("max_green", params.max_green),
        warmup=params.steps("warmup", params.warmup),
        sets=sets,
        mask=int(params.mask is not None),
        guided=1,
        autoreset=1,
        max_cycles=params.max_cycles,
    )


def _padded(rows: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    """Return lists of different lengths as one table, NONE behind their ends."""
    table = np.full((len(rows), max(1, *map(len, rows)) if rows else 1), NONE, np.int32)
    for k, row in enumerate(rows):
        table[k, : len(row)] = row
    return table


def _counts(rows: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    return np.array([len(row) for row in rows], np.int32)


def lanes_of(network: Network, roads: Sequence[int]) -> list[int]:
    """Return the lanes of some roads, in order."""
    return [lane for r in roads for lane in range(network.first_lane[r], network.first_lane[r + 1])]


def _tables(network: Network, signals: Sequence[Signal]) -> dict[str, Any]:
    agent_at = {signal.junction: a for a, signal in enumerate(signals)}
    ins, outs, near = [], [], []
    for signal in signals:
        roads = network.junction_roads[signal.junction]
        arriving = [r for r in roads if network.road_end[r] == signal.junction]
        leaving = [r for r in roads if network.road_start[r] == signal.junction]
        ins.append(lanes_of(network, arriving))
        outs.append(lanes_of(network, leaving))
        others = [agent_at.get(int(network.road_start[r]), NONE) for r in arriving]
        near.append([b for b in dict.fromkeys(others) if b != NONE])
    in_lane, phase_of = _padded(ins), _padded([signal.phases for signal in signals])
    serves = np.zeros((*phase_of.shape, in_lane.shape[1]), np.uint8)
    for a, signal in enumerate(signals):
        for p, phase in enumerate(signal.phases):
            served = _served(network, signal.junction, phase)
            serves[a, p, : len(ins[a])] = [lane in served for lane in ins[a]]
    every = np.array([serves[a, : len(signal.phases)].all(axis=0) for a, signal in enumerate(signals)])
    first_move = np.repeat(network.first_road_link[:-1], np.diff(network.first_link))
    return {
        "junction": np.array([signal.junction for signal in signals], np.int32),
        "num_phases": _counts([signal.phases for signal in signals]),
        "phase_of": phase_of,
        "yellow_phase": np.array([signal.yellow for signal in signals], np.int32),
        "red_phase": np.array([signal.red for signal in signals], np.int32),
        "num_in": _counts(ins),
        "in_lane": in_lane,
        "num_out": _counts(outs),
        "out_lane": _padded(outs),
        "serves": serves,
        "counted": (serves & ~every[:, None].astype(bool)).astype(np.uint8),
        "num_moves": np.diff(network.first_road_link)[[signal.junction for signal in signals]].astype(np.int32),
        "link_move": (network.link_movement - first_move).astype(np.int32),
        "num_near": _counts(near),
        "near_agent": _padded(near),
    }


def _served(network: Network, junction: int, phase: int) -> set[int]:
    """Return the lanes that a phase lets go somewhere."""
    row = network.green[network.first_phase[junction] + phase]
    links = range(network.first_link[junction], network.first_link[junction + 1])
    first = network.first_road_link[junction]
    return {int(network.link_start[k]) for k in links if row[network.link_movement[k] - first]}
