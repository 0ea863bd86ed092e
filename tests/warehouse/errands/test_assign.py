"""Assigners: the cheapest way against trying all, functions of one's own, and answers that make no sense."""

import pickle
import re
from itertools import permutations

import numpy as np
import pytest

from marl_envs import errands_v0
from marl_envs.core.params import ParameterError
from marl_envs.warehouse.errands import types
from marl_envs.warehouse.errands.assign import IDLE, Pool
from marl_envs.warehouse.errands.distances import fill
from tests.warehouse.errands.plain import free_cells, random_rows, write_problem

HERE = "tests.warehouse.errands.test_assign"


def nearest(pool: Pool) -> np.ndarray:
    """LoRR's default scheduler once more: robot by robot, the open task nearest by rows and columns."""
    answer = np.full(len(pool.robots), IDLE)
    for i, cell in enumerate(pool.robot_cells):
        away = np.abs(pool.task_cells - cell).sum(axis=1)
        away[answer[answer != IDLE]] = 10**6
        if away.min() < 10**6:
            answer[i] = away.argmin()
    return answer


def last_come(pool: Pool) -> np.ndarray:
    """One robot only, the task that has waited least."""
    answer = np.full(len(pool.robots), IDLE)
    answer[-1] = pool.waited.argmin()
    return answer


def too_few(pool: Pool) -> list[int]:
    """An answer too short."""
    return [IDLE] * (len(pool.robots) - 1)


def twice(pool: Pool) -> list[int]:
    """One task for all."""
    return [0] * len(pool.robots)


def beyond(pool: Pool) -> list[int]:
    """A task that is not there."""
    return [len(pool.tasks)] * len(pool.robots)


def problem(folder, seed: int, robots: int = 3, reveal: float = 1.7) -> str:
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, 4, 6)
    free = free_cells(rows)
    tasks = [rng.choice(free, rng.integers(1, 3)).tolist() for _ in range(11)]
    return str(write_problem(folder, rows, rng.permutation(free)[:robots].tolist(), tasks, reveal))


def course(vec, seed: int, steps: int) -> list[bytes]:
    """Return what is seen and paid, and the tasks in hand, under random actions."""
    obs, _ = vec.reset(seed=seed)
    seen, rng = [obs.tobytes()], np.random.default_rng(seed)
    for _ in range(steps):
        obs, reward, _, _, info = vec.step(rng.integers(0, 5, (vec.num_envs, vec.num_agents)))
        last = info["final_obs"][info["ended"]]
        seen += [x.tobytes() for x in (obs, reward, last, info["reward_terms"], vec.arrays.task)]
    return [*seen, *(value.tobytes() for value in vec.metrics().values())]


@pytest.mark.parametrize("seed", range(4))
def test_the_nearest_by_a_function_is_the_nearest_of_the_kernel(tmp_path, seed):
    shared = {"problem": problem(tmp_path, seed), "max_cycles": 120, "shaping": 0.1, "observation": "tabular"}
    kernel = errands_v0.vector_env(2, **shared)
    function = errands_v0.vector_env(2, assigner=f"{HERE}:nearest", **shared)
    assert course(kernel, seed, 230) == course(function, seed, 230)
    assert kernel.arrays.tally[:, :, types.TASKS].sum() > 0


def ways(vec) -> np.ndarray:
    """Return the distances [cells] from each robot to the first errand of each open task, by a search of its own."""
    state, fixed = vec.arrays, vec.simulation.settings
    table, queue = np.zeros(fixed.kind.size, np.uint16), np.zeros(fixed.kind.size, np.int32)
    found = np.zeros((vec.num_agents, state.pool.shape[1]), int)
    for q, task in enumerate(state.pool[0]):
        fill(fixed.kind, fixed.ahead, int(fixed.task_cell[fixed.task_first[task % 11]]), table, queue)
        found[:, q] = table[state.pos[0]]
    return found


def test_the_optimal_assigner_takes_the_least_total_way(tmp_path):
    compared = 0
    for seed in range(12):
        vec = errands_v0.vector_env(1, problem=problem(tmp_path, seed), assigner="optimal", max_cycles=1000)
        vec.reset(seed=seed)
        rng = np.random.default_rng(seed)
        held = np.full(3, types.NONE)
        for _ in range(150):
            state = vec.arrays
            new = [a for a in range(3) if state.task[0, a] != held[a]]
            others = {int(state.place[0, a]) for a in range(3) if a not in new}
            open_places = [q for q in range(state.pool.shape[1]) if q not in others]
            costs = ways(vec)
            chosen = sum(int(costs[a, state.place[0, a]]) for a in new)
            trials = permutations(open_places, len(new))
            least = min(sum(costs[a, q] for a, q in zip(new, trial, strict=True)) for trial in trials)
            assert (state.task[0] != types.NONE).all()
            assert chosen == least
            compared += bool(new)
            held = state.task[0].copy()
            vec.step(rng.integers(0, 5, (1, 3)))
    assert compared > 30


def test_an_assigner_may_leave_robots_idle(tmp_path):
    vec = errands_v0.vector_env(1, problem=problem(tmp_path, 1), assigner=f"{HERE}:last_come")
    vec.reset(seed=0)
    assert vec.arrays.task[0].tolist() == [-1, -1, 0]
    vec.step(np.zeros((1, 3), int))
    assert vec.arrays.task[0].tolist() == [-1, 1, 0]


def test_batches_threads_copies_and_both_faces_agree(tmp_path):
    path = problem(tmp_path, 5)
    one = errands_v0.vector_env(3, problem=path, assigner="optimal", max_cycles=50)
    two = errands_v0.vector_env(3, 2, problem=path, assigner="optimal", max_cycles=50)
    expected = course(one, 9, 120)
    assert course(two, 9, 120) == expected
    assert course(pickle.loads(pickle.dumps(one)), 9, 120) == expected
    env = errands_v0.parallel_env(problem=path, assigner="optimal", max_cycles=50)
    env.reset(seed=4)
    single = errands_v0.vector_env(1, problem=path, assigner="optimal", max_cycles=50)
    single.reset(seed=4)
    rng = np.random.default_rng(0)
    for _ in range(49):
        actions = rng.integers(0, 5, 3)
        env.step(dict(zip(env.agents, actions.tolist(), strict=True)))
        single.step(actions[None])
        assert np.array_equal(env.vec.arrays.task, single.arrays.task)


def test_a_snapshot_goes_on_with_the_same_tasks(tmp_path):
    vec = errands_v0.vector_env(2, problem=problem(tmp_path, 7), assigner="optimal")
    vec.reset(seed=0)
    snapshot = vec.get_state()
    tasks = vec.arrays.task.copy()
    for _ in range(30):
        vec.step(np.random.default_rng(1).integers(0, 5, (2, 3)))
    vec.set_state(snapshot)
    assert np.array_equal(vec.arrays.task, tasks)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("too_few", "must return an integer for each of the 3 free robots, not int64 (2,)"),
        ("twice", "must give each task to one robot at most, not [0, 0, 0]"),
        ("beyond", "must return -1 to 4, not [5, 5, 5]"),
    ],
)
def test_an_answer_that_makes_no_sense_is_explained(tmp_path, name, message):
    vec = errands_v0.vector_env(1, problem=problem(tmp_path, 0), assigner=f"{HERE}:{name}")
    with pytest.raises(ValueError, match=re.escape(message)):
        vec.reset(seed=0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:nothing", "cannot be found"),
        (f"{HERE}:missing", "cannot be found"),
        (f"{HERE}:HERE", "must be a function of a Pool, not str"),
        ("best", "assigner must be one of 'nearest', 'schedule', 'optimal', 'module:function', not 'best'"),
        (":", "assigner must be one of"),
        (None, "assigner must be one of"),
    ],
)
def test_an_assigner_that_is_not_there_is_refused(tmp_path, name, message):
    with pytest.raises(ParameterError, match=message):
        errands_v0.vector_env(1, problem=problem(tmp_path, 0), assigner=name)


def test_dead_robots_get_nothing(tmp_path):
    drains = {"battery": 200}
    vec = errands_v0.vector_env(1, problem=problem(tmp_path, 2), assigner="optimal", max_cycles=200, **drains)
    vec.reset(seed=0)
    vec.arrays.level[0, 1] = 0
    vec.arrays.schedule[0] = types.NONE
    vec.arrays.pool_owner[0, vec.arrays.place[0]] = types.EMPTY
    vec.arrays.task[0], vec.arrays.goal[0] = types.NONE, 0
    vec.step(np.zeros((1, 3), int))
    assert (vec.arrays.task[0] == types.NONE).tolist() == [False, True, False]


def first_come(pool: Pool) -> np.ndarray:
    """One robot only, the first, the first open task."""
    answer = np.full(len(pool.robots), IDLE)
    answer[0] = 0
    return answer


@pytest.mark.parametrize("battery", [None, 40])
@pytest.mark.parametrize("assigner", ["first_come", "last_come"])
def test_whom_an_assigner_leaves_idle_stays_so_in_this_step(tmp_path, assigner, battery):
    """Neither a state shown again nor another row's new start makes it be asked a second time."""
    parameters = {"problem": problem(tmp_path, 3, robots=4), "assigner": f"{HERE}:{assigner}", "battery": battery}
    plain, shown = (errands_v0.vector_env(2, reserve=battery, **parameters) for _ in range(2))
    plain.reset(seed=0)
    shown.reset(seed=0)
    rng = np.random.default_rng(1)
    for _ in range(60):
        shown.set_state(shown.get_state())
        shown.restart(np.array([False, True]))
        for vec in (plain, shown):
            assert np.array_equal(vec.arrays.schedule[0], [types.NONE] * 4)
        for name in ("task", "goal", "pos", "level"):
            assert np.array_equal(getattr(plain.arrays, name)[0], getattr(shown.arrays, name)[0]), name
        actions = rng.integers(0, 5, (2, 4))
        held = plain.arrays.task[0] != types.NONE
        plain.step(actions)
        shown.step(actions)
        assert ((plain.arrays.task[0] != types.NONE) & ~held).sum() <= 1
    assert plain.arrays.tally[0, :, types.TASKS].sum() > 0
