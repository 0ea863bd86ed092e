"""Parameters of the small worlds: what is refused, with which words; and what may be given as array."""

import json

import numpy as np
import pytest

import marl_envs
from marl_envs import gridworld_v0, matrix_v0, vacuum_v0
from marl_envs.core.params import ParameterError

BAD = [
    (vacuum_v0, {"robots": 2}, "unknown parameter 'robots'; allowed are rules, num_robots"),
    (vacuum_v0, {"rules": "both"}, "rules must be one of 'visits', 'dock', not 'both'"),
    (vacuum_v0, {"num_robots": 0}, "num_robots must be an integer from 1 to 16"),
    (vacuum_v0, {"battery": 0}, "battery must be an integer from 1 to 1000"),
    (vacuum_v0, {"dirt": (1, 2)}, "dirt must be a list or tuple of 4 numbers"),
    (vacuum_v0, {"dirt": (0, -1, 0, 0)}, "dirt[1] (kitchen) must be a number from 0.0"),
    (vacuum_v0, {"dirt": (0, 0, 0, float("nan"))}, "dirt[3] (bedroom 2) must be a number"),
    (vacuum_v0, {"dirt": (0, 0, 0, 0)}, "dirt must be above 0 in some room"),
    (vacuum_v0, {"bonus": "2"}, "bonus must be a number"),
    (vacuum_v0, {"num_robots": 9}, "the table would have"),
    (vacuum_v0, {"observation": "image"}, "observation must be one of 'tabular', 'vector'"),
    (matrix_v0, {"game": "chess"}, "game must be one of 'climbing'"),
    (matrix_v0, {"game": "penalty", "penalty": 1}, "penalty must be a number from -1000000.0 to 0.0, not 1"),
    (matrix_v0, {"game": "penalty", "payoff": [[1]]}, "game and payoffs cannot both be given"),
    (matrix_v0, {"payoff": [[1]], "payoffs": [[[1]], [[1]]]}, "payoff and payoffs cannot both be given"),
    (matrix_v0, {"alternative": [[1]]}, "alternative goes with payoff or payoffs, not with game='climbing'"),
    (matrix_v0, {"payoff": [[1, 2], [3]]}, "payoff must be an array of numbers, or nested lists of equal lengths"),
    (matrix_v0, {"payoff": [["a"]]}, "payoff must be an array of numbers"),
    (matrix_v0, {"payoff": [[1, 2], [3, float("nan")]]}, "payoff[1, 1] must be a number from -1e9 to 1e9, not nan"),
    (matrix_v0, {"payoff": [[1, float("inf")]]}, "payoff[0, 1] must be a number"),
    (matrix_v0, {"payoff": 3}, "payoff must be an array of numbers"),
    (matrix_v0, {"payoff": []}, "payoffs of shape (0,) leave no agents or no actions"),
    (matrix_v0, {"payoff": [1, 2], "transitions": [0, 1]}, "payoffs of shape (2,) leave no agents"),
    (matrix_v0, {"payoffs": [[[1, 2]], [[1, 2]], [[1, 2]]]}, "an array for each of 2 agents, not 3"),
    (matrix_v0, {"payoff": [[1, 2]], "alternative": [[1], [2]]}, "alternative must have the shape of the payoffs"),
    (matrix_v0, {"payoff": [[[1]]], "transitions": [[1]]}, "transitions must have the shape (1, 1, 1), not (1, 1)"),
    (matrix_v0, {"payoff": [[[1, 1]]], "transitions": [[[0, 2]]]}, "transitions[0, 0, 1] must be a state from 0 to 0"),
    (matrix_v0, {"payoff": [[[1]]], "transitions": [[[0.5]]]}, "transitions must be an array of integers"),
    (matrix_v0, {"game": "boutilier", "repeated": True}, "repeated is for games of one state"),
    (matrix_v0, {"repeated": 1}, "repeated must be one of True, False"),
    (matrix_v0, {"payoff": np.zeros((5000, 5000))}, "payoff has 25000000 numbers, more than 1048576"),
    (gridworld_v0, {"world": "mars"}, "must be one of 'cliff', 'dyna_maze'"),
    (gridworld_v0, {"world": 3}, "must be one of 'cliff'"),
    (gridworld_v0, {"world": "S.\n.GG"}, "world line 2 has 3 cells, the first line 2"),
    (gridworld_v0, {"world": "S.\nxG"}, "world line 2, column 1: 'x' is none of"),
    (gridworld_v0, {"world": "..\n.G"}, "world needs a start cell S"),
    (gridworld_v0, {"world": "..\n.S"}, "world needs a goal cell G"),
    (gridworld_v0, {"slip": 1.5}, "slip must be a number from 0.0 to 1.0"),
    (gridworld_v0, {"corridor": 0}, "corridor must be an integer from 1"),
    (gridworld_v0, {"start": (0, 99)}, "start must be the (row, col) of a free cell, not (0, 99)"),
    (gridworld_v0, {"start": (3, 4)}, "start must be the (row, col) of a free cell"),  # cliff
    (gridworld_v0, {"start": (0, -1)}, "start[1] must be an integer at least 0"),
    (gridworld_v0, {"goal": 3}, "goal must be (row, col), not 3"),
    (gridworld_v0, {"world": "t_maze", "goal": (0, 0)}, "goal cannot be given for the T-maze"),
    (gridworld_v0, {"change_at": 5}, "changed and change_at go together"),
    (gridworld_v0, {"world": "S.\n.G", "changed": "S#\n.G"}, "changed and change_at go together"),
    (gridworld_v0, {"world": "S.\n.G", "changed": "S#", "change_at": 1}, "changed must have the shape of the world"),
    (gridworld_v0, {"world": "S.\n.G", "changed": "S.\nG.", "change_at": 1}, "changed line 2, column 1: only walls"),
    (gridworld_v0, {"step_reward": float("nan")}, "step_reward must be a number"),
]


@pytest.mark.parametrize(("module", "parameters", "message"), BAD)
def test_a_bad_parameter_is_named_with_what_is_allowed(module, parameters, message):
    for make in (module.vector_env, module.parallel_env):
        with pytest.raises(ParameterError) as caught:
            make(**parameters)
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("module", "parameters"),
    [
        (vacuum_v0, {"dirt": [0, 1, 2, 3], "battery": np.int64(5)}),
        (matrix_v0, {"payoff": np.arange(8).reshape(2, 2, 2), "alternative": np.zeros((2, 2, 2))}),
        (matrix_v0, {"payoffs": ((1, 2), (3, 4), (5, 6))[:1]}),
        (matrix_v0, {"payoff": [[[1, 2]], [[3, 4]]], "transitions": np.array([[[0, 1]], [[-1, 0]]])}),
        (gridworld_v0, {"world": "dyna_maze", "start": [5, 5], "goal": (0, 0)}),
    ],
)
def test_parameters_travel_as_json(module, parameters):
    vec = module.vector_env(2, **parameters)
    fingerprint = json.loads(json.dumps(vec.fingerprint))
    assert fingerprint == vec.fingerprint
    assert marl_envs.from_fingerprint(fingerprint).params == vec.params


def test_what_is_given_is_copied():
    payoff = np.ones((2, 2))
    params = matrix_v0.Params(payoff=payoff)
    payoff[:] = 5
    assert params.payoff == [[1, 1], [1, 1]]
