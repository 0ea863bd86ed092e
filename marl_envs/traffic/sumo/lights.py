"""What SUMO's signals show: letters for the phases of our law."""

from __future__ import annotations

from typing import Any

from marl_envs.core.params import ParameterError
from marl_envs.traffic.formats.sumo import SumoNetwork
from marl_envs.traffic.formats.sumo_signals import GREEN as GREEN_LETTERS
from marl_envs.traffic.network import Network
from marl_envs.traffic.plans import TURN_RIGHT
from marl_envs.traffic.signals.types import GREEN, YELLOW, Rules
from marl_envs.traffic.sumo.places import LinkIds


class Lights:
    """Shows the agents' phases in SUMO.

    A phase of the file has the file's letters. One of our own shows `g` to a movement that must give way to another
    one that is open, and to right turns that go in every phase, else `G`. While a signal changes, what closes is
    yellow, then red, and what stays open in between keeps its letter.
    """

    def __init__(self, sumo: Any, town: SumoNetwork, network: Network, rules: Rules, links: LinkIds, own: bool) -> None:
        """Make the letters of every phase.

        Args:
            sumo: the module libsumo, with the network loaded.
            town: as our reader has it.
            network: the same with the phases that agents use.
            rules: who controls what.
            links: our lane links by SUMO's lanes.
            own: whether the agents' phases are the file's.

        Raises:
            ParameterError: a junction has no signal in the file.
        """
        self._sumo, self._rules = sumo, rules
        pairs = zip(rules.junction.tolist(), rules.yellow_phase.tolist(), strict=True)
        self._signals = [_Signal(sumo, town, _Junction(network, j, yellow), links, own) for j, yellow in pairs]
        self._of: dict[str, list[int]] = {}
        for a, signal in enumerate(self._signals):
            self._of.setdefault(signal.id, []).append(a)
        self._shown: dict[str, str] = {}

    def show(self, control: Any) -> None:
        """Show what environment 0 of `control`, State or a part of it, says for the coming step."""
        for name, agents in self._of.items():
            letters = self._letters(control, agents[0])
            for a in agents[1:]:
                mine, own = self._letters(control, a), self._signals[a].own
                letters = [one if i in own else other for i, (one, other) in enumerate(zip(mine, letters, strict=True))]
            text = "".join(letters)
            if self._shown.get(name) != text:
                self._sumo.trafficlight.setRedYellowGreenState(name, text)
                self._shown[name] = text

    def _letters(self, control: Any, a: int) -> list[str]:
        signal, rules = self._signals[a], self._rules
        shown = signal.letters[control.phase[0, rules.junction[a]]]
        if control.stage[0, a] == GREEN:
            return shown
        before = signal.letters[rules.phase_of[a, control.current[0, a]]]
        closing = "y" if control.stage[0, a] == YELLOW else "r"
        return [
            now if now in GREEN_LETTERS else closing if was in GREEN_LETTERS else "r"
            for now, was in zip(shown, before, strict=True)
        ]


class _Junction:
    """Which lane links of a junction are open in its phases."""

    def __init__(self, network: Network, j: int, yellow: int) -> None:
        self.network, self.j = network, j
        self.links = range(network.first_link[j], network.first_link[j + 1])
        kinds = network.road_link_kind[network.link_movement]
        self.aside = {k for k in self.open_in(yellow) if kinds[k] == TURN_RIGHT}
        """Right turns that go in every phase, and give way."""

    def open_in(self, phase: int) -> set[int]:
        """Return the lane links that are open in a phase."""
        first = self.network.first_road_link[self.j]
        row = self.network.green[self.network.first_phase[self.j] + phase]
        return {k for k in self.links if row[self.network.link_movement[k] - first]}


class _Signal:
    """One junction's part of a signal."""

    def __init__(self, sumo: Any, town: SumoNetwork, junction: _Junction, links: LinkIds, own: bool) -> None:
        network, j = junction.network, junction.j
        name = town.programs[j]
        if name is None:
            raise ParameterError(
                f"junction {network.junction_ids[j]!r} has no signal in the file, so SUMO cannot show its phases"
            )
        self.id = name
        groups = [[links[pair[:2]] for pair in group if pair[:2] in links] for group in _controlled(sumo, name)]
        self.own = {i for i, group in enumerate(groups) if any(k in junction.links for k in group)}
        """Which letters are this junction's."""
        states = _program(sumo, name) if own else []
        self.letters = [
            list(states[p]) if p < len(states) else [_letter(town, junction, p, group) for group in groups]
            for p in range(network.num_phases(j))
        ]
        """Of each of the junction's phases."""


def _controlled(sumo: Any, name: str) -> Any:
    """Return for each letter of a signal the connections (from lane, to lane, inner lane) that it stands for."""
    return sumo.trafficlight.getControlledLinks(name)


def _program(sumo: Any, name: str) -> list[str]:
    """Return the states of the program that runs."""
    running = sumo.trafficlight.getProgram(name)
    logics = sumo.trafficlight.getAllProgramLogics(name)
    return [phase.state for logic in logics if logic.programID == running for phase in logic.phases]


def _letter(town: SumoNetwork, junction: _Junction, phase: int, group: list[int]) -> str:
    """Return the letter of some lane links of one signal in a phase that is not the file's."""
    is_open = junction.open_in(phase)
    mine = is_open.intersection(group)
    if not mine:
        return "r"
    others = is_open - junction.aside
    ranks = zip(junction.network.cross_links.tolist(), town.cross_rank.tolist(), strict=True)
    yields = any(
        (x in mine and y in others and rank_x < rank_y) or (y in mine and x in others and rank_y < rank_x)
        for (x, y), (rank_x, rank_y) in ranks
    )
    return "g" if yields or mine <= junction.aside else "G"
