"""Who does what, against LoRR's own rules in plain Python, fed with where our robots went; drawn goals; assigners."""

from collections.abc import Callable

import numpy as np
import pytest

from marl_envs import errands_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands import types
from marl_envs.warehouse.errands.floors import get_floor
from tests.warehouse.errands.plain import Pool, RoundRobin, free_cells, kind, place, places, random_rows, write_problem

STEPS = 1000


def small_problem(folder, seed: int, reveal: float | None = None):
    """Write a random problem; return (path, tasks, width, robots). Some errands of a task are on the same cell."""
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, 3, 4)
    free = free_cells(rows)
    robots = int(rng.integers(2, 5))
    starts = rng.permutation(free)[:robots].tolist()
    most = 1 if reveal is None else 3
    tasks = [rng.choice(free, rng.integers(1, most + 1)).tolist() for _ in range(int(rng.integers(3, 12)))]
    return write_problem(folder, rows, starts, tasks, reveal), tasks, len(rows[0]), robots


def play(vec: VectorEnv, seed: int, before: Callable[[int], None], after: Callable[[int], None]) -> None:
    """Take random actions for one episode, and call `before` and `after` each of its steps but the last."""
    rng = np.random.default_rng(seed)
    for t in range(1, STEPS):
        before(t)
        vec.step(rng.integers(0, int(vec.action_space.n), (1, vec.num_agents)))
        after(t)


def goal_of(vec: VectorEnv, a: int):
    goal = int(vec.arrays.goal[0, a])
    return place(vec, goal) if goal else None


def errand_of(tasks: list, width: int, task: int, done: int):
    return divmod(tasks[task % len(tasks)][done], width)


def check_counts(vec: VectorEnv, plain: Pool | RoundRobin) -> None:
    """Errands, tasks and service times."""
    tally, metrics = vec.arrays.tally[0], vec.metrics()
    for a in range(vec.num_agents):
        mine = [event for event in plain.events if event[1] == a]
        ends = [e for e in mine if e[3] == len(plain.tasks[e[2] % len(plain.tasks)])]
        assert tally[a, types.ERRANDS] == len(mine)
        assert tally[a, types.TASKS] == len(ends)
        assert vec.arrays.last_task[0, a] == (ends[-1][2] if ends else types.NONE)
    assert metrics["tasks"][0] == len(plain.service)
    assert metrics["errands"][0] == len(plain.events)
    assert metrics["service_time"][0] == pytest.approx(
        np.mean(plain.service) if plain.service else float("nan"), nan_ok=True
    )


@pytest.mark.parametrize("seed", range(6))
def test_round_robin_is_lorr_s(tmp_path, seed):
    path, tasks, width, robots = small_problem(tmp_path, seed)
    vec = errands_v0.vector_env(1, problem=path, moves="compass", max_cycles=STEPS)
    vec.reset(seed=seed)
    for _ in range(2):  # the second episode begins with the reset inside a step
        plain = RoundRobin(tasks, robots, width)

        def compare(t: int, plain: RoundRobin = plain) -> None:
            if t:
                plain.update(places(vec), t)
            assert vec.arrays.task[0].tolist() == [number for number, _ in plain.assigned]
            assert vec.arrays.released[0].tolist() == [since for _, since in plain.assigned]
            wanted = [errand_of(tasks, width, number, 0) for number, _ in plain.assigned]
            assert [goal_of(vec, a) for a in range(robots)] == wanted

        compare(0)
        play(vec, seed, lambda t: None, compare)
        check_counts(vec, plain)
        assert max(event[2] for event in plain.events) > len(tasks), "the file began again"
        vec.step(np.zeros((1, robots), int))
        assert vec.arrays.step[0] == 0


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("assigner", types.ASSIGNERS)
def test_the_pool_is_lorr_s(tmp_path, seed, assigner):
    reveal = [1.5, 1.0, 0.5, 2.3][seed % 4]
    path, tasks, width, robots = small_problem(tmp_path, seed, reveal)
    vec = errands_v0.vector_env(1, problem=path, moves="compass", assigner=assigner, max_cycles=STEPS)
    vec.reset(seed=seed)
    plain, state, rng = Pool(tasks, robots, width, reveal), vec.arrays, np.random.default_rng(seed)
    wanted: list[int] = plain.current

    def choose(t: int) -> None:
        nonlocal wanted
        if assigner == "schedule":
            wanted = plain.choose(rng)
            changes = zip(wanted, plain.current, strict=True)
            state.schedule[0] = [
                types.NONE if new == old else (types.DROP if new == -1 else new) for new, old in changes
            ]
        else:
            wanted = state.task[0].tolist()

    def compare(t: int) -> None:
        plain.update(places(vec), wanted, t)
        since = dict(zip(state.pool[0].tolist(), state.pool_since[0].tolist(), strict=True))
        assert since == {task: released for task, (_, released) in plain.ongoing.items()}
        if assigner == "schedule":
            assert state.task[0].tolist() == plain.current
        owners = dict(zip(state.pool[0].tolist(), state.pool_owner[0].tolist(), strict=True))
        assert {task: a for task, a in owners.items() if a != types.EMPTY} == {
            task: a for a, task in enumerate(state.task[0].tolist()) if task != -1
        }
        for a, task in enumerate(plain.current):
            if task != -1:
                assert state.errand[0, a] == plain.ongoing[task][0]
                assert goal_of(vec, a) == errand_of(tasks, width, task, plain.ongoing[task][0])
            elif assigner == "schedule":
                assert goal_of(vec, a) is None
        assert (state.schedule[0] == types.NONE).all()

    assert state.pool.shape[1] == int(reveal * robots)
    play(vec, seed, choose, compare)
    check_counts(vec, plain)
    assert plain.number > len(tasks), "the file began again"


@pytest.mark.parametrize("seed", range(4))
def test_nearest_gives_each_free_robot_the_nearest_open_task_lowest_first(tmp_path, seed):
    path, tasks, width, robots = small_problem(tmp_path, seed, [1.5, 0.5][seed % 2])
    vec = errands_v0.vector_env(1, problem=path, moves="compass", max_cycles=STEPS)
    held: list[int] = [-1] * robots

    def compare(t: int) -> None:
        nonlocal held
        now, at = vec.arrays.task[0].tolist(), places(vec)
        kept = [task for task, old in zip(now, held, strict=True) if task == old != -1]
        left = [task for task in vec.arrays.pool[0].tolist() if task not in kept]
        for a, task in enumerate(now):
            if task in kept:
                continue

            def away(task: int, cell=at[a]) -> int:
                row, col = errand_of(tasks, width, task, 0)
                return abs(row - cell[0]) + abs(col - cell[1])

            assert (task == -1) == (not left)
            if left:
                assert away(task) == min(map(away, left))
                left.remove(task)
        held = now

    vec.reset(seed=seed)
    compare(0)
    play(vec, seed, lambda t: None, compare)
    assert vec.metrics()["tasks"][0] > 5


def test_a_schedule_cannot_break_what_is_begun_nor_take_what_is_not_open(tmp_path):
    rows = ("....", "....")
    path = write_problem(tmp_path, rows, [0, 4], [[0, 3], [7], [2], [6]], 1.5)
    vec = errands_v0.vector_env(1, problem=path, assigner="schedule")
    vec.reset(seed=0)
    state, wait = vec.arrays, np.zeros((1, 2), int)

    def assign(first: int, second: int) -> list[int]:
        state.schedule[0] = first, second
        vec.step(wait)
        return state.task[0].tolist()

    assert assign(1, 3) == [1, -1]  # the pool has tasks 0, 1 and 2
    assert assign(types.NONE, 1) == [-1, 1]  # not begun: it changes hands
    assert assign(1, 0) == [1, 0]  # and robots exchange what they have
    assert assign(0, 1) == [0, 1]  # and robot 0 stands on task 0's first errand
    assert state.errand[0].tolist() == [1, 0]
    assert vec.out.terms[0, :, types.ERRAND].tolist() == [1, 0]
    assert assign(types.DROP, 0) == [0, 1]  # begun: both are bound
    assert assign(2, types.DROP) == [0, -1]
    assert assign(types.NONE, 99) == [0, -1]
    assert vec.metrics()["tasks"][0] == 0


def test_a_task_taken_on_the_spot_took_no_time(tmp_path):
    path = write_problem(tmp_path, ("....", "...."), [0, 4], [[2], [2], [2, 1], [6]], 1.5)
    vec = errands_v0.vector_env(1, problem=path, assigner="schedule")
    vec.reset(seed=0)
    vec.arrays.schedule[0, 0] = 0
    for action in (4, 4):
        vec.step(np.array([[action, 0]]))
    vec.arrays.schedule[0, 0] = 1
    vec.step(np.zeros((1, 2), int))
    metrics = vec.metrics()
    assert (metrics["tasks"][0], metrics["errands"][0]) == (2, 2)
    # one step to the goal after the step in which it was given: set out at step 1, one cell away; then none
    assert metrics["detour"][0] == 1.0
    assert metrics["service_time"][0] == (2 + 3) / 2


def test_errands_without_a_way_have_no_detour(tmp_path):
    path = write_problem(tmp_path, ("....", "...."), [0, 4], [[0, 0], [2], [6]], 1.5)
    vec = errands_v0.vector_env(1, problem=path, assigner="schedule")
    vec.reset(seed=0)
    vec.arrays.schedule[0, 0] = 0
    for _ in range(2):
        vec.step(np.zeros((1, 2), int))
    assert vec.metrics()["errands"][0] == 2
    assert np.isnan(vec.metrics()["detour"][0])


def test_a_schedule_gives_a_dead_robot_nothing(tmp_path):
    path = write_problem(tmp_path, ("....", "...."), [0, 4], [[2], [3], [6]], 1.5)
    vec = errands_v0.vector_env(1, problem=path, assigner="schedule", battery=100)
    vec.reset(seed=0)
    vec.arrays.level[0, 0] = 0
    vec.arrays.schedule[0] = 0, 1
    vec.step(np.zeros((1, 2), int))
    assert vec.arrays.task[0].tolist() == [types.NONE, 1]
    vec.arrays.schedule[0] = types.NONE, 0
    vec.step(np.zeros((1, 2), int))
    assert vec.arrays.task[0].tolist() == [types.NONE, 0]


def test_nothing_of_the_last_episode_shows_in_the_next(tmp_path):
    path = write_problem(tmp_path, ("....", "...."), [0, 4], [[2, 3], [7], [2], [6]], 1.5)
    vec = errands_v0.vector_env(1, problem=path, assigner="schedule", max_cycles=10)
    first = vec.reset(seed=0)[0].copy()
    for _ in range(9):
        vec.arrays.schedule[0] = 0, 1
        vec.step(np.array([[4, 4]]))
    again = vec.step(np.zeros((1, 2), int))[0]
    assert vec.arrays.step[0] == 0
    assert np.array_equal(first, again)
    assert vec.observation_space.contains(again[0, 0])


FLOOR = "S.E@\nSS..\n.E.."


@pytest.mark.parametrize(
    ("goals", "first", "second"),
    [("alternate", "S", "E"), ("sides", "S", "S"), ("stations", "E", "E"), ("anywhere", ".SE", ".SE")],
)
def test_drawn_goals_lie_where_they_should(goals, first, second):
    vec = errands_v0.vector_env(3, floor=FLOOR, num_robots=2, goals=goals, max_cycles=10**6)
    vec.reset(seed=3)
    rows, state, rng = get_floor(FLOOR).rows, vec.arrays, np.random.default_rng(0)
    seen: set = set()
    before = np.full(state.task.shape, -1)
    for _ in range(400):
        for e, a in np.argwhere(state.task != before).tolist():
            cell = place(vec, state.goal[e, a])
            assert kind(rows, cell) in (first, second)[state.task[e, a] % 2]
            assert cell != place(vec, state.pos[e, a]), "the robot's own cell"
            assert state.task[e, a] == before[e, a] + 1 == state.tally[e, a, types.TASKS]
            assert state.released[e, a] == state.set_out[e, a] == state.step[e]
            seen.add((cell, int(state.task[e, a]) % 2))
        before = state.task.copy()
        vec.step(rng.integers(0, 5, (3, 2)))
    every = [(r, c) for r in range(3) for c in range(4)]
    allowed = {(cell, turn) for cell in every for turn in range(2) if kind(rows, cell) in (first, second)[turn]}
    assert seen == allowed, "every such cell is drawn"
    assert vec.metrics()["service_time"].min() > 0


@pytest.mark.parametrize("starts", types.STARTS)
def test_robots_start_where_they_should(starts):
    vec = errands_v0.vector_env(20, floor=FLOOR, num_robots=2, starts=starts, goals="anywhere")
    vec.reset(seed=0)
    rows = get_floor(FLOOR).rows
    seen = {cell for e in range(20) for cell in places(vec, e)}
    assert seen == {
        (r, c) for r in range(3) for c in range(4) if kind(rows, (r, c)) in ("E" if starts == "stations" else ".SE")
    }
    assert all(len(set(places(vec, e))) == 2 for e in range(20))
