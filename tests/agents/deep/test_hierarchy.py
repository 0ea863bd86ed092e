"""Hierarchy on networks: digits, a worker as a table, and a manager that learns."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents import EpsilonGreedy, ShelfOptions, evaluate, train  # noqa: E402
from agents.deep import GRU, MLP, IndependentDQN  # noqa: E402
from agents.deep.hierarchy import Digits, as_table, manager_env, one_hot_digits, worker_env  # noqa: E402
from agents.options.env import OptionsEnv  # noqa: E402
from agents.options.worker import WorkerEnv  # noqa: E402
from marl_envs import warehouse_v0  # noqa: E402
from marl_envs.core.params import ParameterError  # noqa: E402
from tests.agents.corridor import Corridor  # noqa: E402
from tests.agents.running import after, run  # noqa: E402

SMALL = {"seed": 1, "batch": 8, "learn_after": 40, "replay": 400, "body": MLP((8,))}


def floor(num_envs=4):
    return warehouse_v0.vector_env(num_envs=num_envs, layout="5x5", num_robots=2, max_cycles=40)


def test_digits_are_those_of_the_number():
    bases = (3, 2, 5)
    found = one_hot_digits(bases)
    for number in range(30):
        expected = [0.0] * 10
        expected[number // 10] = expected[3 + number // 5 % 2] = expected[5 + number % 5] = 1.0
        assert found[number].tolist() == expected


@pytest.mark.parametrize("make", [worker_env, manager_env])
def test_the_batch_below_is_shown_digit_by_digit_and_else_the_same(make):
    shown, below = make(floor(), ShelfOptions(floor(1))), OptionsEnv(floor(), ShelfOptions(floor(1)))
    below = WorkerEnv(below) if make is worker_env else below
    (obs, info), (numbers, _) = shown.reset(seed=3), below.reset(seed=3)
    rng = np.random.default_rng(0)

    def read(digits, like):
        """The numbers again, from where the ones are."""
        digits, number = digits.reshape(*like.shape, -1), np.zeros(like.shape, int)
        for part in np.split(digits, np.cumsum(shown.bases)[:-1], axis=-1):
            assert (part.sum(-1) == 1).all()
            number = number * part.shape[-1] + part.argmax(-1)
        return number

    for _ in range(60):
        np.testing.assert_array_equal(read(obs, numbers), numbers)
        actions = (rng.random(info["action_mask"].shape) * info["action_mask"]).argmax(-1)
        obs, reward, _, _, info = shown.step(actions)
        numbers, expected, _, _, other = below.step(actions)
        np.testing.assert_array_equal(reward, expected)
        np.testing.assert_array_equal(read(info["final_obs"], numbers), other["final_obs"])
    assert obs.shape[2:] == shown.observation_space.shape


def test_a_worker_as_a_table_moves_as_its_network():
    shop = worker_env(floor(), ShelfOptions(floor(1)))
    worker, _, _ = run(IndependentDQN(shop, **SMALL), shop, 400)
    table = as_table(worker)
    assert table.shape == (2, 6208, 5)
    assert table.dtype == np.float32
    raw = WorkerEnv(OptionsEnv(floor(), ShelfOptions(floor(1))))
    numbers, info = raw.reset(seed=2)
    (obs, _), policy = shop.reset(seed=2), worker.greedy()
    for _ in range(50):
        values = np.where(info["action_mask"] != 0, table[[0, 1], numbers], -np.inf)
        actions = policy.choose(obs, info["action_mask"])
        chosen = np.take_along_axis(values, actions[..., None], -1)[..., 0]
        np.testing.assert_allclose(chosen, values.max(-1), atol=1e-5)
        numbers, _, _, _, info = raw.step(actions)
        obs = shop.step(actions)[0]
    ShelfOptions(floor(1), worker=table)  # which is what it is for


def test_a_manager_resumes_to_the_same_bits(tmp_path):
    def made():
        env = manager_env(floor(), ShelfOptions(floor(1)))
        return IndependentDQN(env, **SMALL), env

    whole, _, _ = run(*made(), steps=400)
    run(*made(), steps=400, checkpoint=tmp_path / "a.safetensors", stop=after(21))
    again, _, _ = run(*made(), steps=400, checkpoint=tmp_path / "a.safetensors", resume=True)
    for name, array in whole.knowledge().items():
        np.testing.assert_array_equal(array, again.knowledge()[name])


def test_values_of_options_are_those_of_the_whole_option():
    """With a mask that pins, Q of the first step is what the whole walk earns: r + g r' + ... to its end."""
    vec = Pinned(num_envs=8, length=5, num_agents=1, max_cycles=8)
    learner = IndependentDQN(
        vec,
        **{**SMALL, "batch": 32, "body": MLP((32,)), "replay": 4000, "tau": 0.1, "gamma": 0.9},
        exploration=EpsilonGreedy(1.0),
        learning_rate=5e-3,
    )
    train(learner, vec, 8_000, seed=0, progress=False)
    obs = torch.zeros(1, 1, 1, dtype=torch.int64)
    values = learner.team(obs, torch.zeros(1, 1, 0), torch.zeros(1, 1, 1, dtype=torch.bool))[0][0, 0, 0]
    walk = sum(0.9**k * -0.25 for k in range(3)) + 0.9**3  # to the last of five cells
    assert values[2].item() == pytest.approx(walk, abs=0.05)


class Pinned(Corridor):
    """The corridor in which who has begun to go right (action 2) goes on, as with an option."""

    @property
    def action_mask(self):
        mask = super().action_mask.copy()
        cell = self.arrays["cell"]
        mask[cell > 0] = [0, 0, 1]
        return mask


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: Digits(Corridor(length=6), (2, 4)), r"make numbers below 8, but observations are Discrete\(6\)"),
        (lambda: Digits(floor(), (2, 4)), "digits are of numbers"),
        (lambda: Digits(Corridor(length=6), (0, 6)), "bases"),
        (lambda: as_table(IndependentDQN(Corridor(), **SMALL)), "learned in worker_env"),
        (lambda: as_table(IndependentDQN(Digits(Corridor(), (6,)), **{**SMALL, "body": GRU(4)})), "without memory"),
    ],
)
def test_what_does_not_fit_is_refused(made, words):
    with pytest.raises(ParameterError, match=words):
        made()


def test_a_snapshot_of_other_digits_is_refused():
    env = Digits(Corridor(length=6), (2, 3))
    env.reset(seed=0)
    with pytest.raises(ValueError, match="other digits"):
        Digits(Corridor(length=6), (3, 2)).set_state(env.get_state())
    assert copy.deepcopy(env).bases == (2, 3)
    assert evaluate(IndependentDQN(env, **SMALL), env, 2, seed=0)
