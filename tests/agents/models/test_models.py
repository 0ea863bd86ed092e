"""Learners with a model: planning from memory, the queue, curiosity, and exact values."""

import heapq

import numpy as np
import pytest

from agents import EpsilonGreedy, train
from agents.models.dyna import DynaQ, DynaQPlus
from agents.models.queue import NOWHERE, make_queue, pop, push
from agents.models.sweeping import PrioritizedSweeping
from marl_envs.core import jit
from tests.agents.corridor import Corridor

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]


@jit.jit
def play_queue(queue, places, priorities, popped):
    """Push each place, or pop where it is negative, writing what came out."""
    for i in range(len(places)):
        if places[i] >= 0:
            push(queue, 1, places[i], priorities[i])
        else:
            popped[i] = pop(queue, 1)


@pytest.mark.parametrize("seed", range(20))
def test_the_queue_equals_a_sorted_list(seed):
    draws = np.random.default_rng(seed)
    places = draws.integers(-6, 12, 200)
    priorities, popped = draws.random(200), np.full(200, -7)
    play_queue(make_queue(2, 12), places, priorities, popped)
    waiting: dict[int, float] = {}
    for i, place in enumerate(places.tolist()):
        if place >= 0:
            waiting[place] = max(waiting.get(place, 0.0), priorities[i])
        elif not waiting:
            assert popped[i] == NOWHERE
        else:
            _, best = heapq.nsmallest(1, [(-priority, key) for key, priority in waiting.items()])[0]
            assert popped[i] == best
            del waiting[best]


@pytest.mark.parametrize("cls", [DynaQ, PrioritizedSweeping])
@pytest.mark.parametrize("mask", [True, False])
def test_the_values_are_exact_in_a_deterministic_world(cls, mask):
    vec = Corridor(num_envs=4, mask=mask)
    learner = cls(vec, planning=5, alpha=1.0, gamma=0.9, exploration=EpsilonGreedy(1.0))
    train(learner, vec, 4000, seed=0, progress=False)
    wanted = vec.optimal_q(0.9)
    if mask:
        wanted[0, 1] = 0.0  # never allowed, so never tried
    tolerance = 1e-3 if cls is PrioritizedSweeping else 1e-5  # it leaves errors below theta alone
    np.testing.assert_allclose(learner.q[0], wanted, atol=tolerance)


def one_step(learner, obs, action, reward, after, terminated=False):
    here, there = np.full((1, 1), obs, np.int32), np.full((1, 1), after, np.int32)
    over, yes = np.full((1, 1), terminated), np.ones((1, 1), bool)
    pay = np.full((1, 1), reward, np.float32)
    learner.update(here, np.full((1, 1), action), pay, there, there, over[0], over, yes)


def test_planning_carries_a_reward_back_without_another_step():
    """Having seen 0 -> 1 -> 2 -> goal once, enough remembered steps make all three values exact."""
    vec = Corridor(num_envs=1, num_agents=1, mask=False)
    for cls in (DynaQ, PrioritizedSweeping):
        learner = cls(vec, planning=200, alpha=1.0, gamma=0.5)
        for step in ((0, 2, 0.0, 1), (1, 2, 0.0, 2), (2, 2, 1.0, 3, True)):
            one_step(learner, *step)
        assert learner.q[0, :3, 2].tolist() == [0.25, 0.5, 1.0]


def test_sweeping_does_only_what_changes_something():
    vec = Corridor(num_envs=1, num_agents=1, mask=False)
    learner = PrioritizedSweeping(vec, planning=200, alpha=1.0, gamma=0.5)
    one_step(learner, 0, 2, 0.0, 1)
    one_step(learner, 1, 2, 0.0, 2)
    assert learner.updates.tolist() == [0]
    one_step(learner, 2, 2, 1.0, 3, True)
    assert learner.updates.tolist() == [3]
    one_step(learner, 2, 2, 1.0, 3, True)
    assert learner.updates.tolist() == [3]
    one_step(learner, 0, 2, 0.0, 4)  # the world has changed: 0 does not lead to 1 any more
    assert learner.updates.tolist() == [4]
    assert learner.q[0, 0, 2] == 0.0
    one_step(learner, 1, 2, 0.5, 2)  # so news of 1 must not reach it
    assert learner.q[0, :2, 2].tolist() == [0.0, 1.0]


def test_dyna_plus_is_drawn_to_what_was_not_tried_for_long():
    """Without any reward the values of planning are the bonus alone: largest for actions that were never tried."""
    vec = Corridor(num_envs=1, num_agents=1, mask=False)
    learner = DynaQPlus(vec, kappa=0.1, planning=500, alpha=1.0, gamma=0.0)
    for _ in range(10):
        one_step(learner, 1, 0, 0.0, 1)
    never, now = learner.q[0, 1, [1, 2]], learner.q[0, 1, 0]
    np.testing.assert_allclose(never, 0.1 * np.sqrt(10), rtol=1e-6)
    assert now == 0.0
    assert not learner.q[0, [0, 2, 3, 4, 5]].any()  # states it has not seen are not imagined
    plain_dyna = DynaQ(vec, planning=500, alpha=1.0, gamma=0.0)
    one_step(plain_dyna, 1, 0, 0.0, 1)
    assert not plain_dyna.q.any()


def test_dyna_plus_does_not_imagine_what_is_forbidden_where_an_episode_starts():
    """A start that no step leads back to: its mask is known from acting there, and without that nothing is imagined."""
    vec = Corridor(num_envs=1, num_agents=1)
    for acts, wanted in ((True, [True, False, True]), (False, [False, False, True])):
        learner = DynaQPlus(vec, kappa=0.1, planning=200, alpha=1.0, gamma=0.0)
        if acts:  # in cell 0 there is no way left
            learner.act(np.zeros((1, 1), np.int32), np.array([[[1, 0, 1]]], np.int8))
        for _ in range(5):
            one_step(learner, 0, 2, 1.0, 1)
            one_step(learner, 1, 2, 1.0, 2)
        assert (learner.q[0, 0] != 0.0).tolist() == wanted
