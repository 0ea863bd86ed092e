"""Parameters: what is refused, with which words, and that nothing is built before."""

import json

import numpy as np
import pytest

from marl_envs import errands_v0
from marl_envs.core.params import ParameterError
from tests.warehouse.errands.plain import write_problem

FACES = (errands_v0.vector_env, errands_v0.parallel_env)


@pytest.mark.parametrize("make", FACES)
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"robots": 2}, "unknown parameter 'robots'; allowed are floor, problem, num_robots"),
        ({"floor": "mars"}, "mars"),
        ({"floor": 5}, "floor must be a name, the path of a .map file or a text drawing, not 5"),
        ({"floor": "nowhere.map"}, "nowhere.map: cannot be read"),
        ({"floor": "..\n.x"}, "floor line 2, column 2: 'X' is not one of '.', '@', 'E', 'S'"),
        ({"problem": "nowhere.json"}, "nowhere.json: cannot be read"),
        ({"problem": 5}, "problem must be the path of a LoRR problem file (JSON), not 5"),
        (
            {"floor": "..\n..", "num_robots": 5},
            "num_robots must be an integer from 1 to 4 (the floor has 4 free cells)",
        ),
        ({"num_robots": 0}, "num_robots must be an integer from 1 to"),
        ({"num_robots": -2}, "num_robots must be an integer from 1"),
        ({"num_robots": 2.0}, "num_robots must be an integer"),
        ({"num_robots": True}, "num_robots must be an integer"),
        ({"num_robots": "2"}, "num_robots must be an integer"),
        ({"floor": "empty-200x200", "num_robots": 32001}, "num_robots must be an integer from 1 to 32000"),
        ({"moves": "diagonal"}, "moves must be one of 'rotate', 'compass', not 'diagonal'"),
        ({"collision": "soft"}, "collision must be one of 'resolve', 'all_wait', 'block', not 'soft'"),
        ({"starts": "sides"}, "starts must be one of 'anywhere', 'stations', not 'sides'"),
        ({"goals": "shelves"}, "goals must be one of 'alternate', 'sides', 'stations', 'anywhere', not 'shelves'"),
        (
            {"assigner": "hungarian"},
            "'nearest', 'schedule', 'optimal', 'module:function', not 'hungarian'",
        ),
        ({"observation": "sound"}, "observation must be one of 'goal', 'tabular', 'image', not 'sound'"),
        ({"reward": "two_stage"}, "reward must be one of 'individual', 'team', not 'two_stage'"),
        ({"max_cycles": 0}, "max_cycles must be an integer at least 1, not 0"),
        ({"max_cycles": None}, "max_cycles"),
        ({"shaping": -0.1}, "shaping must be a number from 0.0"),
        ({"shaping": float("nan")}, "shaping must be a number"),
        ({"shaping": "1"}, "shaping must be a number"),
        ({"shaping_gamma": 1.01}, "shaping_gamma must be a number from 0.0 to 1.0"),
        ({"distance_bytes": 0}, "distance_bytes must be an integer from 1"),
        ({"distance_bytes": 1.5}, "distance_bytes must be an integer from 1"),
        ({"mask": "action"}, "mask must be one of 'info', 'obs', None, not 'action'"),
        ({"mask": True}, "mask must be one of"),
        ({"agents_leave": "no"}, "agents_leave must be one of True, False"),
        (
            {"floor": "empty-5x5"},
            'goals="alternate" needs at least two such cells, and the floor has 0; use "anywhere"',
        ),
        ({"floor": "S..\nS..", "num_robots": 1}, 'goals="alternate" needs at least two such cells'),
        ({"floor": "S..\nE..", "num_robots": 1, "goals": "sides"}, 'goals="sides" needs at least two such cells'),
        ({"floor": "S..\nE..", "num_robots": 1, "goals": "stations"}, 'goals="stations" needs at least two such cells'),
        ({"floor": "E..\n...", "num_robots": 1, "goals": "anywhere", "starts": "stations"}, 'starts="stations" needs'),
        (
            {"floor": "EE.\n...", "num_robots": 3, "goals": "anywhere", "starts": "stations"},
            "num_robots must be at most 2",
        ),
        ({"floor": ".@\n@@", "num_robots": 1, "goals": "anywhere"}, "at least two free cells"),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_allowed(make, parameters, message):
    with pytest.raises(ParameterError) as caught:
        make(**parameters)
    assert message in str(caught.value)


@pytest.mark.parametrize("make", FACES)
def test_a_problem_has_as_many_robots_as_it_has(make, tmp_path):
    path = write_problem(tmp_path, ("...", "..."), [0, 1], [[2]])
    with pytest.raises(ParameterError, match=r"num_robots must be None or 2, as many as .*p\.json has, not 3"):
        make(problem=path, num_robots=3)
    assert make(problem=path).params.num_robots is None
    assert make(problem=path, num_robots=2).params.num_robots == 2


def test_a_mask_in_the_observation_is_for_pettingzoo():
    with pytest.raises(ParameterError, match='"obs" is for PettingZoo'):
        errands_v0.vector_env(mask="obs")
    env = errands_v0.parallel_env(mask="obs")
    obs, infos = env.reset(seed=0)
    assert all(env.observation_space(agent).contains(obs[agent]) for agent in env.agents)
    assert obs["robot_0"]["action_mask"].shape == (5,)
    assert "action_mask" not in infos["robot_0"]


def test_without_a_mask_nothing_has_one():
    vec = errands_v0.vector_env(2, mask=None)
    assert "action_mask" not in vec.reset(seed=0)[1]
    assert "action_mask" not in vec.step(np.ones((2, 8), int))[4]


@pytest.mark.parametrize("num_envs", [0, -1, 1.5, None])
def test_a_batch_has_at_least_one_environment(num_envs):
    with pytest.raises(ParameterError, match="num_envs must be an integer at least 1"):
        errands_v0.vector_env(num_envs)


@pytest.mark.parametrize("moves", ["compass", "rotate"])
def test_as_many_robots_as_cells_fit(moves):
    vec = errands_v0.vector_env(1, floor="..\n..", num_robots=4, goals="anywhere", moves=moves)
    vec.reset(seed=0)
    vec.step(np.ones((1, 4), int))
    assert len(set(vec.arrays.pos[0].tolist())) == 4


def test_parameters_cannot_be_changed_afterwards():
    params = errands_v0.vector_env(1).params
    with pytest.raises(AttributeError):
        params.floor = "kiva"


def test_numbers_of_numpy_become_python_s():
    vec = errands_v0.vector_env(1, num_robots=np.int64(3), shaping=np.float32(1), distance_bytes=np.int64(2**20))
    assert json.loads(json.dumps(vec.fingerprint)) == vec.fingerprint
    assert vec.reset(seed=0)[0].shape == (1, 3, 102)


@pytest.mark.parametrize("given", [{"floor": "kiva"}, {"starts": "stations"}, {"goals": "anywhere"}])
def test_what_a_problem_file_says_must_not_be_given(tmp_path, given):
    path = str(write_problem(tmp_path, ("...", "..."), [0], [[1], [2]]))
    assert errands_v0.vector_env(1, problem=path).num_agents == 1
    (name,) = given
    with pytest.raises(ParameterError, match=f"{name} must not be given, as .* says it, not "):
        errands_v0.vector_env(1, problem=path, **given)
