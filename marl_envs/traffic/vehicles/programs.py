"""Programs of generated layouts' lights: each green is followed by the clearance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marl_envs.traffic.network import Network


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
