"""SUMO's networks: what is wrong is named with file and element. Each case changes one thing in a good file."""

import re
from importlib import resources

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.traffic.formats.sumo import read
from marl_envs.traffic.rilsa import rilsa

LANE = '<lane id="em_1" index="1" disallow="pedestrian" speed="13.90" length="87.15"'


@pytest.fixture(scope="module")
def good():
    folder = resources.files("sumolib") / "scenario" / "scenarios" / "RiLSA1"
    return (folder / "rilsa1.net.xml").read_text(encoding="utf-8")


@pytest.fixture
def read_changed(good, tmp_path):
    def read_text(old, new, **options):
        assert old in good
        path = tmp_path / "test.net.xml"
        path.write_text(good.replace(old, new), encoding="utf-8")
        return read(path, **options)

    return read_text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            LANE,
            LANE.replace("87.15", "long"),
            r"line \d+: <lane> 'em_1': length must be a number of at least 0, not 'long'",
        ),
        (LANE, LANE.replace("87.15", "-1"), r"line \d+: <lane> 'em_1': length must be a number of at least 0"),
        (LANE, LANE.replace("13.90", "nan"), r"line \d+: <lane> 'em_1': speed must be a number of at least 0"),
        (LANE, LANE.replace(' speed="13.90"', ""), r"line \d+: <lane> 'em_1': the attribute 'speed' is missing"),
        (LANE, LANE.replace("13.90", "0"), "edge|road 'em'.* must be positive"),
        (
            '<junction id="0" type="traffic_light" x="500.00"',
            '<junction id="0" type="traffic_light" x="far"',
            "x must be",
        ),
        ('<edge id="em" from="e" to="0"', '<edge id="em" from="e" to="9"', "<edge> 'em': there is no junction '9'"),
        ('<edge id="em" from="e" to="0"', '<edge id="em" to="0"', "<edge> 'em': there is no junction None"),
        ('<connection from="em" to="mw"', '<connection from="em" to="xx"', "<connection> '': there is no 'xx' in this"),
        (
            '<connection from="em" to="mw" fromLane="1"',
            '<connection from="em" to="mw" fromLane="7"',
            r"<connection> '': there is no fromLane 7 of edge 'em' or toLane \d of edge 'mw'; lanes count from 0",
        ),
        (
            '<connection from="em" to="mw" fromLane="1"',
            '<connection from="em" to="mw" fromLane="-1"',
            "<connection> '': fromLane must be an integer of at least 0, not '-1'",
        ),
        (
            '<connection from="em" to="mw" fromLane="1"',
            '<connection from="em" to="mw"',
            "<connection> '': the attribute 'fromLane' is missing",
        ),
        ('via=":0_4_0"', 'via=":0_99_0"', "leads over lane ':0_99_0', which does not exist"),
        ('state="rrrgGgrrrgGgGrGr"', 'state="rrrgGgrrrgGg"', "<tlLogic> '0', program '0': phase 1 has 16 letters"),
        ('state="rrrgGgrrrgGgGrGr"', 'state="xrrgGgrrrgGgGrGr"', "phase 0: letter 'x' is not supported"),
        ('<phase duration="26" state="rrrgGg', '<phase duration="-26" state="rrrgGg', "<phase> '': duration must be"),
        (
            '<tlLogic id="0" type="static"',
            '<tlLogic id="0" type="NEMA"',
            "type 'NEMA' is not supported; allowed are static",
        ),
        ('<tlLogic id="0" ', '<tlLogic id="1" ', "<tlLogic> '1': |no program for it|there is no '1' in this file"),
        ('<net version="0.13"', '<net version="0.13" lefthand="true"', "traffic on the left is not supported"),
        ('<net version="0.13"', "<net", "the attribute 'version' is missing"),
        ("</net>", "", r"line \d+, column \d+: not XML"),
        ('linkIndex="4"', 'linkIndex="44"', "linkIndex 44, but the states of signal '0' have 16 letters"),
        (
            'type="traffic_light"',
            'type="rail_crossing"',
            "<junction> '0': type 'rail_crossing' is not supported for cars",
        ),
        ('dir="l"', 'dir="q"', "dir must be one of s, l, L, r, R, t, T, not 'q'"),
    ],
)
def test_a_broken_network_is_refused(read_changed, old, new, message):
    with pytest.raises(ParameterError, match=message) as caught:
        read_changed(old, new)
    assert "test.net.xml" in str(caught.value)


def test_whatever_attribute_is_broken_it_is_read_or_refused(good, tmp_path):
    path = tmp_path / "test.net.xml"
    places = [m for m in re.finditer(r' (\w+)="([^"]*)"', good) if m.start() > good.index("<net")]
    rng = np.random.default_rng(0)
    refused = []
    for k in rng.choice(len(places), 80, replace=False):
        m = places[k]
        value = rng.choice(["x", "", "-1", "1e400", None])
        path.write_text(good[: m.start()] + ("" if value is None else f' {m[1]}="{value}"') + good[m.end() :])
        try:
            read(path)
        except ParameterError as error:
            refused.append(str(error))
    assert 20 < len(refused) < 80
    assert all(str(path) in message for message in refused)


def test_a_file_without_edges_is_refused(tmp_path):
    path = tmp_path / "test.net.xml"
    path.write_text('<net version="1.9"/>')
    with pytest.raises(ParameterError, match="there are no edges"):
        read(path)
    with pytest.raises(ParameterError, match="cannot be read"):
        read(tmp_path / "none.net.xml")


def test_a_program_or_signal_that_is_not_there_is_refused(read_changed):
    with pytest.raises(ParameterError, match="'0': there is no program 'night'; there are '0', 'own'"):
        rilsa("night")
    with pytest.raises(ParameterError, match="there is no signal 'X'; there are '0'"):
        read_changed("</net>", "</net>", programs={"X": "0"})
