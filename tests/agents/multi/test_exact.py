"""What holds exactly, without statistics: equalities between learners, and against brute force and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import Boltzmann, EpsilonGreedy, SharedRewardQLearning
from agents.multi import FMQ, PHC, VDN, CentralQLearning, DistributedQLearning, HystereticQLearning, WoLFPHC
from marl_envs.core import jit
from tests.agents.corridor import Corridor
from tests.agents.multi.worlds import Sizes, TeamMDP, all_joint, steps_of
from tests.agents.tabular.test_qlearning import learn

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

SEEDS = range(20)
CLIMBING = np.array([[11, -30, 0], [-30, 7, 6], [0, 0, 5]], float)


def team_corridor():
    return Corridor(num_envs=3, reward="team", num_agents=3)


@pytest.mark.parametrize("exploration", [EpsilonGreedy(0.3), Boltzmann(0.5)])
@pytest.mark.parametrize("share_table", [True, False])
def test_hysteretic_with_equal_rates_is_q_learning_bit_for_bit(share_table, exploration):
    kept = {"alpha": 0.3, "gamma": 0.9, "exploration": exploration, "share_table": share_table, "seed": 5}
    plain = learn(SharedRewardQLearning(team_corridor(), **kept), team_corridor(), 300)
    hysteretic = learn(HystereticQLearning(team_corridor(), beta=0.3, **kept), team_corridor(), 300)
    assert np.abs(plain.q).max() > 0.5
    assert plain.q.tobytes() == hysteretic.q.tobytes()
    assert plain.rng.tobytes() == hysteretic.rng.tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_hysteretic_that_only_rises_learns_the_values_of_distributed_q(seed):
    world = TeamMDP(np.random.default_rng(seed), states=5, agents=2, actions=3, gamma=0.9)
    hysteretic = HystereticQLearning(world.sizes(), alpha=1.0, beta=0.0, gamma=0.9, initial=-90.0)
    distributed = DistributedQLearning(world.sizes(), gamma=0.9, initial=-90.0)
    for _ in range(30):
        for learner in (hysteretic, distributed):
            learner.update(**world.every_step())
    assert hysteretic.q.tobytes() == distributed.q.tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_distributed_q_is_the_best_that_others_can_make_of_it(seed):
    """Lauer and Riedmiller's theorem: q_i(s, b_i) = max over the others of Q*(s, b); the policies fit together."""
    rng = np.random.default_rng(seed)
    agents = 2 + seed % 2
    world = TeamMDP(rng, states=6, agents=agents, actions=3, gamma=0.9)
    learner = DistributedQLearning(world.sizes(), gamma=0.9, initial=-90.0, seed=seed)
    for _ in range(250):
        learner.update(**world.every_step())
    best = world.q_star()
    tensor = best.reshape(world.states, *[world.actions] * agents)
    for a in range(agents):
        others = tuple(1 + b for b in range(agents) if b != a)
        np.testing.assert_allclose(learner.q[a], tensor.max(axis=others), rtol=1e-5, atol=1e-4)
    greedy = learner.policy.T @ world.actions ** np.arange(agents)[::-1]
    np.testing.assert_allclose(best[np.arange(world.states), greedy], best.max(axis=1), rtol=1e-5, atol=1e-4)


def test_distributed_q_chooses_between_equally_good_joint_actions():
    """Two optima: each agent's values alone cannot tell them apart, the policies must."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        learner = DistributedQLearning(Sizes(1, 2, 1, 3), initial=-100.0, seed=seed)
        payoff = np.array([[10, 0, -100], [0, 2, 0], [-100, 0, 10]], float)
        for _ in range(200):
            x, y = rng.integers(0, 3, 2)
            learner.update(**steps_of(0, [[x, y]], payoff[x, y]))
        assert learner.q[:, 0].tolist() == [[10, 2, 10]] * 2
        assert payoff[tuple(learner.greedy().choose(np.zeros((1, 2), np.int32), None)[0])] == 10


@pytest.mark.parametrize("share_table", [True, False])
def test_wolf_with_equal_rates_is_phc_bit_for_bit(share_table):
    kept = {"alpha": 0.3, "gamma": 0.9, "exploration": EpsilonGreedy(0.2), "share_table": share_table, "seed": 3}
    phc = learn(PHC(team_corridor(), delta=0.02, **kept), team_corridor(), 300)
    wolf = learn(WoLFPHC(team_corridor(), delta_win=0.02, delta_lose=0.02, **kept), team_corridor(), 300)
    other = learn(WoLFPHC(team_corridor(), delta_win=0.02, delta_lose=0.04, **kept), team_corridor(), 300)
    for name, array in phc.knowledge().items():
        assert array.tobytes() == wolf.knowledge()[name].tobytes(), name
    assert phc.policy.tobytes() != other.policy.tobytes()


@given(st.integers(0, 2**32), st.integers(2, 3), st.integers(2, 4))
@settings(max_examples=30, deadline=None)
def test_central_q_of_a_matrix_game_is_its_payoff(seed, agents, actions):
    payoff = np.random.default_rng(seed).integers(-100, 101, actions**agents).astype(float)
    joint = all_joint(agents, actions)
    learner = CentralQLearning(Sizes(len(joint), agents, 1, actions), alpha=1.0)
    learner.update(**steps_of(0, joint, payoff[:, None]))
    assert learner.q[0, 0].tolist() == payoff.tolist()
    chosen = learner.greedy().choose(np.zeros((len(joint), agents), np.int32), None)
    assert (payoff[chosen @ actions ** np.arange(agents)[::-1]] == payoff.max()).all()


@pytest.mark.parametrize("seed", range(5))
def test_central_q_is_optimal_in_games_of_several_states(seed):
    world = TeamMDP(np.random.default_rng(seed), states=4, agents=2, actions=3, gamma=0.9)
    learner = CentralQLearning(world.sizes(), alpha=1.0, gamma=0.9, state="common")
    joint = CentralQLearning(world.sizes(), alpha=1.0, gamma=0.9)
    for _ in range(250):
        learner.update(**world.every_step())
        joint.update(**world.every_step())
    np.testing.assert_allclose(learner.q[0], world.q_star(), rtol=1e-5, atol=1e-4)
    both_see = np.arange(world.states) * (world.states + 1)  # number of (s, s)
    assert joint.q[0, both_see].tobytes() == learner.q[0].tobytes()


TWO_STEP = [[0, 1], [1, 8]]
QTRAN = [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]]


@pytest.mark.parametrize(
    ("payoff", "best", "worth"), [(TWO_STEP, (1, 1), 6.5), (QTRAN, (1, 1), -3.56), (CLIMBING, (2, 2), 8.778)]
)
def test_vdn_on_uniform_data_is_row_mean_plus_column_mean_less_mean(payoff, best, worth):
    """So it misses the best joint action of QTRAN's game and of climbing, both (0, 0)."""
    payoff = np.array(payoff, float)
    joint = all_joint(2, len(payoff))
    learner = VDN(Sizes(len(joint), 2, 1, len(payoff)), alpha=0.003)
    for _ in range(3000):
        learner.update(**steps_of(0, joint, payoff.reshape(-1, 1)))
    total = learner.q[0, 0][:, None] + learner.q[1, 0][None]
    fitted = payoff.mean(axis=1)[:, None] + payoff.mean(axis=0)[None] - payoff.mean()
    np.testing.assert_allclose(total, fitted, atol=0.01 * np.abs(payoff).max())  # in a cycle around it, by alpha
    chosen = learner.greedy().choose(np.zeros((len(joint), 2), np.int32), None)[0]
    assert tuple(chosen) == best or payoff[tuple(chosen)] == payoff[best]
    assert total[best] == pytest.approx(worth, abs=0.1)


@given(st.integers(0, 2**32), st.integers(2, 4), st.integers(2, 4))
@settings(max_examples=25, deadline=None)
def test_the_best_joint_action_of_a_sum_is_everybodys_best(seed, agents, actions):
    learner = VDN(Sizes(1, agents, 2, actions))
    learner.q[:] = np.random.default_rng(seed).normal(size=learner.q.shape)
    joint = all_joint(agents, actions)
    for s in range(2):
        total = sum(learner.q[a, s, joint[:, a]].astype(float) for a in range(agents))
        chosen = learner.greedy().choose(np.full((1, agents), s, np.int32), None)
        assert chosen[0].tolist() == joint[total.argmax()].tolist()


def test_fmq_without_its_heuristic_is_q_learning():
    rng = np.random.default_rng(0)
    fmq = FMQ(Sizes(4, 2, 1, 3), alpha=0.3, c=0.0)
    plain = HystereticQLearning(Sizes(4, 2, 1, 3), alpha=0.3, beta=0.3)
    for _ in range(100):
        actions = rng.integers(0, 3, (4, 2))
        for learner in (fmq, plain):
            learner.update(**steps_of(0, actions, CLIMBING[actions[:, 0], actions[:, 1]][:, None]))
    assert fmq.value.tobytes() == plain.q.tobytes()
