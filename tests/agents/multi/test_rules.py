"""Every update rule against the same rule in plain Python, step by step, in a random world with masks and ends."""

import math

import numpy as np
import pytest

from agents.multi import FMQ, VDN, JointActionLearner, LenientQLearning, RecursiveFMQ, WoLFPHC
from marl_envs.core import jit
from tests.agents.multi.worlds import Sizes, steps_of

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

ALPHA, GAMMA, AGENTS, ACTIONS = 0.3, 0.9, 2, 3
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def draws(state):
    """Yield the numbers in [0, 1) that kernels draw from a stream (splitmix64)."""
    state = int(state)
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        yield ((z ^ (z >> 31)) >> 11) * 2.0**-53


def history(states, steps, seed):
    """Return steps of one environment: (state, actions, reward, next state, who finished, allowed after)."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(steps):
        allowed = np.ones((1, AGENTS, ACTIONS), np.int8)
        allowed[0, :, rng.integers(0, ACTIONS)] = 0
        finished = rng.random(AGENTS) < 0.2
        s, after = rng.integers(0, states, (2, AGENTS))
        found.append((s, rng.integers(0, ACTIONS, AGENTS), float(rng.integers(-3, 4)), after, finished, allowed))
    return found


def taught(learner, steps):
    """Let the learner learn the steps."""
    for s, actions, reward, after, finished, allowed in steps:
        step = steps_of(s[None], actions[None], reward, after[None])
        step["terminated"][:] = finished
        learner.update(**step, next_mask=allowed, final_mask=allowed)
    return learner


def random_start(learner, seed=1):
    """Give the learner different first values everywhere, so that there are no ties; return a copy of them."""
    learner.q[:] = np.random.default_rng(seed).normal(size=learner.q.shape)
    return learner.q.astype(float)


def best_after(row, allowed, finished):
    return 0.0 if finished else max(v for v, ok in zip(row, allowed, strict=True) if ok)


def test_vdn():
    steps = history(3, 200, seed=0)
    learner = VDN(Sizes(1, AGENTS, 3, ACTIONS), alpha=ALPHA, gamma=GAMMA)
    q = random_start(learner)
    for s, b, reward, after, finished, allowed in steps:
        future = sum(best_after(q[a, after[a]], allowed[0, a], finished[a]) for a in range(AGENTS))
        error = reward + GAMMA * future - sum(q[a, s[a], b[a]] for a in range(AGENTS))
        for a in range(AGENTS):
            q[a, s[a], b[a]] += ALPHA * error
    np.testing.assert_allclose(taught(learner, steps).q, q, **CLOSE)


def test_joint_action_learner():
    steps = history(3, 200, seed=1)
    learner = JointActionLearner(Sizes(1, AGENTS, 3, ACTIONS), alpha=ALPHA, gamma=GAMMA, prior=0.5)
    q = random_start(learner).reshape(AGENTS, 3, ACTIONS, ACTIONS)
    seen = np.zeros((AGENTS, 3, AGENTS, ACTIONS))

    def expected(a, s):
        belief = seen[a, s, 1 - a] + 0.5
        table = q[a, s] if a == 0 else q[a, s].T  # own action first
        return table @ (belief / belief.sum())

    for s, b, reward, after, finished, allowed in steps:
        for a in range(AGENTS):
            target = reward + GAMMA * best_after(expected(a, after[a]), allowed[0, a], finished[a])
            q[a, s[a], b[0], b[1]] += ALPHA * (target - q[a, s[a], b[0], b[1]])
            for other in range(AGENTS):
                seen[a, s[a], other, b[other]] += 1
    taught(learner, steps)
    np.testing.assert_allclose(learner.q.reshape(q.shape), q, **CLOSE)
    assert (learner.seen == seen).all()
    for s in range(3):
        best = [int(expected(a, s).argmax()) for a in range(AGENTS)]
        assert learner.act(np.full((1, AGENTS), s, np.int32), explore=False)[0].tolist() == best


def test_lenient_q_learning():
    steps = history(3, 400, seed=2)
    chosen = {"alpha": ALPHA, "gamma": GAMMA, "theta": 2.0, "delta": 0.95, "tau": 0.2, "max_temperature": 5.0}
    learner = LenientQLearning(Sizes(1, AGENTS, 3, ACTIONS), **chosen)
    q, heat, stream = random_start(learner), np.full((AGENTS, 3, ACTIONS), 5.0), draws(learner.rng[0])
    forgiven = 0
    for s, b, reward, after, finished, allowed in steps:
        for a in range(AGENTS):
            target = reward + GAMMA * best_after(q[a, after[a]], allowed[0, a], finished[a])
            error, warm = target - q[a, s[a], b[a]], heat[a, s[a], b[a]]
            if error >= 0 or next(stream) < 1 - math.exp(-1 / (2.0 * warm)):
                q[a, s[a], b[a]] += ALPHA * error
            else:
                forgiven += 1
            heat[a, s[a], b[a]] = 0.95 * (warm if finished[a] else 0.8 * warm + 0.2 * heat[a, after[a]].mean())
    taught(learner, steps)
    assert 20 < forgiven < 400
    np.testing.assert_allclose(learner.q, q, **CLOSE)
    np.testing.assert_allclose(learner.heat, heat, **CLOSE)


def test_wolf_phc():
    steps = history(3, 300, seed=3)
    learner = WoLFPHC(Sizes(1, AGENTS, 3, ACTIONS), alpha=ALPHA, gamma=GAMMA, delta_win=0.02, delta_lose=0.05)
    q = random_start(learner)
    policy, visits = np.full(q.shape, 1 / 3), np.zeros((AGENTS, 3))
    average, wins = policy.copy(), 0
    for s, b, reward, after, finished, allowed in steps:
        for a in range(AGENTS):
            row, pi, mean = q[a, s[a]], policy[a, s[a]], average[a, s[a]]
            target = reward + GAMMA * best_after(q[a, after[a]], allowed[0, a], finished[a])
            row[b[a]] += ALPHA * (target - row[b[a]])
            visits[a, s[a]] += 1
            mean += (pi - mean) / visits[a, s[a]]
            won = pi @ row > mean @ row
            wins += won
            for other in set(range(ACTIONS)) - {int(row.argmax())}:
                given = min(pi[other], (0.02 if won else 0.05) / (ACTIONS - 1))
                pi[other] -= given
                pi[row.argmax()] += given
    taught(learner, steps)
    assert 20 < wins < 580
    np.testing.assert_allclose(learner.q, q, **CLOSE)
    np.testing.assert_allclose(learner.policy, policy, **CLOSE)
    np.testing.assert_allclose(learner.average, average, **CLOSE)
    np.testing.assert_allclose(learner.policy.sum(axis=2), 1.0)


def test_fmq():
    steps = history(1, 200, seed=4)
    learner = FMQ(Sizes(1, AGENTS, 1, ACTIONS), alpha=ALPHA, c=4.0)
    rewards = [[[] for _ in range(ACTIONS)] for _ in range(AGENTS)]
    for _, b, reward, *_ in steps:
        for a in range(AGENTS):
            rewards[a][b[a]].append(reward)
    taught(learner, steps)
    for a in range(AGENTS):
        for b, paid in enumerate(rewards[a]):
            q = 0.0
            for r in paid:
                q += ALPHA * (r - q)
            assert learner.value[a, 0, b] == pytest.approx(q + 4.0 * paid.count(max(paid)) / len(paid) * max(paid))


def test_recursive_fmq():
    steps = history(1, 300, seed=5)
    learner = RecursiveFMQ(Sizes(1, AGENTS, 1, ACTIONS), alpha=ALPHA, alpha_frequency=0.2)
    q = random_start(learner)[:, 0]
    learner.best[:] = learner.value[:] = learner.q
    learner.policy[:] = 0
    best, often, value, policy, changes = q.copy(), np.ones_like(q), q.copy(), [0] * AGENTS, 0
    for _, actions, reward, *_ in steps:
        for a, b in enumerate(actions):
            q[a, b] += ALPHA * (reward - q[a, b])
            if reward > best[a, b]:
                best[a, b], often[a, b] = reward, 1.0
            else:
                often[a, b] = 0.8 * often[a, b] + 0.2 * (reward == best[a, b])
            value[a, b] = (1 - often[a, b]) * q[a, b] + often[a, b] * best[a, b]
            if value[a, policy[a]] < value[a].max() - 1e-6:
                policy[a] = int(value[a].argmax())
                changes += 1
    taught(learner, steps)
    assert changes > 5
    np.testing.assert_allclose(learner.value[:, 0], value, **CLOSE)
    assert learner.policy[:, 0].tolist() == policy
