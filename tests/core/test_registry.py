"""Ids: a short list as data; importing the package costs next to nothing."""

import importlib

import pettingzoo
import pytest

import marl_envs
from marl_envs.core.params import ParameterError
from marl_envs.core.registry import SPECS
from tests.core.processes import run_python

TINY = "marl_envs/warehouse-tiny-2ag-v0"


def test_importing_compiles_and_draws_nothing():
    said = run_python(
        "import sys, pettingzoo; before = set(sys.modules); import marl_envs; new = set(sys.modules) - before\n"
        "assert not {'numba', 'llvmlite', 'pygame', 'scipy'} & set(sys.modules), 'heavy'\n"
        "print(sorted(m for m in new if not m.startswith('marl_envs')), marl_envs.list_environments()[0])"
    )
    assert said == f"[] {TINY}"


def test_ids_are_unique_and_say_their_version():
    ids = marl_envs.list_environments()
    assert len(ids) == len(set(ids)) == len(SPECS)
    for name in ids:
        assert SPECS[name].id == name
        assert name.startswith("marl_envs/")
        assert name.rsplit("-v", 1)[1].isdigit()


def test_the_list_is_a_copy():
    marl_envs.list_environments().clear()
    assert marl_envs.list_environments()


@pytest.mark.parametrize("make", [marl_envs.make, marl_envs.make_vec])
def test_an_unknown_id_is_refused_with_the_known_ones(make):
    for wrong in ("marl_envs/warehouse-tiny-2ag-v9", "warehouse-tiny-2ag-v0", "", None):
        with pytest.raises(ValueError, match=f"unknown environment {wrong!r}; registered are {TINY}, "):
            make(wrong)


def test_keywords_replace_what_the_id_stands_for():
    env = marl_envs.make(TINY, num_robots=3, layout="small")
    assert (env.max_num_agents, env.params.layout) == (3, "small")
    assert marl_envs.make(TINY).max_num_agents == 2
    vec = marl_envs.make_vec(TINY, 5, num_robots=3)
    assert (vec.num_envs, vec.num_agents) == (5, 3)


def test_the_modules_make_what_the_ids_make():
    from marl_envs import warehouse_v0

    params = {"layout": "tiny", "num_robots": 2}
    assert warehouse_v0.parallel_env(**params).fingerprint == marl_envs.make(TINY).fingerprint
    assert warehouse_v0.vector_env(4, **params).fingerprint == marl_envs.make_vec(TINY, 4).fingerprint
    assert warehouse_v0.env(**params).possible_agents == ["robot_0", "robot_1"]


def test_a_fingerprint_makes_the_environment_again():
    env = marl_envs.make(TINY, reward="team", max_cycles=12)
    again = marl_envs.from_fingerprint(env.fingerprint, max_cycles=13)
    assert (again.params.reward, again.max_cycles) == ("team", 13)
    vec = marl_envs.from_fingerprint(env.fingerprint, "vector_env", num_envs=3)
    assert (vec.num_envs, vec.fingerprint) == (3, env.fingerprint)
    turns = marl_envs.from_fingerprint(env.fingerprint, "env")
    assert turns.unwrapped.max_cycles == 12


def test_a_strange_fingerprint_is_refused():
    for wrong in ({"env": "chess_v0", "params": {}}, {"params": {}}, {"env": "core.jit", "params": {}}):
        with pytest.raises(ValueError, match=r"unknown environment .*; known are .*warehouse_v0"):
            marl_envs.from_fingerprint(wrong)
    with pytest.raises(ParameterError, match="unknown parameter 'robots'"):
        marl_envs.from_fingerprint({"env": "warehouse_v0", "params": {"robots": 2}})


def test_registering_twice_is_no_error():
    importlib.reload(marl_envs)
    assert marl_envs.make(TINY).max_num_agents == 2


@pytest.mark.skipif(not hasattr(pettingzoo, "spec"), reason="this PettingZoo has no registry")
def test_pettingzoo_knows_every_id():
    for kind in ("parallel", "aec"):
        for name in marl_envs.list_environments():
            assert pettingzoo.spec(kind, name).id == name
