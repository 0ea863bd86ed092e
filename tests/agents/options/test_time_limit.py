"""A time limit breaks an option off: what follows is the value of that option, not of the best one there."""

import numpy as np
import pytest

from agents import EpsilonGreedy, IndependentQLearning, OptionsEnv, train
from agents.options.env import NONE, NOTHING, Look
from agents.options.intra_option import IntraOptionQLearning
from agents.options.smdp import SMDPQLearning
from marl_envs import gridworld_v0
from marl_envs.core import jit

pytestmark = pytest.mark.skipif(not jit.ENABLED, reason="plays for too many steps for plain Python")

CELLS, GAMMA, STEP, END = 5, 0.5, -1.0, -20.0
RUN, WAIT = 0, 1
UP, RIGHT = 0, 3


class Chain:
    """Two options in a row of cells: run to its end, which is a bad place, or wait for one step."""

    names = ("run", "wait")
    kinds = np.array([RUN, WAIT])
    brief = np.array([False, True])
    num_rows, num_seen = CELLS, 0
    row_bases, seen_bases = (CELLS,), ()

    def check(self, vec):
        pass

    def look(self, vec, following):
        cell = vec.out.label[..., None].repeat(2, -1)
        about = np.where(cell == CELLS - 1, NOTHING, 1) * np.array([1, 0]) + np.array([0, 2])
        return Look(about, CELLS - 1 - cell, cell.astype(np.int32), np.broadcast_to([RIGHT, UP], cell.shape))

    def act(self, vec, following):
        return np.where(following.option == RUN, RIGHT, UP)

    def reached(self, vec, following):
        return np.ones(following.option.shape, bool)

    def to_config(self):
        return {"chain": CELLS}


def chain(observation, max_cycles, num_envs=8):
    drawing = "S" * (CELLS - 1) + "G\n" + "#" * CELLS
    rewards = {"step_reward": STEP, "goal_reward": END}
    vec = gridworld_v0.vector_env(num_envs, world=drawing, max_cycles=max_cycles, **rewards)
    return OptionsEnv(vec, Chain(), observation=observation)


def exact():
    """Values [CELLS - 1, 2]: who runs pays for every step and in the end; who waits waits forever, which is better."""
    running = [sum(STEP * GAMMA**k for k in range(left)) + END * GAMMA**left for left in range(CELLS - 2, -1, -1)]
    return np.array([[run, STEP / (1.0 - GAMMA)] for run in running])


@pytest.mark.parametrize("max_cycles", [1, 3])
@pytest.mark.parametrize("cls", [IndependentQLearning, SMDPQLearning, IntraOptionQLearning])
def test_values_of_options_are_the_same_with_a_time_limit(cls, max_cycles):
    vec = chain("environment" if cls is IndependentQLearning else "options", max_cycles)
    learner = cls(vec, alpha=1.0, gamma=GAMMA, exploration=EpsilonGreedy(1.0), seed=0)
    train(learner, vec, 8_000, seed=0, progress=False)
    np.testing.assert_allclose(learner.q[0, : CELLS - 1], exact(), atol=1e-4)


def test_the_last_mask_allows_what_still_runs_and_all_to_who_has_finished():
    vec = chain("options", max_cycles=2)
    vec.reset(seed=0)
    seen = set()
    for option in (RUN, RUN, WAIT, RUN, WAIT, WAIT, RUN, RUN):
        *_, terminated, _, info = vec.step(np.full((8, 1), option))
        for e in np.flatnonzero(info["ended"] & ~terminated[:, 0]):
            over = bool(info["option_over"][e, 0])
            assert info["final_action_mask"][e, 0].tolist() == ([1, 1] if over else [1, 0])
            seen.add(over)
    assert seen == {True, False}
    assert (vec.following.option[info["ended"]] == NONE).all()
