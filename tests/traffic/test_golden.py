"""Every vehicle, every step, to the last bit: the engine against what the reference engine did."""

import csv
import gzip
import json
import math
import zlib
from pathlib import Path
from struct import pack

import pytest

from marl_envs.core.jit import ENABLED
from marl_envs.traffic.control import drive, fixed_time, max_pressure
from marl_envs.traffic.engine.simulate import Traffic
from marl_envs.traffic.engine.types import CREATED, DIS, FINISHED, SPEED
from marl_envs.traffic.formats.cityflow import read_demand, read_network
from tests.traffic.cases import GOLDEN, NAMES, Player, positions, read, trace

# Without compilation a step of a hundred vehicles takes too long
QUICK = ["h01_free", "h02_follow", "h04_dilemma", "h05_cross", "h11_control", "h15_stuck"]

AGGREGATES = [
    ("hangzhou_1x1.bc-tyc_18041608_1h", "fixed30"),
    ("hangzhou_1x1.bc-tyc_18041608_1h", "maxpressure"),
    ("hangzhou_1x1.kn-hz_18041607_1h", "fixed30"),
    ("hangzhou_1x1.kn-hz_18041607_1h", "maxpressure"),
    ("hangzhou_1x1.syn_uniform_1600", "fixed30"),
    ("hangzhou_1x1.syn_uniform_1600", "maxpressure"),
    ("hangzhou_4x4.real", "fixed30"),
    ("hangzhou_4x4.real", "maxpressure"),
    ("syn_1x3", "fixed30"),
    ("syn_1x3", "maxpressure"),
]


def outside(traffic: Traffic) -> int:
    """Return how many vehicles wait for room on their first lane."""
    tally = traffic.state.tally[0]
    return int(tally[CREATED] - tally[FINISHED] - traffic.running()[0])


@pytest.mark.parametrize("case", NAMES if ENABLED else QUICK)
def test_equals_the_reference_at_every_step(case):
    player = Player(case)
    expected = trace(GOLDEN / case / "trace.csv.gz")
    result = read(case, "result.json")
    for k in range(player.script["steps"]):
        assert player.step(k) == expected.get(k + 1, {}), f"step {k + 1}"
        assert outside(player.traffic) == result["not_yet_inserted_after_each_step"][k]
    assert player.returned == result["set_vehicle_route_returned"]
    assert player.traffic.average_travel_time()[0] == result["average_travel_time"]
    assert player.traffic.running()[0] == result["running_at_end"]
    assert player.traffic.state.tally[0, FINISHED] == result["finished"]


@pytest.mark.skipif(not ENABLED, reason="108,774 vehicle-steps take minutes without compilation")
def test_example_network(data_dir: Path, tmp_path: Path):
    folder = data_dir / "traffic" / "golden" / "cityflow_example"
    for name in ("roadnet.json", "flow.json"):
        (tmp_path / name).write_bytes(gzip.decompress((folder / f"{name}.gz").read_bytes()))
    network = read_network(tmp_path / "roadnet.json")
    traffic = Traffic(read_demand(tmp_path / "flow.json", network), 600, rng="mt19937")
    ids = json.loads((folder / "drivables.json").read_text())
    assert list(network.drivable_ids) == ids
    expected: dict[int, dict[str, tuple[str, float, float]]] = {}
    with gzip.open(folder / "trace.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            place = ids[int(row["drivable"])], float(row["distance"]), float(row["speed"])
            expected.setdefault(int(row["step"]), {})[f"flow_{row['flow']}_{row['car']}"] = place
    (signal,) = network.signals
    for row in _rows(folder / "per_step.csv.gz"):
        traffic.set_phase(signal, int(row["phase"]))
        traffic.step()
        assert positions(traffic) == expected[int(row["step"])]
        assert traffic.waiting_counts().sum() == int(row["waiting"])
        assert traffic.average_travel_time()[0] == float(row["att"])


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


def _load(data_dir: Path, name: str, **options) -> Traffic:
    """Return the traffic of an aggregate trace before its first step."""
    folder, _, flow = name.partition(".")
    where = data_dir / "traffic" / folder
    roadnet = where / {"hangzhou_4x4": "roadnet_4_4.json", "syn_1x3": "roadnet_1X3.json"}.get(folder, "roadnet.json")
    flows = {"real": "anon_4_4_hangzhou_real.flow.json", "": "syn_1x3_gaussian_500_1h.json"}
    if not roadnet.exists():
        pytest.skip(f"no network at {roadnet}")
    demand = read_demand(where / flows.get(flow, f"{flow}.flow.json"), read_network(roadnet))
    return Traffic(demand, 3600, rng="mt19937", **options)


def _checksum(traffic: Traffic) -> str:
    state = traffic.state
    names = {traffic.trip_name(int(state.trip[0, v])): v for v in traffic.vehicles()}
    total = 0
    for name in sorted(names):
        place = state.motion[0, names[name]]
        total = zlib.crc32(name.encode() + b"\0" + pack("<dd", place[DIS], place[SPEED]), total)
    return f"{total:08x}"


@pytest.mark.skipif(not ENABLED, reason="hours of traffic take hours without compilation")
@pytest.mark.parametrize(("name", "controller"), AGGREGATES)
def test_aggregates_of_an_hour(data_dir: Path, name: str, controller: str):
    traffic = _load(data_dir, name)
    signals = list(traffic.network.signals)
    for row in _rows(data_dir / "traffic" / "golden" / "aggregate" / f"{name}.{controller}.csv.gz"):
        traffic.phase[0, signals] = [int(phase) for phase in row["phases"]]
        traffic.step()
        vehicles = traffic.vehicles()
        found = len(vehicles), math.fsum(traffic.state.motion[0, vehicles, SPEED]), traffic.waiting_counts().sum()
        assert found == (int(row["running"]), float(row["sum_speed"]), int(row["waiting"])), f"step {row['step']}"
        if row["crc"] and int(row["step"]) % 100 == 0:
            assert _checksum(traffic) == row["crc"], f"step {row['step']}"
        if row["att"]:
            assert traffic.average_travel_time()[0] == float(row["att"])


@pytest.mark.skipif(not ENABLED, reason="hours of traffic take hours without compilation")
@pytest.mark.parametrize(("name", "controller"), AGGREGATES)
def test_controllers_give_the_published_travel_times(data_dir: Path, name: str, controller: str):
    lines = (data_dir / "traffic" / "golden" / "aggregate" / "summary.jsonl").read_text().splitlines()
    expected = {(row["name"], row["controller"]): row["att"] for row in map(json.loads, lines)}
    traffic = _load(data_dir, name)
    drive(traffic, {"fixed30": fixed_time, "maxpressure": max_pressure}[controller](traffic), 3600)
    assert traffic.average_travel_time()[0] == expected[name, controller]
    published = {"hangzhou_1x1.bc-tyc_18041608_1h": 445.62, "syn_1x3": 240.08}
    if controller == "maxpressure" and name in published:
        assert round(traffic.average_travel_time()[0], 2) == published[name]
