"""Potential-based shaping: what is paid, that Q-learning takes it for other initial values, and what others exploit."""

import numpy as np
import pytest

from agents import EpsilonGreedy, IndependentQLearning, train
from marl_envs import gridworld_v0, vacuum_v0
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from marl_envs.wrappers import ShapedVectorEnv, shaped
from tests import relay
from tests.agents.corridor import Corridor

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

HEIGHT = np.array([0.0, 2.0, -1.0, 3.0, 0.5, 0.0])  # potentials of the corridor's cells; the last is the end


def potential(obs):
    return HEIGHT[obs]


def corridor(**params):
    return ShapedVectorEnv(Corridor(**{"mask": False, **params}), potential, 1.0)


@pytest.mark.parametrize("max_cycles", [20, 4])
@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_shaping_is_the_same_as_other_initial_values(epsilon, max_cycles):
    """The same choices in every step, and tables that differ by the potential, exactly (all numbers are quarters)."""
    settings = {"alpha": 1.0, "gamma": 1.0, "exploration": EpsilonGreedy(epsilon), "seed": 4}
    vec = corridor(max_cycles=max_cycles)
    hinted = IndependentQLearning(vec, **settings)
    train(hinted, vec, 8000, seed=1, progress=False)
    plain = Corridor(mask=False, max_cycles=max_cycles)
    started = IndependentQLearning(plain, **settings)
    started.q[0] = HEIGHT[:, None]
    train(started, plain, 8000, seed=1, progress=False)
    np.testing.assert_array_equal(vec.env.arrays["cell"], plain.arrays["cell"])
    np.testing.assert_array_equal(vec.env.arrays["total"], plain.arrays["total"])
    np.testing.assert_array_equal(hinted.rng, started.rng)
    np.testing.assert_array_equal(hinted.q[0] + HEIGHT[:, None], started.q[0])
    assert hinted.q[0].any()


def test_the_identity_holds_for_any_rate_but_for_rounding():
    settings = {"alpha": 0.3, "gamma": 0.9, "exploration": EpsilonGreedy(1.0), "seed": 4}
    vec = ShapedVectorEnv(Corridor(), potential, 0.9)
    hinted, started = IndependentQLearning(vec, **settings), IndependentQLearning(Corridor(), **settings)
    started.q[0] = HEIGHT[:, None]
    train(hinted, vec, 4000, seed=1, progress=False)
    train(started, Corridor(), 4000, seed=1, progress=False)
    np.testing.assert_allclose(hinted.q[0] + HEIGHT[:, None], started.q[0], atol=1e-5)


def test_an_episode_earns_as_much_more_whatever_is_done():
    """Undiscounted, hints add up to minus the potential of the start, or to the difference of both ends.

    The latter if the episode was cut off. Finished agents get nothing.
    """
    vec, draws = corridor(num_envs=6), np.random.default_rng(3)
    obs, info = vec.reset(seed=2)
    start, hints, kinds = obs.copy(), np.zeros((6, 2)), set()
    for _ in range(300):
        alive = info["alive"].copy()
        obs, reward, terminated, truncated, info = vec.step(draws.integers(0, 3, (6, 2)))
        extra = reward - info["unshaped_reward"]
        assert not extra[~alive].any()
        hints += extra
        for e, a in np.argwhere(terminated):
            assert hints[e, a] == -HEIGHT[start[e, a]]
            kinds.add("terminated")
        for e, a in np.argwhere(truncated & ~terminated & alive):
            assert hints[e, a] == HEIGHT[info["final_obs"][e, a]] - HEIGHT[start[e, a]]
            kinds.add("truncated")
        start[info["ended"]], hints[info["ended"]] = obs[info["ended"]], 0.0
    assert kinds == {"terminated", "truncated"}


def test_a_bonus_that_is_no_potential_is_exploited():
    """Pay for each step towards the goal and nothing for steps away: going back and forth beats arriving."""
    bonus = 1.0
    for honest in (True, False):
        vec = Corridor(num_envs=4, num_agents=1, mask=False, max_cycles=100)
        learner = IndependentQLearning(vec, alpha=1.0, gamma=0.9, exploration=EpsilonGreedy(1.0))
        obs, info = vec.reset(seed=0)
        for _ in range(2000):
            alive, actions = info["alive"], learner.act(obs)
            after, reward, terminated, _, info = vec.step(actions)
            final = np.where(info["ended"][:, None], info["final_obs"], after)
            there = np.where(terminated, 0 if honest else 5, final)  # cells are their own potential
            moved = (0.9 * there - obs) if honest else np.maximum(there - obs, 0.0)
            pay = (reward + bonus * moved).astype(np.float32)
            learner.update(obs, actions, pay, after, info["final_obs"], info["ended"], terminated, alive)
            obs = after
        best = learner.q[0, 4].argmax()
        assert (best == 2) == honest  # before the goal: go in, or away to come back for the bonus


def test_both_faces_pay_the_same():
    """Two vacuums, whose two faces agree on rewards without shaping, so they must with it."""
    settings = {"num_robots": 2, "max_cycles": 30, "observation": "vector", "battery": 1000, "bonus": 0.0}
    settings |= {"dirt": (1.0, 1.0, 1.0, 0.0), "rules": "dock"}
    hint, gamma = (lambda obs: obs[..., :5].sum(axis=-1) + obs[..., 1]), 0.9
    vec = shaped(vacuum_v0.vector_env(num_envs=1, **settings), hint, gamma)
    env = shaped(vacuum_v0.parallel_env(**settings), hint, gamma)
    seen, (obs, _) = vec.reset(seed=3)[0], env.reset(seed=3)
    draws, total = np.random.default_rng(0), 0.0
    for _ in range(30):
        before = float(hint(seen[0, 0]))
        actions = draws.integers(0, 4, (1, 2))
        seen, reward, _, truncated, info = vec.step(actions)
        obs, pay, _, _, infos = env.step(dict(zip(env.possible_agents, actions[0].tolist(), strict=True)))
        last = info["final_obs"] if truncated.any() else seen
        for a, agent in enumerate(env.possible_agents):
            assert pay[agent] == pytest.approx(reward[0, a], abs=1e-5)
            assert infos[agent]["unshaped_reward"] == info["unshaped_reward"][0, a]
            np.testing.assert_array_equal(obs[agent], last[0, a])
        assert reward[0, 0] - info["unshaped_reward"][0, 0] == pytest.approx(
            gamma * hint(last[0, 0]) - before, abs=1e-5
        )
        total += abs(before)
    assert total > 0
    assert truncated.all()


@pytest.mark.parametrize("leave", [True, False])
def test_agents_that_finish_early_are_hinted_until_then(leave):
    """Runners finish one by one: hints add up to the difference of potentials, with 0 for the finished.

    So it is whether those stay listed or leave.
    """
    env = shaped(relay.parallel_env(agents_leave=leave), lambda obs: 1.0 + obs[..., 0], 1.0)
    draws, kinds = np.random.default_rng(1), set()
    for seed in range(10):
        start, _ = env.reset(seed=seed)
        total, last = dict.fromkeys(start, 0.0), {}
        while env.agents:
            obs, rewards, _, _, infos = env.step({agent: int(draws.integers(2)) for agent in env.agents})
            for agent in rewards:
                total[agent] += rewards[agent] - infos[agent]["unshaped_reward"]
                last[agent] = 1.0 + obs[agent][0] if infos[agent]["alive"] else 0.0
        kinds |= {value == 0 for value in last.values()}
        for agent, value in last.items():
            assert total[agent] == pytest.approx(value - (1.0 + start[agent][0]), abs=1e-5)
    assert kinds == {True, False}


def maze(num_envs=2):
    """A maze where cells further to the right are worth more."""
    return shaped(gridworld_v0.vector_env(num_envs=num_envs, world="dyna_maze", max_cycles=50), column, 0.9)


def column(obs):
    return obs % 9


def test_snapshots_continue_with_the_right_hints():
    one, other, right = maze(), maze(), np.full((2, 1), 3)
    one.reset(seed=1)
    one.step(right)
    state = one.get_state()
    other.reset(seed=9)
    obs, _ = other.set_state(state)
    assert (column(obs) == 1).all()
    np.testing.assert_allclose(other.step(right)[1], 0.9 * 1 - 1)  # a wall
    np.testing.assert_array_equal(one.step(right)[1], np.full((2, 1), np.float32(-0.1)))


def test_a_snapshot_of_another_shaping_is_refused():
    plain, vec = gridworld_v0.vector_env(num_envs=2, world="dyna_maze", max_cycles=50), maze()
    plain.reset(seed=1)
    vec.reset(seed=1)
    with pytest.raises(ValueError, match="another environment"):
        plain.set_state(vec.get_state())
    with pytest.raises(ValueError, match="another environment"):
        vec.set_state(plain.get_state())
    assert vec.fingerprint["shaping"] == {"potential": "column", "gamma": 0.9}
    assert vec.num_agents == 1  # whatever the wrapper lacks is the environment's


def test_a_resumed_training_gives_the_same_bits(tmp_path):
    def run(**options):
        vec = maze()
        learner = IndependentQLearning(vec, seed=1)
        train(learner, vec, 400, seed=2, progress=False, **options)
        return learner.q

    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 40

    whole = run()
    run(checkpoint=tmp_path / "a.npz", stop=stop)
    np.testing.assert_array_equal(run(checkpoint=tmp_path / "a.npz", resume=True), whole)
    assert whole.any()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda vec: shaped(vec, potential, 1.5), ParameterError, "gamma must be"),
        (lambda vec: ShapedVectorEnv(vec, vec.params, 0.9), ParameterError, "potential must be a function"),
        (lambda vec: shaped(object(), potential, 0.9), ParameterError, "only a VectorEnv or a ParallelEnv"),
        (lambda vec: shaped(vec, lambda obs: 0.0, 0.9).reset(), ValueError, r"must return shape \(4, 2\), not \(\)"),
        (lambda vec: shaped(vec, lambda obs: obs / 0.0, 0.9).reset(), ValueError, "for environment 0, agent 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_bad_input_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make(Corridor())
