"""SUMO's configurations: the same as the files one by one."""

import numpy as np
import pytest

from marl_envs.core.params import ParameterError
from marl_envs.traffic.formats.sumo import read
from marl_envs.traffic.formats.sumo_config import read_config
from marl_envs.traffic.formats.sumo_routes import read_demand


@pytest.mark.parametrize(("name", "begin"), [("cologne1", 25200), ("ingolstadt1", 57600)])
def test_a_configuration_names_what_could_be_read_one_by_one(data_dir, name, begin):
    folder = data_dir / "traffic" / name
    town, demand = read_config(folder / f"{name}.sumocfg", drop_single=True)
    one = read(folder / f"{name}.net.xml")
    other = read_demand(folder / f"{name}.rou.xml", one.network, begin=begin, end=begin + 3600, drop_single=True)
    np.testing.assert_array_equal(town.network.length, one.network.length)
    np.testing.assert_array_equal(demand.flow_start, other.flow_start)
    assert demand.routes == other.routes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<configuration/>", "<net-file> is missing"),
        ('<configuration><input><net-file value="a"/></input></configuration>', "<route-files> is missing"),
        ("<routes/>", "the file's root must be <configuration> or <sumoConfiguration>"),
        (
            '<configuration><input><net-file value=" "/><route-files value="b"/></input></configuration>',
            "line 1: <net-file>: value must name a file",
        ),
        (
            '<configuration><input><net-file value="none.xml"/><route-files value="b"/></input></configuration>',
            "none.xml: cannot be read",
        ),
    ],
)
def test_a_configuration_that_lacks_something_is_refused(tmp_path, text, message):
    path = tmp_path / "test.sumocfg"
    path.write_text(text)
    with pytest.raises(ParameterError, match=message):
        read_config(path)
