"""Signal programs of SUMO networks: which letters mean green, and which phases an agent may choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marl_envs.core.params import ParameterError
from marl_envs.traffic.network import Network

# Letters of a signal state: green with and without right of way, and switched off
GREEN = frozenset("GgOo")
# Red, yellow, and red with yellow: closed; who can no longer stop drives on
CLOSED = frozenset("ryu")
PERMANENT = "O"  # of a connection without a signal
_TYPES = ("static", "actuated", "delay_based")


@dataclass(frozen=True)
class Program:
    """A signal program as the file has it; it may cover several junctions."""

    id: str
    """Of the signal."""
    name: str
    """Of the program."""
    offset: float
    """Phase 0 begins at this time, and a cycle before and after it [s]."""
    times: tuple[float, ...]
    """[P] how long each phase lasts [s]."""
    states: tuple[str, ...]
    """[P] a letter for each connection, by link index."""

    def letters(self, index: int) -> str:
        """Return the letters of one connection, a phase each."""
        return "".join(state[index] for state in self.states)


def read_programs(net: Any, names: dict[str, str], where: str) -> dict[str, Program]:
    """Return the program of each signal of a network that sumolib has read.

    Args:
        net: sumolib's network.
        names: which program of a signal to take; the file's last one where a signal is not named.
        where: the file, for messages.

    Raises:
        ParameterError: a signal without program or an unknown one, no phases, a kind of program or a letter that is not
            supported, states of different lengths, a negative time.
    """
    programs = {}
    for signal in net.getTrafficLights():
        known = signal.getPrograms()
        place = f"{where}: <tlLogic> {signal.getID()!r}"
        if not known:
            raise ParameterError(f"{place}: the file has connections with this signal but no program for it")
        name = names.get(signal.getID(), next(reversed(known)))
        if name not in known:
            raise ParameterError(f"{place}: there is no program {name!r}; there are {', '.join(map(repr, known))}")
        programs[signal.getID()] = _program(signal.getID(), name, known[name], f"{place}, program {name!r}")
    for name in names:
        if name not in programs:
            raise ParameterError(f"{where}: there is no signal {name!r}; there are {', '.join(map(repr, programs))}")
    return programs


def _program(signal: str, name: str, given: Any, place: str) -> Program:
    phases = given.getPhases()
    if given.getType() not in _TYPES:
        raise ParameterError(f"{place}: type {given.getType()!r} is not supported; allowed are {', '.join(_TYPES)}")
    if not phases:
        raise ParameterError(f"{place} has no phases; at least one is needed")
    for k, phase in enumerate(phases):
        if len(phase.state) != len(phases[0].state):
            raise ParameterError(
                f"{place}: phase {k} has {len(phase.state)} letters, but phase 0 has {len(phases[0].state)}"
            )
        for letter in phase.state:
            if letter not in GREEN | CLOSED:
                allowed = " ".join(sorted(GREEN | CLOSED))
                raise ParameterError(f"{place}: phase {k}: letter {letter!r} is not supported; allowed are {allowed}")
        if not 0.0 <= phase.duration < 1e9:
            raise ParameterError(f"{place}: phase {k}: duration must be at least 0, not {phase.duration!r}")
        if phase.next and list(phase.next) != [(k + 1) % len(phases)]:
            raise ParameterError(f"{place}: phase {k}: `next` is supported only for the phase that follows")
    times = tuple(float(phase.duration) for phase in phases)
    if sum(times) <= 0.0:
        raise ParameterError(f"{place}: the durations of its phases must not all be 0")
    return Program(signal, name, float(given._offset), times, tuple(phase.state for phase in phases))


def green_phases(states: Sequence[str]) -> tuple[int, ...]:
    """Return the phases that an agent may choose: something is green, nothing yellow, and no other phase is the same.

    Sources: sumo-rl takes the same ones from a program, and puts its own yellow between them.
    """
    chosen: dict[str, int] = {}
    for p, state in enumerate(states):
        if "y" not in state and "u" not in state and GREEN & set(state):
            chosen.setdefault(state, p)
    return tuple(chosen.values())


def program_at(network: Network, junction: int, offset: float, time: float) -> tuple[int, float]:
    """Return which phase the junction's own program shows at `time` [s], and how long it will last from then on [s]."""
    first, last = network.first_phase[junction], network.first_phase[junction + 1]
    ends = np.cumsum(network.phase_time[first:last])
    now = (time - offset) % ends[-1]
    phase = int(np.searchsorted(ends, now, side="right"))
    return phase, float(ends[phase] - now)
