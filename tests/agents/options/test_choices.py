"""Learners over options that the environment follows, step by step against sums done by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete

from agents.exploration import UCB1
from agents.options.intra_option import IntraOptionQLearning
from agents.options.smdp import SMDPQLearning
from marl_envs.core import jit
from marl_envs.core.params import ParameterError

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

ROWS, KINDS = 4, np.array([0, 0, 1])


def world(num_envs=1, num_agents=1):
    """What a learner asks of an OptionsEnv: three options of two kinds, which look like one of four rows."""
    return SimpleNamespace(
        num_envs=num_envs,
        num_agents=num_agents,
        params=SimpleNamespace(reward="individual"),
        fingerprint={"env": "stub"},
        option_kinds=KINDS,
        observation_space=MultiDiscrete([ROWS] * 3),
        action_space=Discrete(3),
    )


def made(cls, vec=None, **settings):
    return cls(world() if vec is None else vec, **{"alpha": 0.5, "gamma": 0.5, "seed": 0, **settings})


def step(learner, rows, option, reward, after, over, *, mask=(1, 1, 1), ended=False, terminated=False, **lessons):
    """Let one agent make a step; `after` are the rows that it leads to."""
    here, there = np.array([[rows]], np.int32), np.array([[after]], np.int32)
    allowed, yes = np.array([[mask]], np.int8), np.ones((1, 1), bool)
    extra = {"option_over": yes & over}
    if isinstance(learner, IntraOptionQLearning):
        extra["option_starts"] = np.array([[lessons.get("starts", mask)]], np.int8)
        extra["same_option"] = np.array([[lessons.get("same", np.arange(3) == option)]], bool)
        extra["option_stops"] = np.array([[lessons.get("stops", [float(over)] * 3)]])
    pay = np.full((1, 1), reward, np.float32)
    flags = {"ended": yes[0] & ended, "terminated": yes & terminated, "alive": yes}
    learner.update(
        here, np.full((1, 1), option), pay, there, there, **flags, next_mask=allowed, final_mask=allowed, **extra
    )


def test_smdp_learns_the_discounted_sum_of_all_steps():
    """Three steps that pay 1, 2 and 4, then 8 at best: 1 + 2/2 + 4/4 + 8/8 = 4, and half of the way there is 2."""
    learner = made(SMDPQLearning)
    learner.q[0, 3, 1] = 8.0
    learner.q[0, 3, 0] = 20.0  # of an option that may not be started then
    step(learner, (1, 0, 2), 0, 1.0, (2, 0, 3), False)
    step(learner, (2, 0, 3), 0, 2.0, (2, 1, 3), False)
    assert not learner.q[0, :3].any()
    step(learner, (2, 1, 3), 0, 4.0, (3, 1, 3), True, mask=(0, 1, 1))
    wanted = np.zeros((4, 2))
    wanted[1, 0], wanted[3, 1], wanted[3, 0] = 2.0, 8.0, 20.0
    np.testing.assert_array_equal(learner.q[0], wanted)
    step(learner, (3, 1, 0), 2, 6.0, (0, 0, 0), True, terminated=True, ended=True)  # the next one begins anew
    assert learner.q[0, 0, 1] == 3.0


@pytest.mark.parametrize(("terminated", "target"), [(True, 1.0), (False, 5.0)])
def test_the_end_of_an_episode_breaks_an_option_off(terminated, target):
    learner = made(SMDPQLearning, alpha=1.0)
    learner.q[0, 3, 0] = 8.0
    step(learner, (1, 0, 2), 0, 1.0, (3, 0, 0), False, ended=True, terminated=terminated)
    assert learner.q[0, 1, 0] == target


def test_intra_option_learning_teaches_who_would_have_done_the_same():
    """Option 0 goes on (Q of its next row), option 2 would stop (the best of what may be started), 1 did otherwise."""
    learner = made(IntraOptionQLearning, alpha=1.0)
    learner.q[0, 2, 0], learner.q[0, 0, 0] = 4.0, 6.0
    lessons = {"same": [True, False, True], "stops": [0.0, 1.0, 1.0], "starts": [1, 1, 0]}
    step(learner, (1, 3, 1), 0, 1.0, (2, 0, 3), False, mask=(1, 0, 0), **lessons)
    wanted = np.zeros((4, 2))
    wanted[2, 0], wanted[0, 0] = 4.0, 6.0
    wanted[1, 0], wanted[1, 1] = 1.0 + 0.5 * 4.0, 1.0 + 0.5 * 6.0
    np.testing.assert_array_equal(learner.q[0], wanted)


@pytest.mark.parametrize("share_table", [True, False])
def test_options_of_one_step_make_both_learners_equal(share_table):
    """Bit for bit, for several agents with common and own tables, over random worlds."""
    draw, tables = np.random.default_rng(0), []
    batches = [
        (
            draw.integers(0, ROWS, (3, 2, 3)).astype(np.int32),
            draw.integers(0, 3, (3, 2)),
            draw.normal(size=(3, 2)).astype(np.float32),
            draw.integers(0, ROWS, (3, 2, 3)).astype(np.int32),
            draw.random((3, 2)) < 0.1,
        )
        for _ in range(200)
    ]
    for cls in (SMDPQLearning, IntraOptionQLearning):
        learner = made(cls, world(3, 2), share_table=share_table)
        for rows, option, reward, then, terminated in batches:
            yes = np.ones((3, 2), bool)
            flags = {"ended": ~yes[:, 0], "terminated": terminated, "alive": yes, "option_over": yes}
            extra = {
                "option_starts": np.ones((3, 2, 3), np.int8),
                "same_option": option[..., None] == np.arange(3),
                "option_stops": np.ones((3, 2, 3)),
            }
            learner.update(rows, option, reward, then, then, **flags, **(extra if cls is IntraOptionQLearning else {}))
        tables.append(learner.q)
    assert tables[0].any()
    np.testing.assert_array_equal(*tables)


@pytest.mark.parametrize("agents", [1, 3])
@pytest.mark.parametrize("share_table", [True, False])
def test_the_best_allowed_option_is_chosen_by_the_agents_own_table(agents, share_table):
    learner = made(SMDPQLearning, world(2, agents), share_table=share_table)
    learner.q[...] = np.random.default_rng(0).permutation(learner.q.size).reshape(learner.q.shape)
    draw = np.random.default_rng(1)
    for _ in range(20):
        rows = draw.integers(0, ROWS, (2, agents, 3)).astype(np.int32)
        mask = np.where(draw.random((2, agents, 3)) < 0.3, 0, 1).astype(np.int8)
        mask[..., 1] = 1
        rows[..., 0] = (rows[..., 1] + 1) % ROWS  # so that no two are equal
        for chosen in (learner.act(rows, mask, explore=False), learner.greedy().choose(rows, mask)):
            for e in range(2):
                for a in range(agents):
                    values = learner.q[0 if share_table else a, rows[e, a], KINDS]
                    assert chosen[e, a] == np.where(mask[e, a] != 0, values, -1).argmax()


def test_bad_input_is_refused_and_nothing_is_learned():
    learner = made(IntraOptionQLearning, initial=1.0)
    zeros, yes = np.zeros((1, 1, 3), np.int32), np.ones((1, 1), bool)
    with pytest.raises(ValueError, match="IntraOptionQLearning needs option_over, option_starts, same_option"):
        learner.update(zeros, zeros[..., 0], yes * np.float32(0), zeros, zeros, yes[0], yes, yes)
    with pytest.raises(ValueError, match=r"step 0, environment 0, agent 0: obs \[1, 0, 4\].*\[0, 4\)"):
        step(learner, (1, 0, 4), 0, 1.0, (0, 0, 0), True)
    with pytest.raises(ValueError, match="rewards finite numbers"):
        step(learner, (1, 0, 0), 0, np.nan, (0, 0, 0), True)
    with pytest.raises(ValueError, match=r"option_stops must have shape \(1, 1, 3\)"):
        step(learner, (1, 0, 0), 0, 1.0, (0, 0, 0), True, stops=[1.0])
    with pytest.raises(ValueError, match="obs"):
        learner.act(np.full((1, 1, 3), ROWS, np.int32))
    assert (learner.q == 1.0).all()
    with pytest.raises(ParameterError, match="exploration must be one of"):
        made(SMDPQLearning, exploration=UCB1())
    with pytest.raises(ParameterError, match="options of its own"):
        made(SMDPQLearning, options={"actions": [[0]], "starts": [[1]], "stops": [[1.0]]})
