"""Options: what hallway options are, and learners against exact values of the semi-Markov problem."""

import numpy as np
import pytest

from agents import EpsilonGreedy, train
from agents.options.intra_option import IntraOptionQLearning
from agents.options.options import NO_ACTION, Options, hallway_options, primitive_options
from agents.options.smdp import SMDPQLearning
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.corridor import COST, Corridor

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

ROOMS = ("#######", "#..#..#", "#.....#", "#..#..#", "#######")
GAMMA = 0.9


def test_hallway_options_lead_to_their_hallway():
    """Two rooms of 3 x 2 with one door: an option each, defined in its room, which walks to the door."""
    options = hallway_options(ROOMS, [(2, 3)])
    assert len(options) == 2
    for o, columns in enumerate(((1, 2), (4, 5))):
        inside = [row * 7 + col for row in (1, 2, 3) for col in columns]
        assert np.flatnonzero(options.starts[o]).tolist() == inside
        assert (np.flatnonzero(options.stops[o] == 0)).tolist() == inside
        for start in inside:
            place, steps = list(divmod(start, 7)), 0
            distance = abs(place[0] - 2) + abs(place[1] - 3)
            while place != [2, 3]:
                action = options.actions[o, place[0] * 7 + place[1]]
                place = [place[i] + ((-1, 0), (1, 0), (0, -1), (0, 1))[action][i] for i in range(2)]
                steps += 1
            assert steps == distance


def test_slipping_options_keep_clear_of_the_wrong_hallway():
    """The chance to end in it, by solving the Markov chain, is nowhere higher than on a shortest way."""
    grid, doors, slip = ("#######", "#.....#", "#.....#", "##.#.##", "#..#..#", "#######"), [(3, 2), (3, 4)], 0.5
    wrong = []
    for options in (hallway_options(grid, doors, slip), hallway_options(grid, doors)):
        o = int(np.flatnonzero(options.starts[:, 3 * 7 + 2])[0])  # from the hallway (3, 2) to (3, 4)
        assert options.starts[o, 1 * 7 + 1]
        chain, out = np.eye(42), np.zeros(42)
        for s in np.flatnonzero(options.starts[o]):
            for b in range(4):
                there = s + (-7, 7, -1, 1)[b]
                there = s if grid[there // 7][there % 7] == "#" else there
                chance = 1 - slip if b == options.actions[o, s] else slip / 3
                if options.starts[o, there]:
                    chain[s, there] -= chance
                elif there != 3 * 7 + 4:
                    out[s] += chance
        wrong.append(np.linalg.solve(chain, out)[options.starts[o] != 0])
    careful, quick = wrong
    assert (careful <= quick + 1e-9).all()
    assert (careful < quick - 1e-3).sum() > 5


def exact(vec, options):
    """Q*(s, o) of options in a corridor without slips, by sweeping over all that an option does."""
    goal = vec.params.length - 1
    q = np.where(options.starts.T != 0, 0.0, -np.inf)
    for _ in range(200):
        for s in range(goal):
            for o in range(len(options)):
                if not options.starts[o, s]:
                    continue
                place, total, discount = s, 0.0, 1.0
                while True:
                    place = max(place + (0, -1, 1)[options.actions[o, place]], 0)
                    total += discount * (1.0 if place == goal else COST)
                    discount *= GAMMA
                    if place == goal or options.stops[o, place] == 1.0:
                        break
                q[s, o] = total + (0.0 if place == goal else discount * q[place].max())
    return q


def corridor_options():
    """Walk right to cell 3, walk left to cell 0, and the single steps left and right."""
    actions = np.full((2, 6), NO_ACTION)
    actions[0, :3], actions[1, 1:5] = 2, 1
    starts = actions != NO_ACTION
    return Options(actions, starts, np.where(starts, 0.0, 1.0)) + Options(
        *(part[1:] for part in primitive_options(6, 3).parts())
    )


@pytest.mark.skipif(not jit.ENABLED, reason="trains for too many steps for plain Python")
@pytest.mark.parametrize("cls", [SMDPQLearning, IntraOptionQLearning])
@pytest.mark.parametrize("max_cycles", [20, 100_000])
def test_both_learners_reach_the_exact_values(cls, max_cycles):
    """Time limits break options off: what was gathered is learned, and the rest is worth what it is worth."""
    vec, options = Corridor(num_envs=4, mask=False, max_cycles=max_cycles), corridor_options()
    learner = cls(vec, options=options, alpha=1.0, gamma=GAMMA, exploration=EpsilonGreedy(1.0), seed=2)
    train(learner, vec, 40_000, seed=0, progress=False)
    wanted = exact(vec, options)[:5]
    possible = options.starts.T[:5] != 0
    if cls is SMDPQLearning and max_cycles == 20:  # an option that was cut off last counts as stopped there
        learned = np.where(possible, learner.q[0, :5], -np.inf).max(axis=1)
        np.testing.assert_allclose(learned, wanted.max(axis=1), rtol=1e-5)
        return
    np.testing.assert_allclose(learner.q[0, :5][possible], wanted[possible], rtol=1e-5)


def test_an_option_whose_action_is_masked_cannot_start():
    vec = Corridor(num_envs=1, num_agents=1)
    learner = SMDPQLearning(vec, options=corridor_options(), exploration=EpsilonGreedy(1.0))
    mask = np.array([[[1, 1, 0]]], np.int8)
    chosen = {int(learner.act(np.full((1, 1), 2, np.int32), mask, explore=False)[0, 0]) for _ in range(20)}
    assert chosen == {1}
    with pytest.raises(ValueError, match="every mask must allow an action"):
        learner.act(np.full((1, 1), 2, np.int32), np.array([[[1, 0, 0]]], np.int8))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((np.zeros((1, 3), int), np.zeros((1, 2)), np.zeros((1, 3))), "must have one shape"),
        ((np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((1, 3))), "actions must be integers"),
        ((np.full((1, 3), -2), np.zeros((1, 3)), np.zeros((1, 3))), "actions must be integers from -1"),
        ((np.zeros((1, 3), int), np.zeros((1, 3)), np.full((1, 3), 1.5)), "stops must be probabilities"),
        ((np.array([[0, -1, 0]]), np.ones((1, 3)), np.zeros((1, 3))), "option 0 may start at observation 1"),
    ],
)
def test_bad_options_are_refused(arrays, message):
    with pytest.raises(ParameterError, match=message):
        Options(*arrays)
