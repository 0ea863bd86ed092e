"""Parameters: what is refused, with which words, and that nothing is built before."""

import json

import numpy as np
import pytest

from marl_envs import warehouse_v0
from marl_envs.core.params import ParameterError

FACES = (warehouse_v0.vector_env, warehouse_v0.parallel_env)


@pytest.mark.parametrize("make", FACES)
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"robots": 2}, "unknown parameter 'robots'; allowed are layout, num_robots, request_queue_size"),
        ({"layout": "mars"}, "unknown layout 'mars'"),
        ({"layout": "xx\n.g\n."}, "layout line 3 has 1 cells"),
        ({"layout": "xx\n.."}, "no goal"),
        ({"layout": "5x5", "num_robots": 26}, "num_robots must be an integer from 1 to 25 (the floor has 25 cells)"),
        ({"num_robots": 0}, "num_robots must be an integer from 1 to 110"),
        ({"num_robots": -2}, "num_robots must be an integer from 1"),
        ({"num_robots": 2.0}, "num_robots must be an integer"),
        ({"num_robots": True}, "num_robots must be an integer"),
        ({"num_robots": "2"}, "num_robots must be an integer"),
        ({"num_robots": None}, "num_robots must be an integer"),
        ({"request_queue_size": -1}, "request_queue_size must be an integer from 0 to 31 (there are 32 shelves)"),
        ({"request_queue_size": 32}, "request_queue_size must be an integer from 0 to 31"),
        ({"layout": "5x5", "num_robots": 4}, "request_queue_size must be given (0 to 3) for 4 robots"),
        (
            {"observation": "film"},
            "observation must be one of 'flattened', 'goal', 'tabular', 'image', 'tabular_push', not 'film'",
        ),
        (
            {"image_layers": ("agents", "walls")},
            "image_layers must be a list or tuple of some of 'shelves', 'requests'",
        ),
        ({"image_layers": "agents"}, "image_layers must be a list or tuple of some of 'shelves'"),
        ({"image_layers": ()}, "image_layers must be a list or tuple"),
        ({"image_layers": ("goals", "agents", "goals")}, "image_layers must have each name at most once"),
        ({"image_rotated": 1}, "image_rotated must be one of True, False, not 1"),
        ({"reward": "global"}, "reward must be one of 'individual', 'team', 'two_stage', not 'global'"),
        ({"sensor_range": 0}, "sensor_range must be an integer from 1 to 20"),
        ({"sensor_range": 21}, "sensor_range"),
        ({"message_bits": -1}, "message_bits must be an integer from 0 to 8"),
        ({"message_bits": 9}, "message_bits"),
        ({"max_cycles": 0}, "max_cycles must be an integer at least 1, not 0"),
        ({"max_cycles": None}, "max_cycles"),
        ({"max_inactivity": 0}, "max_inactivity must be an integer at least 1"),
        ({"shaping": -0.1}, "shaping must be a number from 0.0"),
        ({"shaping": float("nan")}, "shaping must be a number"),
        ({"shaping": "1"}, "shaping must be a number"),
        ({"shaping_gamma": 1.01}, "shaping_gamma must be a number from 0.0 to 1.0"),
        ({"rware_compat": 1}, "rware_compat must be one of True, False, not 1"),
        ({"mask": "action"}, "mask must be one of 'info', 'obs', None, not 'action'"),
        ({"mask": True}, "mask must be one of"),
        ({"agents_leave": "no"}, "agents_leave must be one of True, False"),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_allowed(make, parameters, message):
    with pytest.raises(ParameterError) as caught:
        make(**parameters)
    assert message in str(caught.value)


def test_a_mask_in_the_observation_is_for_pettingzoo():
    with pytest.raises(ParameterError, match='"obs" is for PettingZoo'):
        warehouse_v0.vector_env(mask="obs")
    env = warehouse_v0.parallel_env(mask="obs")
    obs, infos = env.reset(seed=0)
    assert all(env.observation_space(agent).contains(obs[agent]) for agent in env.agents)
    assert obs["robot_0"]["action_mask"].shape == (5,)
    assert "action_mask" not in infos["robot_0"]


def test_without_a_mask_nothing_has_one():
    vec = warehouse_v0.vector_env(2, mask=None)
    assert "action_mask" not in vec.reset(seed=0)[1]
    assert "action_mask" not in vec.step(np.ones((2, 2), int))[4]


@pytest.mark.parametrize("num_envs", [0, -1, 1.5, None])
def test_a_batch_has_at_least_one_environment(num_envs):
    with pytest.raises(ParameterError, match="num_envs must be an integer at least 1"):
        warehouse_v0.vector_env(num_envs)


@pytest.mark.parametrize(
    ("parameters", "queue"),
    [({}, 2), ({"num_robots": 5}, 5), ({"request_queue_size": 0}, 0), ({"request_queue_size": 31}, 31)],
)
def test_the_queue_is_as_long_as_there_are_robots_unless_told(parameters, queue):
    vec = warehouse_v0.vector_env(1, **parameters)
    vec.reset(seed=0)
    assert vec.params.queue_size == vec.arrays.queue.shape[1] == queue
    assert vec.arrays.requested.sum() == queue


def test_as_many_robots_as_cells_fit():
    vec = warehouse_v0.vector_env(1, layout="5x5", num_robots=25, request_queue_size=3)
    vec.reset(seed=0)
    vec.step(np.ones((1, 25), int))
    assert len(set(vec.arrays.pos[0].tolist())) == 25
    vec = warehouse_v0.vector_env(1, layout="xx\n.g", num_robots=1, request_queue_size=1)
    vec.reset(seed=0)
    vec.step(np.ones((1, 1), int))


def test_parameters_cannot_be_changed_afterwards():
    params = warehouse_v0.vector_env(1).params
    with pytest.raises(AttributeError):
        params.layout = "small"


def test_numbers_of_numpy_become_python_s():
    vec = warehouse_v0.vector_env(1, sensor_range=np.uint8(2), num_robots=np.int64(3), shaping=np.float32(1))
    assert json.loads(json.dumps(vec.fingerprint)) == vec.fingerprint
    assert vec.reset(seed=0)[0].shape == (1, 3, 8 + 7 * 25)


def test_more_shelves_than_can_be_numbered_are_refused():
    with pytest.raises(ParameterError, match="the layout has 40000 shelf homes; at most 32000"):
        warehouse_v0.vector_env(1, layout="\n".join(["x" * 200] * 200 + ["g" + "." * 199]))


def test_distance_tables_that_would_fill_the_memory_are_refused():
    vec = warehouse_v0.vector_env(1, layout="200x200")
    vec.reset(seed=0)
    with pytest.raises(ParameterError, match=r"would take 1\d\.\d GiB, more than 2 GiB; .* observation=\"flattened\""):
        vec.require_guidance()
    with pytest.raises(ParameterError, match="would take"):
        warehouse_v0.vector_env(1, layout="200x200", observation="tabular")
    vec.step(np.zeros((1, 2), int))
