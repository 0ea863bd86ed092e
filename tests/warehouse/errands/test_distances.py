"""Distance tables: right, and never seen in what an environment does, however little memory they have."""

import pickle
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands import types
from marl_envs.warehouse.errands.distances import fill
from marl_envs.warehouse.errands.floors import get_floor
from tests.warehouse.errands.plain import floors, place, search

few = settings(max_examples=50 if ENABLED else 8, deadline=None)
FLOOR = "........\n.@@..@@.\n........\n.@@.@@..\n........"
TABLE = 2 * 9 * 12  # bytes of a table of FLOOR: two rings of obstacles around it


def check_tables(vec: VectorEnv) -> None:
    """Every goal has a table, every table is right, and no two goals share one."""
    rows, fixed = get_floor(vec.params.floor).rows, vec.simulation.settings
    assert (fixed.slot[vec.arrays.goal] >= 0).all()
    have = np.flatnonzero(fixed.slot >= 0)
    assert len(set(fixed.slot[have].tolist())) == len(have) <= len(fixed.steps)
    for goal in have.tolist():
        found = search(rows, place(vec, goal))
        table = fixed.steps[fixed.slot[goal]].tolist()
        assert table == [found.get(place(vec, cell), types.UNREACHABLE) for cell in range(len(table))]


@few
@given(floors(), st.integers(0, 2**32))
def test_tables_are_what_a_plain_search_finds(floor, seed):
    vec = errands_v0.vector_env(2, floor=floor, num_robots=2, goals="anywhere")
    vec.reset(seed=seed)
    check_tables(vec)
    rng = np.random.default_rng(seed)
    for _ in range(5):
        vec.step(rng.integers(0, 5, (2, 2)))
    check_tables(vec)


def course(vec: VectorEnv, seed: int, steps: int) -> list[bytes]:
    """Return all that is seen, paid and measured on the way."""
    obs, info = vec.reset(seed=seed)
    rng, seen = np.random.default_rng(seed), [obs.tobytes()]
    for _ in range(steps):
        actions = rng.integers(0, int(vec.action_space.n), (vec.num_envs, vec.num_agents))
        obs, reward, _, _, info = vec.step(actions)
        seen += [x.tobytes() for x in (obs, reward, info["final_obs"], info["reward_terms"], *vec.metrics().values())]
        seen.append(vec.state().tobytes())
    return seen


@pytest.mark.parametrize("observation", types.OBSERVATIONS)
@pytest.mark.parametrize("tables", [4, 6])
def test_little_memory_changes_nothing(observation, tables):
    parameters = {"floor": FLOOR, "num_robots": 2, "goals": "anywhere", "observation": observation, "max_cycles": 40}
    parameters |= {"shaping": 0.5}
    plenty = errands_v0.vector_env(2, **parameters)
    short = errands_v0.vector_env(2, distance_bytes=tables * TABLE + 1, **parameters)
    assert len(short.simulation.settings.steps) == tables
    assert course(plenty, 5, 200) == course(short, 5, 200)
    assert (plenty.simulation.settings.slot >= 0).sum() > tables, "tables were given up"
    check_tables(short)


def test_a_table_that_is_given_up_is_built_again():
    vec = errands_v0.vector_env(1, floor=FLOOR, num_robots=2, goals="anywhere", distance_bytes=2 * TABLE)
    vec.reset(seed=0)
    rng = np.random.default_rng(0)
    goals = set()
    for t in range(1500):
        vec.step(rng.integers(0, 5, (1, 2)))
        if t % 3:
            continue
        goals |= set(vec.arrays.goal[0].tolist())
        check_tables(vec)
    assert len(goals) > 4


@pytest.mark.parametrize("bytes_", [1, TABLE - 1])
def test_less_than_one_table_is_refused_at_once(bytes_):
    with pytest.raises(
        ParameterError, match=f"distance_bytes must be at least {TABLE}, for one table of this floor, not {bytes_}"
    ):
        errands_v0.vector_env(1, floor=FLOOR, num_robots=1, goals="anywhere", distance_bytes=bytes_)


def test_too_little_for_all_goals_is_refused_before_a_table_is_lost():
    vec = errands_v0.vector_env(4, floor=FLOOR, num_robots=4, goals="anywhere", distance_bytes=4 * TABLE)
    with pytest.raises(ParameterError, match=r"1\d goals at once .* the 4 that fit in distance_bytes=864; raise it"):
        vec.reset(seed=0)
    assert (vec.simulation.settings.slot == types.NONE).all()
    short, seed = _with_a_shared_goal()
    short.reset(seed=seed)
    check_tables(short)
    snapshot, slots = short.get_state(), short.simulation.settings.slot.copy()
    other = next(other for other in range(100) if not _fits(other))
    with pytest.raises(ParameterError, match="4 goals at once need more distance tables than the 3"):
        short.reset(seed=other)
    assert np.array_equal(short.simulation.settings.slot, slots)
    short.set_state(snapshot)
    check_tables(short)


def _with_a_shared_goal() -> tuple[VectorEnv, int]:
    """Return an environment with memory for three tables, and a seed under which its four robots have three goals."""
    vec = errands_v0.vector_env(1, floor=FLOOR, num_robots=4, goals="anywhere", distance_bytes=3 * TABLE)
    return vec, next(filter(_fits, range(100)))


def _fits(seed: int) -> bool:
    """Return whether two of four robots share a goal at the beginning of that episode, as in one of five."""
    plenty = errands_v0.vector_env(1, floor=FLOOR, num_robots=4, goals="anywhere")
    plenty.reset(seed=seed)
    return len(set(plenty.arrays.goal[0].tolist())) == 3


def test_environments_may_share_a_simulation():
    """Each gives up the tables of the other, and both go on as if they were alone."""
    parameters = {"floor": FLOOR, "num_robots": 2, "goals": "anywhere", "shaping": 0.1, "distance_bytes": 3 * TABLE}
    alone = errands_v0.vector_env(1, **parameters)
    one = VectorEnv(alone.simulation)
    two = VectorEnv(alone.simulation)
    assert one.simulation.settings.steps is two.simulation.settings.steps
    expected = [course(alone, seed, 100) for seed in (1, 2)]
    seen = [[vec.reset(seed=seed)[0].tobytes()] for vec, seed in ((one, 1), (two, 2))]
    rngs = [np.random.default_rng(seed) for seed in (1, 2)]
    for _ in range(100):
        for vec, rng, found in zip((one, two), rngs, seen, strict=True):
            obs, reward, _, _, info = vec.step(rng.integers(0, 5, (1, 2)))
            found += [
                x.tobytes() for x in (obs, reward, info["final_obs"], info["reward_terms"], *vec.metrics().values())
            ]
            found.append(vec.state().tobytes())
    assert seen == expected


def test_tables_do_not_travel():
    parameters = {"floor": "empty-40x40", "num_robots": 50, "goals": "anywhere"}
    vec = errands_v0.vector_env(1, **parameters)
    fresh = len(pickle.dumps(vec))
    vec.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(50):
        vec.step(rng.integers(0, 5, (1, 50)))
    tables = int((vec.simulation.settings.slot >= 0).sum())
    assert tables >= 45
    travelled = pickle.dumps(vec)
    assert len(travelled) < fresh + 2000, f"{tables} tables take {tables * 2 * 44 * 44} bytes"
    assert len(pickle.dumps(vec.get_state())) < 40_000
    other = pickle.loads(travelled)
    assert (other.simulation.settings.slot >= 0).sum() == 0
    actions = rng.integers(0, 5, (1, 50))
    assert np.array_equal(vec.step(actions)[0], other.step(actions)[0])


def test_a_way_longer_than_a_table_can_say_stays_a_way():
    """A snake of 70,000 cells: distances are 16 bits wide, and the longest must not look like "no way"."""
    width, lines = 1000, 70
    kinds = np.full((2 * lines + 3, width + 4), types.OBSTACLE, np.uint8)
    kinds[2 : 2 * lines + 2 : 2, 2:-2] = types.FREE
    for line in range(lines - 1):
        kinds[2 * line + 3, -3 if line % 2 == 0 else 2] = types.FREE
    stride = width + 4
    ahead = np.array([-stride, stride, -1, 1], np.int32)
    steps, queue = np.zeros(kinds.size, np.uint16), np.zeros(kinds.size + 8, np.int32)
    fill(kinds.ravel(), ahead, 2 * stride + 2, steps, queue)
    table = steps.reshape(kinds.shape)
    assert (table == types.UNREACHABLE).sum() == (kinds == types.OBSTACLE).sum()
    assert np.array_equal(table[2, 2:-2], np.arange(width))
    last = types.UNREACHABLE - 1
    expected = np.minimum(np.arange((kinds == types.FREE).sum()), last)
    assert np.array_equal(np.sort(table[kinds == types.FREE]), expected)
    assert (queue[-8:] == 0).all()


@pytest.mark.skipif(not ENABLED, reason="threads of plain Python warn of every number that wraps around")
def test_threads_share_the_tables():
    """The tables are built before the threads start, so their number changes nothing."""
    parameters = {"floor": FLOOR, "num_robots": 3, "goals": "anywhere", "distance_bytes": 20 * TABLE}
    assert course(errands_v0.vector_env(6, 2, **parameters), 3, 60) == course(
        errands_v0.vector_env(6, 1, **parameters), 3, 60
    )
    assert threading.active_count() < 20
