"""Phase sets: against hand-made lists, brute force, the geometry, and CityFlow's data sets."""

import math
from itertools import combinations

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.traffic.formats.cityflow import read_network
from marl_envs.traffic.names import network_named
from marl_envs.traffic.phases import (
    Movement,
    choices,
    conflict,
    maximal_sets,
    movements_of,
    phase_sets,
    with_signals,
)
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT, TURN_RIGHT

ARMS = {"W": math.pi, "S": -math.pi / 2, "E": 0.0, "N": math.pi / 2}
OPPOSITE = {"W": "E", "E": "W", "S": "N", "N": "S"}
LEFT_OF = {"W": "N", "S": "W", "E": "S", "N": "E"}  # where who comes from there gets by turning left
RIGHT_OF = {"W": "S", "S": "E", "E": "N", "N": "W"}


def movement(kind, a, b):
    return Movement(kind, f"{a}-J", f"J-{b}", ARMS[a] + 0.1, ARMS[b] - 0.1)


def four_arms():
    return [
        movement(kind, a, ends[a])
        for a in ARMS
        for kind, ends in ((STRAIGHT, OPPOSITE), (TURN_LEFT, LEFT_OF), (TURN_RIGHT, RIGHT_OF))
    ]


def named(movements, phases):
    return [{movements[k].start[0] + movements[k].end[-1] for k in phase} for phase in phases]


def test_the_eight_pairs_are_nemas_in_cityflows_order():
    movements = four_arms()
    assert named(movements, phase_sets(movements, "eight")) == [
        {"WE", "EW"},
        {"SN", "NS"},
        {"WN", "ES"},
        {"SW", "NE"},
        {"WE", "WN"},
        {"EW", "ES"},
        {"SN", "SW"},
        {"NS", "NE"},
    ]


def test_the_general_search_finds_the_same_eight():
    movements = four_arms()
    assert set(maximal_sets(movements)) == {tuple(sorted(p)) for p in phase_sets(movements, "eight")}


def test_other_kinds_by_hand():
    movements = four_arms()
    assert named(movements, phase_sets(movements, "four")) == [
        {"WE", "EW"},
        {"SN", "NS"},
        {"WN", "ES"},
        {"SW", "NE"},
    ]
    assert named(movements, phase_sets(movements, "two")) == [{"WE", "EW", "WN", "ES"}, {"SN", "NS", "SW", "NE"}]
    approaches = named(movements, phase_sets(movements, "approaches"))
    assert approaches == [{"WE", "WN"}, {"EW", "ES"}, {"SN", "SW"}, {"NS", "NE"}]


def test_three_arms_by_hand():
    network = network_named("tee")
    junction = network.junction_index["J"]
    movements = movements_of(network, junction)
    assert named(movements, phase_sets(movements, "maximal")) == [{"WE", "EW"}, {"SW"}, {"EW", "ES"}]
    with pytest.raises(ParameterError, match="four arms"):
        phase_sets(movements, "eight")


def test_a_kind_that_does_not_exist_names_those_that_do():
    with pytest.raises(ParameterError, match="'eight', 'four', 'two', 'approaches', 'maximal'"):
        phase_sets(four_arms(), "nine")


@pytest.mark.parametrize("seed", range(8))
def test_maximal_sets_against_all_subsets(seed):
    rng = np.random.default_rng(seed)
    movements = [
        Movement(STRAIGHT, f"in{rng.integers(5)}", f"out{rng.integers(5)}", *rng.uniform(-math.pi, math.pi, 2))
        for _ in range(9)
    ]

    def fits(subset):
        return not any(conflict(movements[a], movements[b]) for a, b in combinations(subset, 2))

    good = [set(s) for n in range(1, 10) for s in combinations(range(9), n) if fits(s)]
    expected = {tuple(sorted(s)) for s in good if not any(s < other for other in good)}
    assert set(maximal_sets(movements)) == expected


def test_conflict_is_symmetric_and_right_turns_only_meet_who_ends_on_their_road():
    movements = four_arms()
    for a, b in combinations(movements, 2):
        assert conflict(a, b) == conflict(b, a)
        if TURN_RIGHT in (a.kind, b.kind):
            assert conflict(a, b) == (a.end == b.end)


@pytest.mark.parametrize("name", ["cross", "cross-2", "cross-shared", "tee", "tee-shared"])
def test_conflicts_are_where_the_geometry_has_crosses(name):
    network = network_named(name)
    movements = movements_of(network, network.junction_index["J"])
    meet = {tuple(sorted(pair)) for pair in network.link_movement[network.cross_links].tolist()}
    for a, b in combinations(range(len(movements)), 2):
        one, other = movements[a], movements[b]
        if (a, b) in meet:
            assert conflict(one, other) or one.start == other.start
        elif conflict(one, other):
            assert one.end == other.end  # they end on one road, but on lanes of their own


@pytest.mark.parametrize("name", ["cross", "cross-2", "tee", "grid-2x2"])
def test_in_a_green_phase_no_two_movements_conflict_but_right_turns(name):
    network = network_named(name)
    for j in network.signals:
        movements = movements_of(network, j)
        for p in range(network.first_phase[j], network.first_phase[j + 1]):
            going = [movements[k] for k in np.flatnonzero(network.green[p]) if movements[k].kind != TURN_RIGHT]
            assert not any(conflict(a, b) for a, b in combinations(going, 2))


@pytest.mark.parametrize("name", ["cross", "tee", "cross-shared", "arterial-2"])
def test_phase_0_is_the_clearance_with_right_turns_only_and_no_choice(name):
    network = network_named(name)
    for j in network.signals:
        movements = movements_of(network, j)
        rows = network.green[network.first_phase[j] : network.first_phase[j + 1], : len(movements)]
        assert [m.kind == TURN_RIGHT for m in movements] == rows[0].tolist()
        assert choices(network, j) == tuple(range(1, len(rows)))
        assert rows[1:].any(axis=0).all()  # everyone gets green in some phase


def test_a_junction_without_signal_has_no_choices():
    network = network_named("cross-open")
    assert choices(network, network.junction_index["J"]) == ()


@pytest.mark.parametrize("name", ["cross", "tee"])
def test_signals_put_on_an_open_junction_are_those_that_it_has_from_the_start(name):
    given, open_ = network_named(name), network_named(f"{name}-open")
    kind = "eight" if name == "cross" else "maximal"
    made = with_signals(open_, kind=kind)
    np.testing.assert_array_equal(made.green, given.green)
    np.testing.assert_array_equal(made.phase_time, given.phase_time)
    np.testing.assert_array_equal(made.first_phase, given.first_phase)
    assert with_signals(given).green.tolist() == given.green.tolist()  # it has one already
    with pytest.raises(ParameterError, match="'X'"):
        with_signals(open_, ["X"])


def test_the_general_search_finds_the_phases_of_a_data_set(data_dir):
    network = read_network(data_dir / "traffic" / "hangzhou_1x1" / "roadnet.json")
    (j,) = network.signals
    rows = network.green[network.first_phase[j] : network.first_phase[j + 1]]
    expected = {tuple(np.flatnonzero(row).tolist()) for row in rows[1:]}
    assert set(maximal_sets(movements_of(network, j))) == expected
    assert len(expected) == 8
    assert choices(network, j) == tuple(range(1, 9))
