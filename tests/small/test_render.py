"""How the small worlds look: as text, exactly; as pictures, that every difference shows."""

import numpy as np
import pytest

from marl_envs import gridworld_v0, matrix_v0, vacuum_v0
from marl_envs.render.artists import painter_for
from marl_envs.render.theme import DARK, LIGHT


def played(module, *steps, **parameters):
    """Return an environment after some steps, each the agents' actions."""
    env = module.parallel_env(render_mode="rgb_array", **parameters)
    env.reset(seed=0)
    for actions in steps:
        env.step(dict(zip(env.possible_agents, actions, strict=True)))
    return env


def test_the_apartment_as_text():
    env = played(vacuum_v0, (1, 2, 0), (4, 3, 0), (0, 3, 0), rules="dock", num_robots=3, battery=3)
    assert env.render("ansi") == (
        "living room  clean, robot_2 (stranded)\n"
        "kitchen      clean, robot_0 (docked)\n"
        "bedroom 1    clean\n"
        "bedroom 2    clean, robot_1 (stranded)\n"
        "step 3, return 0.666667\n"
    )
    assert played(vacuum_v0).render("ansi").splitlines()[:2] == [
        "living room  clean, robot_0 (charge 100 %)",
        "kitchen      dirty (1)",
    ]


def test_games_as_text():
    assert played(matrix_v0, (0, 1), game="climbing_partial").render("ansi") == (
        "a          11*        [-30]            0\n"
        "b          -30       14 / 0            6\n"
        "c            0            0            5\n"
        "climbing_partial, state 0, step 1: a b, paid -30.0 -30.0\n"
    )
    text = played(matrix_v0, payoff=np.arange(8).reshape(2, 2, 2)).render("ansi")
    assert text.splitlines()[-1] == "game, state 0, step 0: - - -, paid 0.0 0.0 0.0"


def test_grid_worlds_as_text():
    assert played(gridworld_v0, (0,), (3,), world="cliff").render("ansi") == (
        "............\n............\n.A..........\nSCCCCCCCCCCG\nstep 2, return -2\n"
    )
    env = played(gridworld_v0, world="t_maze", corridor=2)
    text = env.render("ansi").splitlines()
    cue = int(env.vec.arrays.cue[0])
    assert text[:3] == ["##" + "+-"[cue], "A..", "##" + "-+"[cue]]


@pytest.mark.parametrize(
    ("module", "parameters", "steps"),
    [
        (vacuum_v0, {}, (1, 3)),
        (vacuum_v0, {"rules": "dock"}, (1, 3, 4)),
        (matrix_v0, {"game": "chicken", "repeated": True}, (0, 1)),
        (matrix_v0, {"game": "boutilier"}, (0, 0, 0)),
        (matrix_v0, {"payoff": [1, 2, 3], "repeated": True}, (0, 2)),
        (matrix_v0, {"payoff": np.arange(8).reshape(2, 2, 2), "repeated": True}, (0, 1)),
        (gridworld_v0, {"world": "dyna_maze"}, (0, 3)),
        (gridworld_v0, {"world": "blocking_maze", "change_at": 1}, (0, 0)),
        (gridworld_v0, {"world": "t_maze"}, (3, 3)),
    ],
)
def test_every_step_shows(module, parameters, steps):
    env = played(module, **parameters)
    pictures = [env.render()]
    for action in steps:
        env.step(dict.fromkeys(env.possible_agents, action))
        pictures.append(env.render())
        assert not np.array_equal(*pictures[-2:])
    first, last = pictures[0], pictures[-1]
    assert first.shape == last.shape == (480, 640, 3)
    assert (first == LIGHT.agent[:3]).all(axis=2).any() or module is matrix_v0


@pytest.mark.parametrize("module", [vacuum_v0, matrix_v0, gridworld_v0])
def test_a_recorded_frame_is_drawn_without_the_simulator(module):
    env = played(module, (1,) * module.vector_env().num_agents)
    pictures = [painter_for(env.fingerprint, theme=theme).picture(env.frame()) for theme in ("light", "dark")]
    assert not np.array_equal(*pictures)
    assert (pictures[1] == DARK.page[:3]).all(axis=2).any()


def test_the_moment_between_two_frames():
    env = played(vacuum_v0)
    artist = painter_for(env.fingerprint).artist
    before = env.frame()
    env.step({"robot_0": 1})
    middle = artist.between(before, env.frame(), 0.5)
    assert middle["places"] == [pytest.approx((4, 2.7))]  # in the door
    grid = played(gridworld_v0)
    before = grid.frame()
    grid.step({"walker_0": 0})
    between = painter_for(grid.fingerprint).artist.between(before, grid.frame(), 0.25)
    assert between["walker"].tolist() == [[2.75, 0]]
