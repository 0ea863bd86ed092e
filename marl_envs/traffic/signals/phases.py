"""Which phases of a network agents choose from, and what is shown in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import TURN_RIGHT

Choices = Sequence[Sequence[int]]  # of each junction, phases
Green = NDArray[np.bool_]  # [phases, road links of the junction]


@dataclass(frozen=True)
class Signal:
    """A junction with a choice of phases."""

    junction: int
    phases: tuple[int, ...]
    """The junction's phases that an agent chooses from."""
    yellow: int
    """The junction's phase that is shown between two of them."""
    red: int
    """Its phase in which nothing may go."""


def transitions(green: Green, kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which phases of a junction only lead from one to another.

    Such a phase opens nothing but road links that every phase opens, and right turns that another phase opens, too.
    (In CityFlow's data sets it is phase 0, or each second one.)

    Args:
        green: [phases, road links] what may go.
        kinds: [road links] of plans.py.
    """
    always = green.all(axis=0)
    elsewhere = green.sum(axis=0) > 1
    only: NDArray[np.bool_] = ~(green & ~(always | (elsewhere & (kinds == TURN_RIGHT)))).any(axis=1)
    return only


def arrange(network: Network, choices: Choices | None = None) -> tuple[Network, tuple[Signal, ...]]:
    """Return the network with what phases in between it lacks, and the junctions that have a choice.

    A transition phase shown as yellow is the network's own first one; where there is none, one is added that opens what
    every phase opens. A phase that opens nothing is added for all red, unless there is one.

    Args:
        network: as a file or a generator gives it.
        choices: the phases to choose from at each junction; None: all that are no transitions.
    """
    green: list[Green] = []
    times: list[NDArray[np.float64]] = []
    signals = []
    for j, (p0, p1) in enumerate(pairwise(network.first_phase.tolist())):
        width = int(network.first_road_link[j + 1] - network.first_road_link[j])
        kinds = network.road_link_kind[network.first_road_link[j] : network.first_road_link[j + 1]]
        own, time = network.green[p0:p1, :width], network.phase_time[p0:p1]
        if choices is not None:
            chosen = np.array(choices[j], np.int64)
        else:
            chosen = np.flatnonzero(~transitions(own, kinds)) if len(own) else np.zeros(0, np.int64)
        if len(chosen) > 1:
            own, time, signal = _completed(j, own, time, chosen, np.flatnonzero(transitions(own, kinds)).tolist())
            signals.append(signal)
        green.append(own)
        times.append(time)
    return _with_phases(network, green, times), tuple(signals)


def _completed(
    junction: int, own: Green, time: NDArray[np.float64], chosen: NDArray[np.int64], between: Sequence[int]
) -> tuple[Green, NDArray[np.float64], Signal]:
    """Return a junction's phases with those in between added where they are missing."""
    always, others = own[chosen].all(axis=0), [p for p in range(len(own)) if p not in chosen]
    closed = [p for p in others if not own[p].any()]
    between = [p for p in others if p in between]
    if not between:
        between = [len(own)]
        own = np.vstack([own, always])
        closed = closed or ([] if always.any() else between)
    if not closed:
        closed = [len(own)]
        own = np.vstack([own, np.zeros((1, own.shape[1]), np.bool_)])
    time = np.concatenate([time, np.zeros(len(own) - len(time))])
    return own, time, Signal(junction, tuple(chosen.tolist()), between[0], closed[0])


def _with_phases(network: Network, green: list[Green], times: list[NDArray[np.float64]]) -> Network:
    """Return the network with other phases."""
    table = np.zeros((sum(map(len, green)), network.green.shape[1]), np.bool_)
    first = np.cumsum([0, *map(len, green)]).astype(np.int32)
    for j, own in enumerate(green):
        table[first[j] : first[j + 1], : own.shape[1]] = own
    return replace(network, green=table, phase_time=np.concatenate([*times, np.zeros(0)]), first_phase=first)
