"""Team learners in the matrix games of the package, against values that are known exactly."""

import numpy as np
import pytest

from agents import EpsilonGreedy, evaluate
from agents.multi import VDN, CentralQLearning, DifferenceRewards, DistributedQLearning, HystereticQLearning
from marl_envs import matrix_v0
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.tabular.test_qlearning import learn

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

ALWAYS = EpsilonGreedy(1.0)


def test_boutiliers_game_has_the_values_of_the_reference():
    """With k = 100 and discount .9: V(s1) = 33.2103, V(s2) = 36.9004, V(s3) = 31.9004."""
    vec = matrix_v0.vector_env(num_envs=16, game="boutilier", max_cycles=7)
    central = learn(CentralQLearning(vec, alpha=1.0, gamma=0.9, exploration=ALWAYS, state="common"), vec, 1500)
    kept = {"gamma": 0.9, "exploration": ALWAYS, "initial": -1000.0}
    apart = learn(DistributedQLearning(vec, **kept), vec, 1500)
    for q in (central.q[0], apart.q[0], apart.q[1]):
        np.testing.assert_allclose(q[:3].max(axis=1), [33.2103, 36.9004, 31.9004], atol=1e-3)
    metrics = evaluate(apart, vec, 16, seed=0, transfer=True)
    assert {episode["return"] for episode in metrics} == {20.0 * 2}  # in 7 steps: 2 times 10, for each of the two


@pytest.mark.parametrize(("cls", "total"), [(CentralQLearning, 8.0), (VDN, 7.0)])
def test_a_sum_of_values_chooses_the_wrong_half_of_the_two_step_game(cls, total):
    """As Rashid et al. (2018) show: it cannot see that 8 lies behind 2B, and takes the safe 7."""
    vec = matrix_v0.vector_env(num_envs=64, game="two_step")
    learner = learn(cls(vec, alpha=0.02, gamma=1.0, exploration=ALWAYS), vec, 1500)
    assert {episode["return"] for episode in evaluate(learner, vec, 64, seed=0)} == {2 * total}


def test_who_pays_alike():
    for game in ("climbing_full", "boutilier"):
        HystereticQLearning(matrix_v0.vector_env(game=game))
    HystereticQLearning(matrix_v0.vector_env(game="chicken", reward="team"))
    with pytest.raises(ParameterError, match='HystereticQLearning needs an environment built with reward="team"'):
        HystereticQLearning(matrix_v0.vector_env(game="chicken"))


def test_difference_rewards_compare_under_the_same_chance():
    """The coin of a stochastic game falls alike in what happened and in what would have happened."""
    payoff = np.array([[[11, -30, 0], [-30, 14, 6], [0, 0, 5]], [[11, -30, 0], [-30, 0, 6], [0, 0, 5]]], float)
    plain = matrix_v0.vector_env(num_envs=50, game="climbing_partial", reward="team")
    vec = DifferenceRewards(matrix_v0.vector_env(num_envs=50, game="climbing_partial", reward="team"), default_action=1)
    plain.reset(seed=3)
    vec.reset(seed=3)
    rng, coins = np.random.default_rng(0), set()
    for _ in range(20):
        actions = rng.integers(0, 3, (50, 2))
        team = plain.step(actions)[1][:, 0]
        reward = vec.step(actions)[1]
        a, b = actions.T
        for e in range(50):
            either = [
                [2 * (table[a[e], b[e]] - table[1, b[e]]), 2 * (table[a[e], b[e]] - table[a[e], 1])] for table in payoff
            ]
            matching = [either[coin] for coin in (0, 1) if 2 * payoff[coin][a[e], b[e]] == team[e]]
            assert reward[e].tolist() in matching
            coins.add(either.index(reward[e].tolist()))
    assert coins == {0, 1}
