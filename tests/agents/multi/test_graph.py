"""Coordination graphs: variable elimination and max-plus against trying all joint actions; and the learner on them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.multi import CentralQLearning, CoordinationGraphQLearning
from agents.multi.elimination import Elimination
from agents.multi.max_plus import MaxPlus
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.multi.worlds import Sizes, TeamMDP, all_joint, steps_of

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]


@st.composite
def graphs(draw, tree):
    """A graph of some agents (a forest if `tree`), in any order and direction of edges, with a seed."""
    agents = draw(st.integers(2, 6))
    if tree:
        pairs = [(a, draw(st.integers(0, a - 1))) for a in range(1, agents)]
    else:
        pairs = [(x, y) for x in range(agents) for y in range(x)]
    kept = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=len(pairs), unique=True))
    edges = [pair if draw(st.booleans()) else pair[::-1] for pair in kept]
    return agents, edges, draw(st.integers(2, 3)), draw(st.integers(0, 2**32))


SOLVERS = {"elimination": Elimination, "max_plus": MaxPlus}
RUN = np.zeros((1, 1), np.int32)


def solved(method, agents, edges, actions, seed):
    """Return what the joint action found is worth, what the solver says it is, and what the best one is."""
    rng = np.random.default_rng(seed)
    payoffs = rng.integers(-3, 4, (len(edges), 1, actions**2)).astype(np.float32)  # so many are equally good
    mask = (rng.random((1, agents, actions)) < 0.7).astype(np.int8)
    mask[0, np.arange(agents), rng.integers(0, actions, agents)] = 1
    solver = SOLVERS[method](np.array(edges), agents, actions)
    states, stream = np.zeros((1, len(edges)), np.int64), np.array([seed], np.uint64)
    said, found = solver.solve(payoffs, RUN, states, mask, stream)

    def worth(joint):
        return sum(payoffs[g, 0, joint[x] * actions + joint[y]] for g, (x, y) in enumerate(edges))

    allowed = [joint for joint in all_joint(agents, actions) if mask[0, np.arange(agents), joint].all()]
    assert mask[0, np.arange(agents), found[0]].all()
    return worth(found[0]), said[0], max(map(worth, allowed))


@given(graphs(tree=False))
@settings(max_examples=80, deadline=None)
def test_variable_elimination_finds_the_best_joint_action_of_any_graph(case):
    found, said, best = solved("elimination", *case)
    assert found == said == best


@given(graphs(tree=True))
@settings(max_examples=80, deadline=None)
def test_max_plus_finds_the_best_joint_action_of_any_forest(case):
    found, said, best = solved("max_plus", *case)
    assert found == best
    assert said == pytest.approx(best)


@given(graphs(tree=False))
@settings(max_examples=50, deadline=None)
def test_max_plus_says_truly_what_it_found_on_graphs_with_cycles(case):
    found, said, best = solved("max_plus", *case)
    assert found == pytest.approx(said)
    assert found <= best


def test_ties_are_broken_at_random():
    for method in ("elimination", "max_plus"):
        solver = SOLVERS[method](np.array([(0, 1)]), 2, 2)
        payoffs = np.array([[[1, 0, 0, 1]]], np.float32)
        rng, mask, found = np.array([3], np.uint64), np.ones((1, 2, 2), np.int8), set()
        for _ in range(50):
            found.add(tuple(solver.solve(payoffs, RUN, np.zeros((1, 1), np.int64), mask, rng)[1][0].tolist()))
        assert found == {(0, 0), (1, 1)}, method


@pytest.mark.parametrize("method", ["elimination", "max_plus"])
@pytest.mark.parametrize("seed", range(3))
def test_two_agents_and_their_edge_are_central_q_learning(method, seed):
    world = TeamMDP(np.random.default_rng(seed), states=4, agents=2, actions=3, gamma=0.9)
    sizes = Sizes(1, 2, 4, 3)
    graph = CoordinationGraphQLearning(sizes, edges=[(0, 1)], method=method, alpha=0.5, gamma=0.9, state="common")
    central = CentralQLearning(sizes, alpha=0.5, gamma=0.9, state="common")
    rng = np.random.default_rng(seed)
    for _ in range(500):
        s, j = rng.integers(0, [4, 9])
        step = steps_of(s, world.joint[j : j + 1], world.reward[s, j], world.after[s, j])
        for learner in (graph, central):
            learner.update(**step)
    assert np.abs(central.q).max() > 5
    np.testing.assert_allclose(graph.q[0], central.q[0], rtol=1e-5, atol=1e-5)


def test_payoffs_on_the_edges_of_a_chain_are_learned():
    """A team reward that is a sum over edges: the best joint action of four agents is found from pairs alone."""
    rng = np.random.default_rng(0)
    edges, joint = [(0, 1), (2, 1), (2, 3)], all_joint(4, 3)
    payoffs = rng.normal(size=(3, 3, 3))
    reward = sum(payoffs[g, joint[:, x], joint[:, y]] for g, (x, y) in enumerate(edges))
    learner = CoordinationGraphQLearning(Sizes(len(joint), 4, 1, 3), edges=edges, alpha=0.1)
    for _ in range(100):
        learner.update(**steps_of(0, joint, reward[:, None]))
    total = sum(learner.q[g, 0, 3 * joint[:, x] + joint[:, y]] for g, (x, y) in enumerate(edges))
    np.testing.assert_allclose(total, reward, atol=1e-3)
    chosen = learner.greedy().choose(np.zeros((1, 4), np.int32), None)[0]
    assert chosen.tolist() == joint[reward.argmax()].tolist()


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([], "at least one pair"),
        ([(0, 0)], r"edges\[0\] must be a pair of two different agents"),
        ([(0, 1), (1, 0)], r"edges\[1\] joins the agents 0 and 1 a second time"),
        ([(0, 3)], r"edges\[0\] must be an integer from 0 to 2"),
        ([(0, 1), 5], r"edges\[1\] must be a pair"),
    ],
)
def test_edges_that_make_no_graph_are_refused(edges, message):
    with pytest.raises(ParameterError, match=message):
        CoordinationGraphQLearning(Sizes(1, 3, 1, 2), edges=edges)


def test_a_graph_too_dense_to_eliminate_is_refused_but_not_by_messages():
    edges = [(x, y) for x in range(12) for y in range(x)]
    with pytest.raises(ParameterError, match='more than 4194304: use fewer edges, or method="max_plus"'):
        CoordinationGraphQLearning(Sizes(1, 12, 1, 5), edges=edges)
    CoordinationGraphQLearning(Sizes(1, 12, 1, 5), edges=edges, method="max_plus")
