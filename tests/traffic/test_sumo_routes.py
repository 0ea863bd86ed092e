"""SUMO's route files: hand-made ones on the guideline's junction; what is wrong is named with its line."""

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.traffic.demand import KIND_FIELDS, PACES, expand
from marl_envs.traffic.formats.sumo_routes import read_demand
from marl_envs.traffic.rilsa import rilsa

EAST = 'from="wmp" to="me"'


@pytest.fixture(scope="module")
def network():
    return rilsa().network


@pytest.fixture
def read(network, tmp_path):
    def read_text(*lines, **options):
        path = tmp_path / "test.rou.xml"
        path.write_text("<routes>\n" + "\n".join(lines) + "\n</routes>\n")
        return read_demand(path, network, **options)

    return read_text


def times(demand, steps=3600):
    return expand(demand, 1.0, steps).step.tolist()


def routes(demand):
    return [[demand.network.road_ids[r] for r in demand.routes[w]] for w in demand.flow_route]


def kind(demand, flow=0):
    return dict(zip(KIND_FIELDS, demand.kinds[demand.flow_kind[flow]].tolist(), strict=True))


def test_trips_take_the_shortest_way_and_vehicles_their_route(read):
    demand = read(
        '<route id="r" edges="nmp nm ms"/>',
        f'<trip id="a" depart="5" {EAST}/>',
        '<vehicle id="b" depart="7.2" route="r"/>',
        '<vehicle id="c" depart="0:01:00"><route edges="smp sm mw"/></vehicle>',
        '<trip id="d" depart="90" from="emp" to="mw" via="em"/>',
    )
    assert routes(demand) == [["wmp", "wm", "me"], ["nmp", "nm", "ms"], ["smp", "sm", "mw"], ["emp", "em", "mw"]]
    assert times(demand) == [5, 8, 60, 90]


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ('period="10"', list(range(0, 100, 10))),
        ('vehsPerHour="360"', list(range(0, 100, 10))),
        ('perHour="360"', list(range(0, 100, 10))),
        ('number="10"', list(range(0, 100, 10))),
        ('number="3" period="10"', [0, 10, 20]),
        ('number="99" vehsPerHour="360"', list(range(0, 100, 10))),
    ],
)
def test_regular_flows(read, rate, expected):
    assert times(read(f'<flow id="f" begin="0" end="100" {rate} {EAST}/>')) == expected


def test_a_flow_starts_when_it_is_to(read):
    assert times(read(f'<flow id="f" begin="30" end="60" period="10" {EAST}/>')) == [30, 40, 50]
    assert times(read(f'<flow id="f" begin="30" end="60" number="2" {EAST}/>')) == [30, 45]


def test_the_window_moves_the_clock_and_cuts(read):
    lines = (
        f'<trip id="a" depart="95" {EAST}/>',
        f'<trip id="b" depart="100" {EAST}/>',
        f'<flow id="f" begin="50" end="170" period="20" {EAST}/>',
        f'<trip id="c" depart="151" {EAST}/>',
    )
    assert times(read(*lines, begin=100.0, end=150.0)) == [0, 10, 30]


@pytest.mark.parametrize(
    ("rate", "mean", "variance"),
    [('probability="0.25"', 900.0, 675.0), ('period="exp(0.25)"', 900.0, 900.0)],
)
def test_random_flows_have_their_mean_and_variance(read, rate, mean, variance):
    counts = np.array(
        [len(read(f'<flow id="f" begin="0" end="3600" {rate} {EAST}/>', seed=seed).flow_kind) for seed in range(40)]
    )
    assert abs(counts.mean() - mean) < 4.0 * np.sqrt(variance / 40)
    assert 0.4 * variance < counts.var() < 2.2 * variance
    again = read(f'<flow id="f" begin="0" end="3600" {rate} {EAST}/>', seed=0)
    assert len(again.flow_kind) == counts[0]


def test_kinds_are_sumos_defaults_where_nothing_is_said(read):
    demand = read(
        '<vType id="truck" vClass="truck"/>',
        '<vType id="own" length="4.3" minGap="1.5" accel="2" decel="3" tau="1.5" maxSpeed="8"/>',
        f'<trip id="a" depart="0" {EAST}/>',
        f'<trip id="b" depart="1" type="truck" {EAST}/>',
        f'<trip id="c" depart="2" type="own" {EAST}/>',
    )
    car, truck, own = (kind(demand, f) for f in range(3))
    assert (car["length"], car["max_deceleration"], car["min_gap"], car["headway"]) == (5.0, 4.5, 2.5, 1.0)
    assert car["max_speed"] == 13.9  # the network's limit, not 200 km/h
    assert (truck["length"], truck["width"]) == (7.1, 2.4)
    assert (own["length"], own["min_gap"], own["usual_deceleration"]) == (4.3, 1.5, 3.0)
    assert (own["headway"], own["max_speed"]) == (1.5, 8.0)


def test_drivers_accelerate_as_sumos_do_on_average(read):
    demand = read(
        '<vType id="perfect" sigma="0"/>',
        '<vType id="careless" sigma="1" accel="2"/>',
        '<vType id="model" carFollowModel="IDM" accel="1.5"/>',
        *(f'<trip id="{k}" depart="{k}" {EAST}/>' for k in range(1)),
        *(f'<trip id="{name}" depart="2" type="{name}" {EAST}/>' for name in ("perfect", "careless", "model")),
    )
    found = [kind(demand, f) for f in range(4)]
    expected = [2.6 * 0.75, 2.6, 1.0, 1.5]  # accel, less half of sigma of it; sigma is 0.5 where nothing is said
    assert [k["max_acceleration"] for k in found] == pytest.approx(expected)
    assert [k["usual_acceleration"] for k in found] == pytest.approx(expected)
    with pytest.raises(ParameterError, match=r"sigma must be from 0 to 1, not '1\.5'"):
        read('<vType id="bad" sigma="1.5"/>', f'<trip id="a" depart="0" {EAST}/>')


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("", (1000.0, "average")),
        ('departSpeed="avg"', (1000.0, "average")),
        ('departSpeed="last"', (1000.0, "last")),
        ('departSpeed="random"', (1000.0, "any")),
        ('departSpeed="max"', (1000.0, "bounded")),
        ('departSpeed="desired"', (1000.0, "bounded")),
        ('departSpeed="speedLimit"', (1000.0, "bounded")),
        ('departSpeed="0"', (0.0, "bounded")),
        ('departSpeed="7.5"', (7.5, "bounded")),
    ],
)
def test_vehicles_begin_as_the_file_says(read, attribute, expected):
    for line in (f'<trip id="a" depart="5" {EAST} {attribute}/>', f'<flow id="a" {EAST} period="9" {attribute}/>'):
        demand = read(line)
        assert (float(demand.flow_speed[0]), PACES[demand.flow_pace[0]]) == expected


@pytest.mark.parametrize("value", ["-1", "fast", "nan", "1e9", ""])
def test_a_speed_that_is_none_is_refused(read, value):
    with pytest.raises(ParameterError, match=f"line 2: <trip> 'a': departSpeed must be .*, not '{value}'"):
        read(f'<trip id="a" depart="5" {EAST} departSpeed="{value}"/>')


def test_persons_are_left_out_and_several_files_belong_together(network, tmp_path):
    first, second = tmp_path / "kinds.xml", tmp_path / "trips.xml"
    first.write_text('<routes><vType id="v" length="6"/><person id="p" depart="0"><walk/></person></routes>')
    second.write_text(f'<routes><trip id="a" type="v" depart="0" {EAST}/></routes>')
    assert kind(read_demand([first, second], network))["length"] == 6.0


def test_vehicles_on_one_edge_are_left_out_where_that_is_asked_for(read):
    lines = ('<trip id="a" depart="0" from="wm" to="wm"/>', f'<trip id="b" depart="3" {EAST}/>')
    assert times(read(*lines, drop_single=True)) == [3]
    with pytest.raises(ParameterError, match=r"line 2: <trip> 'a': its route is one edge, 'wm'; drop_single"):
        read(*lines)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f'<trip id="a" {EAST}/>', "the attribute 'depart' is missing"),
        (f'<trip id="a" depart="-1" {EAST}/>', "depart must be a finite number of at least 0, not '-1'"),
        (f'<trip id="a" depart="soon" {EAST}/>', "depart must be a finite number of at least 0, not 'soon'"),
        (f'<trip id="a" depart="nan" {EAST}/>', "depart must be a finite number"),
        ('<trip id="a" depart="0" from="wmp"/>', "the attribute 'to' is missing"),
        ('<trip id="a" depart="0" from="wmp" to="xx"/>', "there is no edge 'xx' for cars"),
        ('<trip id="a" depart="0" from="me" to="wmp"/>', "the route is not connected: no way from 'me' to 'wmp'"),
        ('<trip id="a" depart="0" fromTaz="t" to="me"/>', "the attribute 'fromTaz' is not supported"),
        (f'<trip id="a" type="t" depart="0" {EAST}/>', "there is no vType 't' above it"),
        ('<vehicle id="a" depart="0"/>', "has no route"),
        ('<vehicle id="a" depart="0" route="r"/>', "there is no route 'r' above it"),
        ('<vehicle id="a" depart="0"><route edges="wmp me"/></vehicle>', "not connected: no way from 'wmp' to 'me'"),
        ('<vehicle id="a" depart="0"><route edges=" "/></vehicle>', "edges must name at least one edge"),
        (
            '<vehicle id="a" depart="0"><route edges="wmp wm me"/><stop lane="x"/></vehicle>',
            "<stop>, in .* not supported",
        ),
        (f'<flow id="a" {EAST}/>', "exactly one of vehsPerHour"),
        (f'<flow id="a" period="1" probability="1" {EAST}/>', "exactly one of vehsPerHour"),
        (f'<flow id="a" period="0" {EAST}/>', "period must be positive, not '0'"),
        (f'<flow id="a" period="-3" {EAST}/>', "period must be a finite number of at least 0"),
        (f'<flow id="a" period="exp(x)" {EAST}/>', "period must be a finite number of at least 0"),
        (f'<flow id="a" vehsPerHour="many" {EAST}/>', "vehsPerHour must be a finite number"),
        (f'<flow id="a" probability="1.5" end="9" {EAST}/>', "probability must be from 0 to 1"),
        (f'<flow id="a" number="5" {EAST}/>', "number must be a positive integer, with an end"),
        (f'<flow id="a" begin="9" end="5" period="1" {EAST}/>', "end, 5 s, must not be before begin, 9 s"),
        ('<vType id="t" vClass="tram"/>', "vClass 'tram' is not supported; allowed are army"),
        ('<vType id="t" length="0"/>', "length must be positive"),
        ('<vType id="t" accel="fast"/>', "accel must be a finite number"),
        ("<vType/>", "the attribute 'id' is missing"),
        ('<vTypeDistribution id="d"/>', "<vTypeDistribution> 'd' is not supported; allowed are vType"),
        (
            '<vehicle id="a" depart="0" type="DEFAULT_VEHTYPE"><route edges="wmp"/></vehicle>',
            "its route is one edge",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(read, line, message):
    with pytest.raises(ParameterError, match=message) as caught:
        read("<!-- nothing -->", line)
    assert "test.rou.xml, line 3: <" in str(caught.value)


def test_a_vehicle_longer_than_its_lane_is_refused(read):
    with pytest.raises(
        ParameterError, match=r"line 3: <trip> 'a': a vehicle of 400 m is longer than a lane of edge 'wmp'"
    ):
        read('<vType id="t" length="400"/>', f'<trip id="a" type="t" depart="0" {EAST}/>')


def test_no_vehicles_are_refused(read):
    with pytest.raises(ParameterError, match="there are no vehicles from 0 s on"):
        read('<vType id="t"/>')
    with pytest.raises(ParameterError, match="there are no vehicles from 100 s on"):
        read(f'<trip id="a" depart="0" {EAST}/>', begin=100.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<routes>\n<trip\n</routes>", r"line 3, column 0: not XML: .*not well-formed"),
        ("", "not XML: no element found"),
        ("<net/>", "<net>: the file's root must be <routes>"),
    ],
)
def test_what_is_no_route_file_is_refused(network, tmp_path, text, message):
    path = tmp_path / "test.rou.xml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=message):
        read_demand(path, network)


def test_a_file_that_is_not_there_is_named(network, tmp_path):
    with pytest.raises(ParameterError, match=r"none\.xml: cannot be read"):
        read_demand(tmp_path / "none.xml", network)
