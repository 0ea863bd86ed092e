"""Value learners against plain-Python oracles, against each other, and against exact values."""

import numpy as np
import pytest

from agents import EpsilonGreedy, IndependentQLearning
from agents.linear.sarsa_lambda import SarsaLambda
from agents.models.dyna import DynaQ
from agents.options.intra_option import IntraOptionQLearning
from agents.options.options import primitive_options
from agents.options.smdp import SMDPQLearning
from agents.values.double_q import DoubleQLearning
from agents.values.expected_sarsa import ExpectedSarsa
from agents.values.n_step import NStepSarsa
from agents.values.q_lambda import WatkinsQLambda
from agents.values.sarsa import Sarsa
from marl_envs.core import jit
from tests.agents.corridor import COST, Corridor
from tests.agents.values import oracles
from tests.agents.values.oracles import Moment

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

ALPHA, GAMMA, EPSILON = 0.3, 0.9, 0.4
MOVES = {"options": primitive_options(6, 3)}
SETTINGS = {"alpha": ALPHA, "gamma": GAMMA, "exploration": EpsilonGreedy(EPSILON), "seed": 3}


def watch(learner, vec, steps, seed=0):
    """Train for `steps` steps of the batch; return what each agent of each environment went through."""
    learner.begin(steps * vec.num_envs * vec.num_agents)
    moments = {(e, a): [] for e in range(vec.num_envs) for a in range(vec.num_agents)}
    obs, info = vec.reset(seed=seed)
    every = np.ones((vec.num_envs, vec.num_agents, 3), np.int8)
    for _ in range(steps):
        mask, alive = info.get("action_mask"), info["alive"]
        actions = learner.act(obs, mask)
        after, reward, terminated, _, info = vec.step(actions)
        masks = {"next_mask": info.get("action_mask"), "final_mask": info.get("final_action_mask")}
        learner.update(obs, actions, reward, after, info["final_obs"], info["ended"], terminated, alive, **masks)
        for e, a in zip(*np.nonzero(alive), strict=True):
            ended = bool(info["ended"][e])
            where, allowed = ("final_obs", "final_mask") if ended else (None, "next_mask")
            then = after[e, a] if where is None else info[where][e, a]
            mask_then = every[e, a] if masks[allowed] is None else masks[allowed][e, a]
            done = bool(terminated[e, a])
            moment = Moment(
                int(obs[e, a]), int(actions[e, a]), float(reward[e, a]), int(then), mask_then, done, done or ended
            )
            moments[e, a].append(moment)
        obs = after
    return moments


ORACLES = {
    "sarsa": (Sarsa, {}, lambda q, m: oracles.n_step_sarsa(q, m, ALPHA, GAMMA, EPSILON, 1)),
    "3-step": (NStepSarsa, {"n": 3}, lambda q, m: oracles.n_step_sarsa(q, m, ALPHA, GAMMA, EPSILON, 3)),
    "50-step": (NStepSarsa, {"n": 50}, lambda q, m: oracles.n_step_sarsa(q, m, ALPHA, GAMMA, EPSILON, 50)),
    "expected": (ExpectedSarsa, {}, lambda q, m: oracles.expected_sarsa(q, m, ALPHA, GAMMA, EPSILON)),
    "watkins": (WatkinsQLambda, {"lam": 0.8}, lambda q, m: oracles.watkins(q, m, ALPHA, GAMMA, 0.8, False)),
    "watkins replacing": (
        WatkinsQLambda,
        {"lam": 0.8, "traces": "replacing"},
        lambda q, m: oracles.watkins(q, m, ALPHA, GAMMA, 0.8, True),
    ),
    "sarsa(lambda)": (
        SarsaLambda,
        {"lam": 0.7, "traces": "accumulating"},
        lambda q, m: oracles.sarsa_lambda(q, m, ALPHA, GAMMA, EPSILON, 0.7, False),
    ),
    "sarsa(lambda) replacing": (
        SarsaLambda,
        {"lam": 0.7},
        lambda q, m: oracles.sarsa_lambda(q, m, ALPHA, GAMMA, EPSILON, 0.7, True),
    ),
}


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("name", ORACLES)
def test_learners_equal_their_oracles(name, mask):
    """Two agents that finish at different times, terminations and time limits, tables of their own."""
    cls, extra, oracle = ORACLES[name]
    vec = Corridor(num_envs=1, max_cycles=12, mask=mask)
    learner = cls(vec, share_table=False, **extra, **SETTINGS)
    moments = watch(learner, vec, 300)
    assert any(m.terminated for m in moments[0, 0])
    assert any(m.ended and not m.terminated for m in moments[0, 0])
    for a in range(2):
        q = np.zeros((6, 3))
        oracle(q, moments[0, a])
        np.testing.assert_allclose(learner.q[a], q, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((IndependentQLearning, {}), (WatkinsQLambda, {"lam": 0.0})),
        ((IndependentQLearning, {}), (WatkinsQLambda, {"lam": 0.0, "traces": "replacing"})),
        ((IndependentQLearning, {}), (DynaQ, {"planning": 0})),
        ((IndependentQLearning, {}), (SMDPQLearning, MOVES)),
        ((SMDPQLearning, MOVES), (IntraOptionQLearning, MOVES)),
        ((Sarsa, {}), (NStepSarsa, {"n": 1})),
        ((Sarsa, {}), (SarsaLambda, {"lam": 0.0})),
    ],
    ids=lambda pair: f"{pair[0].__name__} {','.join(pair[1])}",
)
@pytest.mark.parametrize("share_table", [True, False])
def test_special_cases_are_equal_bit_for_bit(one, other, share_table):
    tables = []
    for cls, extra in (one, other):
        vec = Corridor(num_envs=3, max_cycles=15)
        learner = cls(vec, share_table=share_table, **extra, **SETTINGS)
        watch(learner, vec, 200)
        tables.append((learner.q.copy(), learner.rng.copy()))
    for mine, theirs in zip(*tables, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert tables[0][0].any()


def test_expected_sarsa_without_exploration_is_q_learning():
    """The same choices and the same tables, since greedy behaviour makes the mean a maximum."""
    seen = []
    for cls in (IndependentQLearning, ExpectedSarsa):
        vec = Corridor(num_envs=2, max_cycles=15)
        learner = cls(vec, **{**SETTINGS, "exploration": EpsilonGreedy(0.0)})
        seen.append(([(m.obs, m.action) for row in watch(learner, vec, 200).values() for m in row], learner.q))
    assert seen[0][0] == seen[1][0]
    np.testing.assert_array_equal(seen[0][1], seen[1][1])


def test_expected_sarsa_reaches_the_exact_values_of_random_walking():
    """With epsilon 1 the fixed point solves a linear system."""
    vec = Corridor(num_envs=4, mask=False)
    learner = ExpectedSarsa(vec, alpha=1.0, gamma=GAMMA, exploration=EpsilonGreedy(1.0))
    watch(learner, vec, 2000)
    step, gain = np.zeros((18, 18)), np.full(18, COST)
    for s in range(5):
        for b, after in enumerate((s, max(s - 1, 0), s + 1)):
            gain[3 * s + b] = 1.0 if after == 5 else COST
            if after != 5:
                step[3 * s + b, 3 * after : 3 * after + 3] = GAMMA / 3
    gain[15:] = 0.0
    exact = np.linalg.solve(np.eye(18) - step, gain).reshape(6, 3)
    np.testing.assert_allclose(learner.q[0], exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cls", [DoubleQLearning, WatkinsQLambda])
def test_off_policy_learners_reach_the_exact_values(cls):
    vec = Corridor(num_envs=4, mask=False)
    settings = {"lam": 0.5} if cls is WatkinsQLambda else {}
    learner = cls(vec, alpha=0.5, gamma=GAMMA, exploration=EpsilonGreedy(1.0), **settings)
    watch(learner, vec, 3000)
    np.testing.assert_allclose(learner.q[0], vec.optimal_q(GAMMA), rtol=1e-4, atol=1e-4)


def test_double_q_learns_one_half_with_the_value_of_the_other():
    """By hand: the half that learns picks action 2 at observation 2, and the other says what it is worth."""
    vec = Corridor(num_envs=1, num_agents=1, mask=False)
    learner = DoubleQLearning(vec, alpha=0.5, gamma=GAMMA)
    learner.insight.first[0, 2], learner.insight.second[0, 2] = [0, 0, 4], [8, 0, 2]
    one, no = np.ones((1, 1), np.int32), np.zeros((1, 1), bool)
    learner.update(one, one.astype(np.int64), one.astype(np.float32), 2 * one, one, no[0], no, ~no)
    halves = [float(half[0, 1, 1]) for half in learner.insight]
    assert sorted(halves) in ([0.0, pytest.approx(0.5 * (1 + 0.9 * 2))], [0.0, pytest.approx(0.5 * (1 + 0.9 * 0))])
    assert halves[0] == pytest.approx(1.4) or halves[1] == pytest.approx(0.5)
    assert learner.q[0, 1, 1] == pytest.approx(sum(halves) / 2)


def test_double_q_lacks_the_bias_of_the_maximum():
    """Sutton and Barto's example 6.7: going left leads to ten actions of mean -0.1 and deviation 1; right pays 0.

    Values are learned from the same noisy samples; only a maximum over them makes going left look good.
    """
    draws, left = np.random.default_rng(0), {}
    for cls in (IndependentQLearning, DoubleQLearning):
        vec = Corridor(num_envs=400, num_agents=1, length=3, mask=False)
        vec.action_space.n = np.int64(10)
        learner = cls(vec, alpha=0.1, gamma=1.0, exploration=EpsilonGreedy(1.0), separate_runs=True)
        yes = np.ones((400, 1), bool)
        start, second = np.zeros((400, 1), np.int32), np.ones((400, 1), np.int32)
        for _ in range(100):
            noise = draws.normal(-0.1, 1.0, (400, 1)).astype(np.float32)
            choice = learner.act(second)
            learner.update(second, choice, noise, second, second, yes[:, 0], yes, yes)
            learner.update(start, 0 * choice, 0 * noise, second, second, ~yes[:, 0], ~yes, yes)
        left[cls] = learner.q[:, 0, 0].mean()
    assert left[IndependentQLearning] > 0.05
    assert left[DoubleQLearning] < 0.0


def test_separate_runs_learn_nothing_from_each_other():
    tables = []
    for num_envs in (1, 3):
        vec = Corridor(num_envs=num_envs)
        learner = Sarsa(vec, share_table=False, separate_runs=True, **SETTINGS)
        watch(learner, vec, 100)
        assert learner.q.shape == (2 * num_envs, 6, 3)
        tables.append(learner.q[:2])
    np.testing.assert_array_equal(*tables)
