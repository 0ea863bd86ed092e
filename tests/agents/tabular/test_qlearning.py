"""Tabular Q-learning: exact values, what it refuses, saving and loading."""

import numpy as np
import pytest
from gymnasium.spaces import Box

from agents import Boltzmann, CheckpointError, EpsilonGreedy, IndependentQLearning, Linear, SharedRewardQLearning
from agents.exploration import Exploration
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.corridor import COST, Corridor

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

ALWAYS = EpsilonGreedy(1.0)


def learn(learner, vec, steps, seed=0):
    """Play and learn for `steps` steps of the batch."""
    learner.begin(steps * vec.num_envs * vec.num_agents)
    obs, info = vec.reset(seed=seed)
    for _ in range(steps):
        mask, alive = info.get("action_mask"), info["alive"]
        actions = learner.act(obs, mask)
        after, reward, terminated, _, info = vec.step(actions)
        masks = {"next_mask": info.get("action_mask"), "final_mask": info.get("final_action_mask")}
        learner.update(obs, actions, reward, after, info["final_obs"], info["ended"], terminated, alive, **masks)
        obs = after
    return learner


def walked(q, vec, gamma=0.9, scale=1.0):
    """Compare with the exact values, but for moves that the masks never allow (they keep their initial 0)."""
    exact = vec.optimal_q(gamma) * scale
    if vec.params.mask:
        exact[0, 1] = 0.0
    np.testing.assert_allclose(q, exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("goal_ends", [True, False])
@pytest.mark.parametrize("share_table", [True, False])
def test_own_reward_reaches_the_exact_values(share_table, goal_ends, mask):
    vec = Corridor(num_envs=4, mask=mask, goal_ends=goal_ends)
    learner = IndependentQLearning(vec, alpha=1.0, gamma=0.9, exploration=ALWAYS, share_table=share_table)
    learn(learner, vec, 2000)
    assert len(learner.q) == (1 if share_table else 2)
    for table in learner.q:
        walked(table, vec)


def test_short_episodes_change_nothing_because_truncation_bootstraps():
    """With three steps an episode most walks never arrive in one; their values must be those of the endless walk."""
    vec = Corridor(num_envs=4, max_cycles=3)
    walked(learn(IndependentQLearning(vec, alpha=1.0, gamma=0.9, exploration=ALWAYS), vec, 3000).q[0], vec)


def test_team_reward_reaches_the_exact_values_of_the_sum():
    """Riders are paid 2 and 3 times what the walker is: the team's values are 6 times the walker's own."""
    settings = {"alpha": 1.0, "gamma": 0.9, "exploration": ALWAYS, "share_table": False}
    own = Corridor(num_agents=3, riders=True)
    walked(learn(IndependentQLearning(own, **settings), own, 2000).q[0], own)
    team = Corridor(num_agents=3, riders=True, reward="team")
    walked(learn(SharedRewardQLearning(team, **settings), team, 2000).q[0], team, scale=6.0)


def test_boltzmann_exploration_reaches_the_exact_values():
    vec = Corridor(length=4)
    walked(learn(IndependentQLearning(vec, alpha=1.0, gamma=0.9, exploration=Boltzmann(2.0)), vec, 3000).q[0], vec)


def one_step(**changes):
    """Let a learner with value 10 everywhere at observation 2 learn one step 1 -> 2, and return its new q(1, 0)."""
    vec = Corridor(num_envs=1, num_agents=1)
    learner = IndependentQLearning(vec, alpha=0.5, gamma=0.9)
    learner.q[0, 2] = 10.0
    one = np.ones((1, 1), np.int32)
    sample = {
        "obs": one,
        "actions": np.zeros((1, 1), np.int64),
        "reward": np.ones((1, 1), np.float32),
        "next_obs": 2 * one,
        "final_obs": 0 * one,
        "ended": np.zeros(1, bool),
        "terminated": np.zeros((1, 1), bool),
        "alive": np.ones((1, 1), bool),
    }
    learner.update(**{**sample, **changes})
    assert learner.steps == 1
    return learner.q[0, 1, 0]


def test_targets_of_a_single_step():
    yes, two, zero = np.ones((1, 1), bool), np.full((1, 1), 2, np.int32), np.zeros((1, 1), np.int32)
    assert one_step() == pytest.approx(0.5 * (1 + 9))
    truncated = {"ended": yes[0], "next_obs": zero, "final_obs": two}
    assert one_step(**truncated) == pytest.approx(0.5 * (1 + 9))
    assert one_step(**truncated, terminated=yes) == pytest.approx(0.5)
    assert one_step(terminated=yes) == pytest.approx(0.5)
    assert one_step(alive=~yes) == 0.0
    assert one_step(next_mask=np.array([[[0, 0, 1]]], np.int8)) == pytest.approx(5.0)


def test_masked_actions_do_not_count_in_the_target():
    """All true values here are negative, so a maximum over masked actions too would find their initial 0."""
    vec = Corridor(length=30, num_envs=8, max_cycles=10)
    learner = learn(IndependentQLearning(vec, alpha=1.0, gamma=0.9, exploration=ALWAYS), vec, 3000)
    assert learner.q[0, 0, [0, 2]].max() < COST
    assert learner.q[0, 0, 0] == pytest.approx(COST + 0.9 * learner.q[0, 0].astype(float)[[0, 2]].max(), rel=1e-3)


def test_explore_false_is_greedy():
    vec = Corridor(num_envs=4)
    learner = IndependentQLearning(vec, exploration=ALWAYS)
    learner.q[0, :, 2] = 1.0
    assert (learner.act(np.ones((4, 2), np.int32), explore=False) == 2).all()
    assert len(np.unique([learner.act(np.ones((4, 2), np.int32)) for _ in range(10)])) == 3


def test_schedules_follow_the_progress():
    vec = Corridor(num_envs=1, num_agents=1)
    learner = IndependentQLearning(vec, exploration=EpsilonGreedy(Linear(1.0, 0.0)), alpha=Linear(0.2, 0.0))
    assert learner.progress == 0.0
    learn(learner, vec, 10)
    assert learner.progress == 1.0
    before = learner.q.copy()
    learn_more = learner.update
    batch = np.zeros((1, 1), np.int32)
    no = np.zeros((1, 1), bool)
    learn_more(batch, batch, batch + 1.0, batch, batch, no[0], no, ~no)  # alpha is 0 now
    assert (learner.q == before).all()
    learner.begin(100)
    assert learner.progress == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"obs": np.zeros((4, 3), np.int32)}, r"obs must have shape \(4, 2\), not \(4, 3\)"),
        ({"obs": np.zeros((4, 2), np.float32)}, "obs must be an array of int32, not float32"),
        ({"obs": np.full((4, 2), 2**40)}, "obs has values outside int32"),
        ({"obs": np.full((4, 2), 6, np.int32)}, r"environment 0, agent 0: obs 6.*\[0, 6\)"),
        ({"mask": np.zeros((4, 2, 3), np.int8)}, "every mask must allow an action"),
        ({"mask": np.ones((4, 2, 5), np.int8)}, "mask must have shape"),
    ],
)
def test_act_refuses_bad_input(change, message):
    learner = IndependentQLearning(Corridor())
    before = learner.rng.copy()
    with pytest.raises(ValueError, match=message):
        learner.act(**{"obs": np.zeros((4, 2), np.int32), "mask": None, **change})
    assert (learner.rng == before).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actions": np.full((4, 2), 3)}, r"action 3.*actions in \[0, 3\)"),
        ({"actions": np.zeros((4, 2))}, "actions must be an array of int64, not float64"),
        ({"reward": np.full((4, 2), np.nan, np.float32)}, "reward nan"),
        ({"ended": np.zeros((4, 2), bool)}, r"ended must have shape \(4,\)"),
        ({"terminated": np.zeros((4, 2), np.int8)}, "terminated must be an array of bool"),
    ],
)
def test_update_refuses_bad_input(change, message):
    learner = IndependentQLearning(Corridor())
    zeros, no = np.zeros((4, 2), np.int32), np.zeros((4, 2), bool)
    names = ("obs", "actions", "reward", "next_obs", "final_obs")
    sample = {**dict.fromkeys(names, zeros), "ended": no[:, 0], "terminated": no, "alive": ~no}
    with pytest.raises(ValueError, match=message):
        learner.update(**{**sample, **change})
    assert learner.steps == 0
    assert not learner.q.any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 1.5}, "alpha must be"),
        ({"alpha": Linear(0.1, -0.1)}, "alpha must stay"),
        ({"gamma": -0.1}, "gamma must be"),
        ({"exploration": 0.1}, "exploration must be one of epsilon_greedy, boltzmann"),
        ({"exploration": Exploration}, "exploration must be one of"),
        ({"share_table": 1}, "share_table must be one of True, False"),
        ({"seed": -1}, "seed must be"),
        ({"initial": np.nan}, "initial must be"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        IndependentQLearning(Corridor(), **settings)


def test_the_wrong_reward_is_refused():
    with pytest.raises(ParameterError, match=r'SharedRewardQLearning needs .*reward="team", not reward=\'individual\''):
        SharedRewardQLearning(Corridor())
    with pytest.raises(ParameterError, match="use SharedRewardQLearning"):
        IndependentQLearning(Corridor(reward="team"))


def test_observations_that_are_no_numbers_of_states_are_refused():
    vec = Corridor()
    vec.observation_space = Box(0.0, 1.0, (3,))
    with pytest.raises(ParameterError, match='observation="tabular"'):
        IndependentQLearning(vec)
    vec = Corridor()
    vec.action_space = Box(0.0, 1.0, (3,))
    with pytest.raises(ParameterError, match="Discrete actions"):
        IndependentQLearning(vec)


def test_a_loaded_learner_continues_with_the_same_bits(tmp_path):
    vec = Corridor()
    settings = {"gamma": 0.9, "exploration": Boltzmann(0.5), "share_table": False, "initial": 0.25, "seed": 3}
    learner = learn(IndependentQLearning(vec, **settings), vec, 50)
    learner.save(tmp_path / "a.npz")
    other = IndependentQLearning.load(tmp_path / "a.npz", Corridor())
    assert other.settings() == learner.settings()
    assert (other.steps, other.total_steps) == (learner.steps, learner.total_steps)
    for one in (learner, other):
        learn(one, Corridor(), 50, seed=1)
    np.testing.assert_array_equal(other.q, learner.q)
    np.testing.assert_array_equal(other.rng, learner.rng)


def test_another_batch_size_may_load_the_table(tmp_path):
    learner = learn(IndependentQLearning(Corridor()), Corridor(), 50)
    learner.save(tmp_path / "a.npz")
    other = IndependentQLearning.load(tmp_path / "a.npz", Corridor(num_envs=1))
    np.testing.assert_array_equal(other.q, learner.q)
    assert other.act(np.zeros((1, 2), np.int32)).shape == (1, 2)


def test_another_environment_is_refused_with_what_differs(tmp_path):
    IndependentQLearning(Corridor(max_cycles=20)).save(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match=r"a\.npz .*params\.max_cycles is 20 there, 30 here$"):
        IndependentQLearning.load(tmp_path / "a.npz", Corridor(max_cycles=30))
    IndependentQLearning.load(tmp_path / "a.npz", Corridor(max_cycles=30), transfer=True)
    with pytest.raises(CheckpointError, match=r"q float32 \(1, 6, 3\), needed is float32 \(1, 7, 3\)"):
        IndependentQLearning.load(tmp_path / "a.npz", Corridor(length=7), transfer=True)


def test_another_kind_of_learner_is_refused(tmp_path):
    IndependentQLearning(Corridor()).save(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match="'IndependentQLearning' there, 'SharedRewardQLearning' here"):
        SharedRewardQLearning.load(tmp_path / "a.npz", Corridor(reward="team"))


def test_restore_refuses_other_settings_and_changes_nothing():
    header, arrays = learn(IndependentQLearning(Corridor()), Corridor(), 20).dump()
    fresh = IndependentQLearning(Corridor(), gamma=0.5)
    with pytest.raises(CheckpointError, match=r"gamma is 0\.99 there, 0\.5 here"):
        fresh.restore("x.npz", header, arrays)
    assert not fresh.q.any()
    fresh = IndependentQLearning(Corridor())
    with pytest.raises(CheckpointError, match="rng"):
        fresh.restore("x.npz", header, {"q": arrays["q"]})
    with pytest.raises(CheckpointError, match="how far"):
        fresh.restore("x.npz", {**header, "steps": None}, arrays)
    assert not fresh.q.any()
