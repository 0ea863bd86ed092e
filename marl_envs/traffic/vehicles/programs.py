"""Programs of generated layouts' lights: each green is followed by the clearance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import TURN_RIGHT


def with_clearances(network: Network) -> Network:
    """Return the network with phase 0 of each light, its clearance, after every green instead of once a cycle."""
    rows: list[int] = []
    first = [0]
    for j in range(len(network.junction_ids)):
        clearance, *greens = range(network.first_phase[j], network.first_phase[j + 1]) or [-1]
        rows += [row for green in greens for row in (green, clearance)] or [clearance] * (clearance >= 0)
        first.append(len(rows))
    table = network.green[rows], network.phase_time[rows], np.array(first, np.int32)
    for array in table:
        array.flags.writeable = False
    return replace(network, green=table[0], phase_time=table[1], first_phase=table[2])


def with_lanes_together(network: Network) -> Network:
    """Return the network with right turns that share their lanes open only where others from these lanes are.

    Generated phases open right turns always. From a lane of their own that is right; from a shared one the light would
    never close, and no phase would serve the lane more than another.
    """
    green = network.green.copy()
    movement, start = network.link_movement, network.link_start
    for j, phase in enumerate(network.first_phase[:-1].tolist()):
        rows = slice(phase, int(network.first_phase[j + 1]))
        links = np.arange(network.first_link[j], network.first_link[j + 1])
        for m in np.unique(movement[links]).tolist():
            if network.road_link_kind[m] != TURN_RIGHT:
                continue
            lanes = start[links[movement[links] == m]]
            others = links[np.isin(start[links], lanes) & (network.road_link_kind[movement[links]] != TURN_RIGHT)]
            if set(start[others].tolist()) == set(lanes.tolist()):
                first = network.first_road_link[j]
                green[rows, m - first] = green[rows][:, movement[others] - first].any(axis=1)
    green.flags.writeable = False
    return replace(network, green=green)
