"""Where streams come from: turning ratios, pairs, counts; and the named demands."""

import csv

import numpy as np
import pytest
from scipy import stats

from marl_envs.core.params import ParameterError
from marl_envs.traffic.arrivals import build_arrivals, draw, space
from marl_envs.traffic.demand import Kind
from marl_envs.traffic.names import network_named
from marl_envs.traffic.rilsa import rilsa, rilsa_counts
from marl_envs.traffic.signals.networks import trips_of
from marl_envs.traffic.sources import (
    ENTRY_SPREAD,
    TURN_SPREAD,
    TURNS,
    all_pairs,
    arrivals_named,
    by_pairs,
    by_turns,
    entries,
    exits,
    read_counts,
    varied,
)


@pytest.fixture(scope="module")
def cross():
    return network_named("cross")


def rates_of(streams):
    total = {}
    for stream in streams:
        total[stream.route] = total.get(stream.route, 0.0) + stream.rate
    return total


def test_turning_ratios_at_one_junction_are_exact(cross):
    rates = rates_of(by_turns(cross, 200.0))
    assert rates == pytest.approx(
        {
            (f"{a}-J", f"J-{b}"): 200.0 * TURNS[turn]
            for a, ends in {"W": "NES", "S": "WNE", "E": "SWN", "N": "ESW"}.items()
            for b, turn in zip(ends, ("left", "straight", "right"), strict=True)
        }
    )


def test_drawn_vehicles_turn_in_these_ratios(cross):
    arrivals = build_arrivals(cross, by_turns(cross, 300.0), "test")
    flows = np.concatenate([draw(arrivals, seed, 1.0, 3600).flow for seed in range(20)])
    shares = np.array([stream.rate for stream in by_turns(cross, 300.0)])
    counts = np.bincount(flows, minlength=len(shares))
    assert stats.chisquare(counts, shares / shares.sum() * counts.sum()).pvalue > 1e-3


def test_an_approach_counts_before_its_junction_and_that_before_the_rest(cross):
    at = {"J": {"straight": 1.0}, "S-J": {"left": 3.0, "right": 1.0}}
    rates = rates_of(by_turns(cross, {"W-J": 100.0, "S-J": 100.0}, at=at))
    assert rates == pytest.approx({("W-J", "J-E"): 100.0, ("S-J", "J-W"): 75.0, ("S-J", "J-E"): 25.0})


def test_where_a_movement_is_missing_the_others_share_it():
    rates = rates_of(by_turns(network_named("tee"), 100.0, parts=1000))
    assert rates["W-J", "J-E"] == pytest.approx(100.0 * 0.6 / 0.9, abs=0.1)
    assert rates["S-J", "J-W"] == pytest.approx(100.0 * 0.1 / 0.4, abs=0.1)


def test_in_a_grid_nothing_is_lost_and_hardly_anyone_comes_back():
    network = network_named("grid-3x3")
    streams = by_turns(network, 100.0)
    assert sum(stream.rate for stream in streams) == pytest.approx(100.0 * len(entries(network)))
    back = 0.0
    for stream in streams:
        assert stream.route[0] in entries(network)
        assert stream.route[-1] in exits(network)
        junctions = [name.split("-")[1] for name in stream.route]
        back += stream.rate if len(set(junctions)) < len(junctions) else 0.0
    assert back < 0.005 * 1200.0  # only who has driven in a spiral
    # Each entry's first junction splits exactly
    straight = sum(s.rate for s in streams if s.route[:2] == ("W1-J1_0", "J1_0-J1_1"))
    assert straight == pytest.approx(100.0 * TURNS["straight"])


def test_rounding_has_the_right_mean():
    network = network_named("cross")
    means = [rates_of(by_turns(network, {"W-J": 1.0}, parts=1, seed=s)).get(("W-J", "J-S"), 0.0) for s in range(2000)]
    assert abs(np.mean(means) - 0.3) < 4.0 * np.sqrt(0.3 * 0.7 / 2000)


def test_pairs_take_the_shortest_way():
    network = network_named("grid-4x4")
    arrivals = build_arrivals(network, by_pairs(network, all_pairs(network, 100.0)), "test")

    def place(name):  # row and column of a rim node, one step outside
        k = int(name[1:])
        return {"W": (k, -1), "E": (k, 4), "N": (-1, k), "S": (4, k)}[name[0]]

    for route in arrivals.demand.routes:
        (r0, c0), (r1, c1) = (
            place(network.junction_ids[j]) for j in (network.road_start[route[0]], network.road_end[route[-1]])
        )
        detour = 2 if c0 == c1 in (-1, 4) or r0 == r1 in (-1, 4) else 0  # both on one side: in and out
        assert len(route) == abs(r0 - r1) + abs(c0 - c1) + detour


def test_pairs_send_all_that_enters_to_the_other_arms():
    network = network_named("roundabout-5")
    pairs = all_pairs(network, 100.0)
    assert len(pairs) == 5 * 4
    assert all(a[:2] != b[-2:] for a, b in pairs)
    assert sum(pairs.values()) == pytest.approx(500.0)


@pytest.mark.parametrize(
    ("name", "per_entry"), [("uniform-120", 120), ("uniform", 300), ("peak-200", 200), ("pairs-90", 90)]
)
def test_a_name_says_how_many_come_in_an_hour(cross, name, per_entry):
    assert len(space(arrivals_named(name, cross), 1.0, 3600)) == 4 * per_entry


def test_the_rising_demand_grows_by_quarters():
    for name, first in ("rising", 240), ("rising-120", 480):
        trips = space(arrivals_named(name, network_named("grid-4x4")), 1.0, 3600)
        quarters = np.bincount(trips.step // 900, minlength=4)
        np.testing.assert_allclose(quarters, first * np.array([1.0, 1.8, 2.6, 3.5]), atol=first / 12)


def test_varied_demand_has_the_moments_of_its_dirichlet_distributions(cross):
    """Shares of n parts with parameters a have means a / sum(a) and variances mean (1 - mean) / (sum(a) + 1)."""
    patterns = [rates_of(varied(cross, 300.0, seed=seed)) for seed in range(800)]
    doors = entries(cross)
    rate = np.array([[sum(r for way, r in one.items() if way[0] == door) for door in doors] for one in patterns])
    np.testing.assert_allclose(rate.sum(axis=1), 4 * 300.0)
    spread = rate / 300.0 / len(doors)
    assert spread.mean(axis=0) == pytest.approx(1 / 4, abs=0.01)
    assert spread.var(axis=0) == pytest.approx(3 / 16 / (4 * ENTRY_SPREAD + 1), rel=0.2)
    west = {"left": "J-N", "straight": "J-E", "right": "J-S"}
    ratio = np.array([[one.get(("W-J", west[t]), 0.0) for t in TURN_SPREAD] for one in patterns])
    ratio /= ratio.sum(axis=1, keepdims=True)
    weights = np.array(list(TURN_SPREAD.values()))
    mean = weights / weights.sum()
    assert ratio.mean(axis=0) == pytest.approx(mean, abs=0.03)
    assert ratio.var(axis=0) == pytest.approx(mean * (1 - mean) / (weights.sum() + 1), rel=0.2)


def test_each_set_of_varied_demand_has_a_pattern_of_its_own(cross):
    pairs = trips_of("varied-400", cross, 6, 1.0, 3600, "krauss")
    assert [len(trips) for _, trips in pairs] == pytest.approx([1600] * 6, abs=5 * 40)
    shares = []
    for demand, trips in pairs:
        first = np.array([demand.routes[r][0] for r in demand.flow_route])[trips.flow]
        shares.append(np.bincount(first, minlength=len(cross.road_ids)) / len(trips))
    for a in range(6):
        for b in range(a):
            assert np.abs(shares[a] - shares[b]).max() > 0.03  # 0.01 would be chance
    again = trips_of("varied-400", cross, 2, 1.0, 3600, "krauss")
    for (_, one), (_, other) in zip(pairs, again, strict=False):
        np.testing.assert_array_equal(one.step, other.step)


@pytest.mark.parametrize("name", ["", "uniform-0", "uniform-", "high", "peak-1.5", None])
def test_a_name_that_means_nothing_names_what_is_allowed(cross, name):
    with pytest.raises(ParameterError, match="demand must be one of uniform, peak, pairs"):
        arrivals_named(name, cross)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n: by_turns(n, {"X": 1.0}), "there is no road 'X'"),
        (lambda n: by_turns(n, 1.0, at={"X": {}}), "turns at 'X': there is no such road or junction"),
        (lambda n: by_turns(n, 1.0, {"up": 1.0}), "allowed are left, straight, right, not 'up'"),
        (lambda n: by_turns(n, 1.0, {"left": -1.0}), "left must be a number from 0"),
        (lambda n: by_turns(n, 1.0, parts=0), "parts must be an integer from 1"),
        (lambda n: by_pairs(n, {("W-J", "X"): 1.0}), "there is no road 'X'"),
        (lambda n: by_pairs(n, {("W-J", "J-E"): -1.0}), "rate must be a number from 0"),
    ],
)
def test_what_cannot_be_is_refused(cross, make, message):
    with pytest.raises(ParameterError, match=message):
        make(cross)


HEADER = "from,to,veh_per_hour,hgv_percent\n"


def test_counts_are_read_and_split_into_light_and_heavy(tmp_path, cross):
    path = tmp_path / "counts.csv"
    path.write_text("# by hand\n" + HEADER + "W-J,J-E,508,10\n\nN-J,J-S,100,0\n")
    truck = Kind(length=7.1)
    streams = read_counts(path, cross, heavy=truck)
    assert [(s.route, round(s.rate, 9), s.kind == truck) for s in streams] == [
        (("W-J", "J-E"), 457.2, False),
        (("W-J", "J-E"), 50.8, True),
        (("N-J", "J-S"), 100.0, False),
    ]
    assert [s.rate for s in read_counts(path, cross)] == [508.0, 100.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the column 'from' is missing"),
        (HEADER, "there are no counts"),
        ("from,to,hgv_percent\n", "the column 'veh_per_hour' is missing"),
        (HEADER + "W-J,J-E,many,1\n", "line 2: veh_per_hour must be a number from 0"),
        (HEADER + "W-J,J-E,-5,1\n", "line 2: veh_per_hour must be a number from 0"),
        (HEADER + "W-J,J-E,5,101\n", "line 2: hgv_percent must be a number from 0 to 100"),
        (HEADER + "#\nW-J,J-X,5,1\n", "line 3: to: there is no road 'J-X'"),
        (HEADER + "W-J\n", "line 2: veh_per_hour must be"),
    ],
)
def test_counts_that_make_no_sense_name_the_line(tmp_path, cross, text, message):
    path = tmp_path / "counts.csv"
    path.write_text(text)
    with pytest.raises(ParameterError, match=message) as caught:
        read_counts(path, cross, heavy=Kind())
    assert str(path) in str(caught.value)


def test_the_guidelines_counts_add_up_and_have_their_heavy_vehicles(data_dir):
    junction = rilsa()
    arrivals = rilsa_counts(junction)
    trips = space(arrivals, 1.0, 3600)
    assert len(trips) == 2370
    with open(data_dir / "traffic" / "rilsa1" / "turning_counts.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    ids = junction.network.road_ids
    for row in rows:
        for heavy in (False, True):
            share = float(row["hgv_percent"]) / 100.0
            expected = float(row["veh_per_hour"]) * (share if heavy else 1.0 - share)
            got = sum(
                3600.0 * rate[0]
                for rate, w, t in zip(arrivals.rate, arrivals.demand.flow_route, arrivals.demand.flow_kind, strict=True)
                if (route := [ids[r] for r in arrivals.demand.routes[w]])[0] == f"{row['from']}mp"
                and route[-1] == f"m{row['to']}"
                and (arrivals.demand.kinds[t][0] > 5.0) == heavy
            )
            assert got == pytest.approx(expected)
