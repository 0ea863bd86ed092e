"""What robots see, the global state and the shaping reward: against slow writers, straight from the documentation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands import types
from marl_envs.warehouse.errands.floors import get_floor
from tests.warehouse.errands.plain import AHEAD, Pool, crowds, kind, place, places, search, write_problem
from tests.warehouse.writers import CLOCKWISE, NEAR, one_hot

few = settings(max_examples=40 if ENABLED else 4, deadline=None)
STEPS = 12 if ENABLED else 5
REFUSED = (types.VERTEX, types.SWAP, types.BLOCKED, types.STOPPED)


class Look:
    """One environment's state in plain Python."""

    def __init__(self, vec: VectorEnv, rows: tuple[str, ...]) -> None:
        state = vec.arrays
        self.rows, self.cells = rows, places(vec)
        self.height, self.width = len(rows), len(rows[0])
        self.rotate = vec.params.moves == "rotate"
        self.headings = state.heading[0].tolist()
        self.goals = [place(vec, goal) if goal else None for goal in state.goal[0].tolist()]
        self.set_out, self.step = state.set_out[0].tolist(), int(state.step[0])
        self.refused = [outcome in REFUSED for outcome in state.outcome[0].tolist()]

    def facing(self, a: int) -> int:
        """Return where ahead is: with compass moves always north."""
        return self.headings[a] if self.rotate else 0

    def away(self, a: int) -> int | None:
        """Return how far robot `a` is from its goal, or None."""
        goal = self.goals[a]
        return None if goal is None else search(self.rows, goal).get(self.cells[a])

    def beside(self, a: int, heading: int) -> tuple[int, int]:
        return self.cells[a][0] + AHEAD[heading][0], self.cells[a][1] + AHEAD[heading][1]

    def brings_nearer(self, a: int, heading: int) -> bool:
        """Return whether the goal is nearer there."""
        goal = self.goals[a]
        if goal is None or self.away(a) is None:
            return False
        found = search(self.rows, goal)
        return found.get(self.beside(a, heading), 10**6) < found[self.cells[a]]

    def ways(self, a: int) -> list[int]:
        """Return the headings that are ahead, right, behind and left of robot `a`."""
        first = CLOCKWISE.index(self.facing(a))
        return [CLOCKWISE[(first + quarter) % 4] for quarter in range(4)]

    def near(self, a: int, k: int) -> tuple[int, int]:
        """Return the k-th of the 12 cells within two moves."""
        (onward, aside), (down, right) = NEAR[k], AHEAD[self.facing(a)]
        row, col = self.cells[a]
        return row + onward * down + aside * right, col + onward * right - aside * down

    def turn(self, a: int, b: int) -> int:
        """Return robot `b`'s heading in quarter turns clockwise from where ahead is for `a`."""
        return (CLOCKWISE.index(self.headings[b]) - CLOCKWISE.index(self.facing(a))) % 4

    def first(self, b: int, a: int) -> bool:
        """Return whether robot `b` has a goal and has been under way to it longer."""
        if None in (self.goals[a], self.goals[b]):
            return self.goals[b] is not None
        return (self.set_out[b], b) < (self.set_out[a], a)


def goal(look: Look, a: int) -> list[float]:
    """Return the vector."""
    scale, away = look.height + look.width, look.away(a)
    numbers = [float(look.brings_nearer(a, h)) for h in look.ways(a)]
    numbers += [float(kind(look.rows, look.beside(a, h)) != "@") for h in look.ways(a)]
    numbers += [*one_hot(look.headings[a]), 1.0 if away is None else min(away / scale, 1.0)]
    offset, there = (0, 0), look.goals[a]
    if there is not None:
        down, right = there[0] - look.cells[a][0], there[1] - look.cells[a][1]
        offset = {0: (-down, right), 1: (down, -right), 2: (-right, -down), 3: (right, down)}[look.facing(a)]
    numbers += [x / max(look.height, look.width) for x in offset]
    numbers += [float(look.goals[a] is not None), float(look.refused[a])]
    numbers += [min((look.step - look.set_out[a]) / scale, 1.0)]
    for k in range(len(NEAR)):
        cell = look.near(a, k)
        b = look.cells.index(cell) if cell in look.cells else None
        numbers += [float(b is not None), *one_hot(-1 if b is None else look.turn(a, b))]
        numbers += [float(b is not None and look.first(b, a)), float(kind(look.rows, cell) == "@")]
    return numbers


def tabular(look: Look, a: int) -> int:
    """Return the number."""
    if look.rotate:
        guide = sum(look.brings_nearer(a, h) << k for k, h in enumerate(look.ways(a)))
        around = [(k, look.cells.index(look.near(a, k))) for k in range(len(NEAR)) if look.near(a, k) in look.cells]
        near = 0
        if around:
            k, b = around[0]
            near = 1 + (k * 4 + look.turn(a, b)) * 2 + look.first(b, a)
        return (guide * 2 + look.refused[a]) * 97 + near
    guide = sum(look.brings_nearer(a, h) << h for h in range(4))
    taken = {h: look.cells.index(look.beside(a, h)) for h in range(4) if look.beside(a, h) in look.cells}
    neighbours = sum(1 << h for h in taken)
    yields = any(look.brings_nearer(a, h) and look.first(b, a) for h, b in taken.items())
    return ((guide * 2 + look.refused[a]) * 16 + neighbours) * 2 + yields


def whole(look: Look, most: int) -> list[float]:
    """Return the global state: step; then row, column, heading, and whether and where the goal is, by robot."""
    rows, cols = max(look.height - 1, 1), max(look.width - 1, 1)
    numbers = [min(look.step / most, 1.0)]
    for (row, col), heading, goal in zip(look.cells, look.headings, look.goals, strict=True):
        there = (0.0, 0.0, 0.0) if goal is None else (1.0, goal[0] / rows, goal[1] / cols)
        numbers += [row / rows, col / cols, *one_hot(heading), *there]
    return numbers


def check(vec: VectorEnv, obs: np.ndarray, rows: tuple[str, ...]) -> None:
    """Compare what every robot sees."""
    look = Look(vec, rows)
    for a in range(vec.num_agents):
        assert vec.observation_space.contains(obs[0, a])
        if vec.params.observation == "goal":
            assert obs[0, a].tolist() == pytest.approx(goal(look, a), abs=1e-6)
        else:
            assert obs[0, a] == tabular(look, a)
    assert vec.state_space.contains(vec.state()[0])
    assert vec.state()[0].tolist() == pytest.approx(whole(look, vec.params.max_cycles), abs=1e-6)


@few
@given(
    st.sampled_from(("goal", "tabular")).flatmap(lambda kind: crowds(observation=kind, max_cycles=8)), st.integers(0)
)
def test_observations_are_what_the_documentation_says(vec, seed):
    rows, rng = get_floor(vec.params.floor).rows, np.random.default_rng(seed % 2**32)
    obs, _ = vec.set_state(vec.get_state())
    check(vec, obs, rows)
    for t in range(1, STEPS + 1):
        last = VectorEnv(vec.simulation, autoreset=False) if t == vec.max_cycles else None
        actions = rng.integers(0, int(vec.action_space.n), (1, vec.num_agents))
        if last is not None:  # the last observation of an episode, from one that does not go on
            last.reset(seed=0)
            last.set_state(vec.get_state())
            check(last, last.step(actions)[0], rows)
        obs, _, _, _, info = vec.step(actions)
        check(vec, obs, rows)
        if last is not None:
            assert np.array_equal(info["final_obs"], last.out.label if obs.dtype == np.int32 else last.out.obs)


@pytest.mark.parametrize("moves", types.MOVES)
@pytest.mark.parametrize("observation", ["goal", "tabular"])
def test_robots_without_a_task_are_seen_and_see(tmp_path, moves, observation):
    rows, tasks = ("....", ".@..", "...."), [[3, 4], [9], [2, 2], [8, 0, 6]]
    path = write_problem(tmp_path, rows, [0, 4, 10, 7], tasks, 1.0)
    vec = errands_v0.vector_env(
        1, problem=path, moves=moves, observation=observation, assigner="schedule", max_cycles=60
    )
    obs, _ = vec.reset(seed=0)
    plain, rng = Pool(tasks, 4, 4, 1.0), np.random.default_rng(1)
    idle = 0
    for t in range(1, 60):
        wanted = plain.choose(rng)
        pairs = zip(wanted, plain.current, strict=True)
        vec.arrays.schedule[0] = [types.NONE if new == old else (types.DROP if new < 0 else new) for new, old in pairs]
        obs, *_ = vec.step(rng.integers(0, int(vec.action_space.n), (1, 4)))
        plain.update(places(vec), wanted, t)
        check(vec, obs, rows)
        idle += plain.current.count(-1)
    assert idle > 20


@pytest.mark.parametrize(("moves", "labels"), [("compass", 1024), ("rotate", 3104)])
def test_sizes_are_those_of_the_documentation(moves, labels):
    vec = errands_v0.vector_env(1, moves=moves, observation="tabular")
    assert vec.observation_space.n == labels
    assert errands_v0.vector_env(1, moves=moves).observation_space.shape == (102,)


@few
@given(
    st.sampled_from(["individual", "team"]).flatmap(lambda reward: crowds(shaping=2.0, reward=reward)), st.integers(0)
)
def test_shaping_telescopes(vec, seed):
    """The discounted sum of the shaping terms is gamma^T * potential(end) - potential(start)."""
    rows, rng = get_floor(vec.params.floor).rows, np.random.default_rng(seed % 2**32)
    gamma, scale, total = vec.params.shaping_gamma, len(rows) + len(rows[0]), 0.0

    def potentials() -> list[float]:
        look, values = Look(vec, rows), []
        for a in range(vec.num_agents):
            away = look.away(a)
            values.append(0.0 if away is None else 2.0 * (1 - min(away, scale) / scale))
        return values

    start = potentials()
    for t in range(STEPS):
        _, reward, _, _, info = vec.step(rng.integers(0, int(vec.action_space.n), (1, vec.num_agents)))
        terms = info["reward_terms"][0]
        total = total + gamma**t * terms[:, types.SHAPING].astype(float)
        paid = terms.sum(axis=1)
        expected = np.full_like(paid, paid.sum()) if vec.params.reward == "team" else paid
        assert reward[0].tolist() == pytest.approx(expected.tolist(), abs=1e-5)
    end = np.array(potentials())
    assert total.tolist() == pytest.approx((gamma**STEPS * end - np.array(start)).tolist(), abs=1e-4)


def test_shaping_begins_anew_with_each_episode():
    vec = errands_v0.vector_env(1, floor=".....\n.....", num_robots=1, goals="anywhere", shaping=1.0, max_cycles=3)
    vec.reset(seed=0)
    for t in range(1, 8):
        before = vec.arrays.potential[0, 0]
        look = Look(vec, (".....", "....."))
        assert before == pytest.approx(1 - look.away(0) / 7)
        vec.step(np.zeros((1, 1), int))
        assert vec.out.terms[0, 0, types.SHAPING] == pytest.approx((0.99 - 1) * before, abs=1e-6)
        assert vec.arrays.step[0] == t % 3
