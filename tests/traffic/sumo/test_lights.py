"""What SUMO's signals show."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.traffic.rilsa import rilsa, rilsa_files
from marl_envs.traffic.sumo import vector_env
from marl_envs.traffic.sumo.process import library
from tests.traffic.sumo.rilsa_files import network_file, play, route_file, trips_in


class Keep:
    """Keeps the phase, but changes to the next one at some decisions."""

    def __init__(self, at=()):
        self.at, self.count = set(at), 0

    def reset(self, seed):
        self.count = 0

    def act(self, vec, obs):
        now = vec.arrays.pending.astype(np.int64)
        self.count += 1
        return (now + 1) % vec.action_space.n if self.count - 1 in self.at else now


def states_of(vec, policy, decisions):
    """Return the letters that were shown in each step (decisions are steps)."""
    policy.reset(0)
    obs, _ = vec.reset(seed=0)
    found = []
    for _ in range(decisions):
        obs, *_ = vec.step(policy.act(vec, obs))
        found.append(library().trafficlight.getRedYellowGreenState("0"))
    return found


@pytest.fixture
def made():
    """A function that makes environments, of which the last is closed in the end."""
    opened = []

    def make(**parameters):
        opened.append(vector_env(demand_sets=1, decision_interval=1.0, min_green=1.0, **parameters))
        return opened[-1]

    yield make
    for vec in opened:
        vec.close()


def test_letters_of_a_change(made):
    vec = made(network="rilsa", demand="rilsa", yellow=3.0, all_red=2.0)
    shown = states_of(vec, Keep([10]), 20)
    first, second = (file_states("own")[p] for p in rilsa().choices[0])
    assert set(shown[:10]) == {first}
    closing = "".join("y" if letter in "Gg" else "r" for letter in first)
    assert shown[10:13] == [closing] * 3
    assert shown[13:15] == ["r" * len(first)] * 2
    assert shown[15:] == [second] * 5


def file_states(program):
    with rilsa_files() as (network, plans):
        import sumolib

        path = plans if program == "own" else network
        phases = [logic.phase for logic in sumolib.xml.parse(str(path), "tlLogic") if logic.programID == program]
    return [phase.state for phase in phases[0]]


def test_made_phases_give_way_as_the_file_says(made):
    vec = made(network="rilsa", demand="rilsa", phases="two")
    (green,) = set(states_of(vec, Keep(), 5))
    sumo = library()
    links = sumo.trafficlight.getControlledLinks("0")
    ways = {}
    for i, group in enumerate(links):
        for start, end, _ in group:
            if not start.startswith(":"):
                ways[start[0] + end[1]] = green[i]  # such as "ew": from the east to the west
    vec.close()
    straight, left = [ways[k] for k in ("ew", "we")], [ways[k] for k in ("es", "wn")]
    assert straight == ["G", "G"]
    assert left == ["g", "g"]
    assert {ways[k] for k in ("ns", "sn", "ne", "sw")} == {"r"}


def test_the_files_program_is_sumos_own(tmp_path):
    network, routes = network_file(), route_file(tmp_path)
    ours, plain = tmp_path / "ours.xml", tmp_path / "plain.xml"
    vec = vector_env(network=network, demand=routes, program=True, options=("--tripinfo-output", str(ours)))
    try:
        play(vec, Keep([1, 5, 9]), 60, seed=11)
    finally:
        vec.close()
    sumo = library()
    command = ["sumo", "-n", network, "-r", routes, "--seed", "11", "--time-to-teleport", "-1", "--no-step-log"]
    sumo.start([*command, "--no-warnings", "--xml-validation", "never", "--tripinfo-output", str(plain)])
    for _ in range(600):
        sumo.simulationStep()
    sumo.close()
    assert trips_in(ours) == trips_in(plain)
    assert len(trips_in(plain)) > 100


def test_a_junction_without_signal_in_the_file_is_refused(tmp_path):
    with rilsa_files() as (network, _):
        text = network.read_text()
    path = tmp_path / "open.net.xml"
    start, end = text.index("<tlLogic"), text.index("</tlLogic>") + len("</tlLogic>")
    text = text[:start] + text[end:]
    path.write_text(text.replace(' tl="0"', "").replace('type="traffic_light"', 'type="priority"'))
    vec = vector_env(network=str(path), demand="uniform-100", demand_sets=1, phases="two")
    try:
        with pytest.raises(ParameterError, match="junction '0' has no signal in the file"):
            vec.reset(seed=0)
    finally:
        vec.close()
