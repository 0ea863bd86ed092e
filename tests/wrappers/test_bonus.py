"""A bonus for a step: what is paid, to whom, and that both faces pay the same."""

import numpy as np
import pytest

from agents import IndependentQLearning, train
from marl_envs import vacuum_v0
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from marl_envs.wrappers import with_bonus
from tests import relay
from tests.agents.corridor import Corridor

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]


def nearer(before, after):
    """Half a point for a cell more to the right."""
    return 0.5 * (after > before)


def test_each_step_of_an_agent_that_plays_is_paid_by_where_it_led():
    """Against the environment without a bonus, over terminations, time limits and finished agents."""
    plain, vec, draws = Corridor(max_cycles=9), with_bonus(Corridor(max_cycles=9), nearer), np.random.default_rng(0)
    before, info = plain.reset(seed=1)
    vec.reset(seed=1)
    ends = set()
    for _ in range(200):
        alive, actions = info["alive"], draws.integers(0, 3, (4, 2))
        obs, reward, terminated, _, info = plain.step(actions)
        seen, paid, *_, shown = vec.step(actions)
        after = np.where(info["ended"][:, None], info["final_obs"], obs)
        np.testing.assert_array_equal(paid, reward + np.where(alive & (after > before), np.float32(0.5), 0))
        np.testing.assert_array_equal(shown["unshaped_reward"], reward)
        np.testing.assert_array_equal(seen, obs)
        ends |= {
            ("terminated", bool(terminated.any())),
            ("ended", bool(info["ended"].any())),
            ("alive", bool(alive.all())),
        }
        before = obs
    assert len(ends) == 6


@pytest.mark.parametrize("leave", [True, False])
def test_the_faces_agree(leave):
    settings = {"num_robots": 2, "max_cycles": 30, "observation": "vector", "battery": 1000, "rules": "dock"}
    extra = lambda before, after: (after - before).sum(axis=-1)  # noqa: E731
    vec = with_bonus(vacuum_v0.vector_env(num_envs=1, **settings), extra)
    env = with_bonus(vacuum_v0.parallel_env(agents_leave=leave, **settings), extra)
    vec.reset(seed=3)
    env.reset(seed=3)
    draws, total = np.random.default_rng(0), 0.0
    for _ in range(30):
        actions = draws.integers(0, 4, (1, 2))
        _, reward, *_, info = vec.step(actions)
        if not env.agents:
            break
        _, pay, *_, infos = env.step({agent: int(actions[0, a]) for a, agent in enumerate(env.possible_agents)})
        for a, agent in enumerate(pay):
            assert pay[agent] == pytest.approx(reward[0, a], abs=1e-5)
            assert infos[agent]["unshaped_reward"] == info["unshaped_reward"][0, a]
            total += abs(pay[agent] - infos[agent]["unshaped_reward"])
    assert total > 0


def test_finished_agents_are_paid_nothing():
    env = with_bonus(relay.parallel_env(), lambda before, after: np.ones(before.shape[:2]))
    draws, idle = np.random.default_rng(1), 0
    for seed in range(5):
        _, infos = env.reset(seed=seed)
        while env.agents:
            alive = {agent: info["alive"] for agent, info in infos.items()}
            _, rewards, _, _, infos = env.step({agent: int(draws.integers(2)) for agent in env.agents})
            for agent, reward in rewards.items():
                assert reward - infos[agent]["unshaped_reward"] == float(bool(alive[agent]))
                idle += not alive[agent]
    assert idle > 0


def test_what_cannot_be_paid_is_refused():
    with pytest.raises(ParameterError, match="bonus must be a function of two observations, not 3"):
        with_bonus(Corridor(), 3)
    with pytest.raises(ParameterError, match="can pay a bonus, not dict"):
        with_bonus({}, nearer)
    vec = with_bonus(Corridor(), lambda before, after: np.nan * before)
    vec.reset(seed=0)
    with pytest.raises(ValueError, match="the bonus is nan for environment 0, agent 0"):
        vec.step(np.zeros((4, 2), int))
    vec = with_bonus(Corridor(), lambda before, after: 1.0)
    vec.reset(seed=0)
    with pytest.raises(ValueError, match=r"the bonus must return shape \(4, 2\), not \(\)"):
        vec.step(np.zeros((4, 2), int))


def test_a_checkpoint_names_the_bonus(tmp_path):
    vec = with_bonus(Corridor(), nearer)
    learner = IndependentQLearning(vec)
    train(learner, vec, 80, seed=0, progress=False)
    learner.save(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="shaping"):
        IndependentQLearning.load(tmp_path / "a.npz", Corridor())
    assert vec.fingerprint["shaping"] == {"bonus": "nearer"}
