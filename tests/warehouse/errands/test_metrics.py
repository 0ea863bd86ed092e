"""Every metric, once more in plain Python, from what was seen on the way."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.battery import BATTERY_METRICS
from marl_envs.warehouse.errands.floors import get_floor
from marl_envs.warehouse.errands.metrics import METRICS
from tests.warehouse.errands.plain import crowds, expected, place, places, search, write_problem

few = settings(max_examples=40 if ENABLED else 4, deadline=None)
STEPS = 25


class Record:
    """What happened, by step. Moves are told by the definitions, errands by where robots stand."""

    def __init__(self, vec: VectorEnv, rows: tuple[str, ...]) -> None:
        self.vec, self.rows, robots = vec, rows, vec.num_agents
        self.did: Counter[str] = Counter()
        self.steps, self.paid = 0, 0.0
        self.tasks, self.errands = [0] * robots, 0
        self.service: list[int] = []
        self.took: list[int] = []
        self.ways: list[int] = []
        self.begun = [(0, 0)] * robots  # step at which the errand was begun, and its shortest way
        self.released = [0] * robots
        for a in range(robots):
            self._begin(a)

    def _begin(self, a: int) -> None:
        goal = int(self.vec.arrays.goal[0, a])
        if goal:
            away = search(self.rows, place(self.vec, goal)).get(places(self.vec)[a], 0)
            self.begun[a] = self.steps, away

    def step(self, actions: np.ndarray) -> None:
        """Take a step."""
        state, before = self.vec.arrays, self.vec.arrays.goal[0].tolist()
        last = [self._length(task) - 1 for task in state.task[0].tolist()]
        done = state.errand[0].tolist()
        after, _, did = expected(self.vec, self.rows, actions[0].tolist())
        self.did.update(did)
        _, reward, *_ = self.vec.step(actions)
        self.steps += 1
        self.paid += float(reward.sum())
        for a, goal in enumerate(before):
            if goal and after[a] == place(self.vec, goal):
                self.errands += 1
                self.took.append(self.steps - self.begun[a][0])
                self.ways.append(self.begun[a][1])
                if done[a] == last[a]:
                    self.tasks[a] += 1
                    self.service.append(self.steps - self.released[a])
                    self.released[a] = self.steps
                self._begin(a)

    def _length(self, task: int) -> int:
        """Return how many errands a task has; drawn ones have one."""
        lengths = np.diff(self.vec.simulation.settings.task_first)
        return int(lengths[task % len(lengths)]) if len(lengths) else 1

    def metrics(self) -> dict[str, float]:
        """Return every metric, by its definition."""
        robots, did, nan = self.vec.num_agents, self.did, float("nan")
        refused = did["vertex"] + did["swap"] + did["blocked"] + did["stopped"]
        asked = did["moved"] + refused + did["wall"]
        tasks, squares = sum(self.tasks), sum(n * n for n in self.tasks)
        return {
            "tasks": tasks,
            "throughput": tasks / self.steps,
            "errands": self.errands,
            "service_time": float(np.mean(self.service)) if self.service else nan,
            "detour": sum(self.took) / sum(self.ways) if sum(self.ways) else nan,
            "refused_vertex": did["vertex"],
            "refused_swap": did["swap"],
            "refused_blocked": did["blocked"],
            "refused_wall": did["wall"],
            "stopped": did["stopped"],
            "refused_fraction": refused / asked if asked else nan,
            "waiting_fraction": did["waited"] / (robots * self.steps),
            "turning_fraction": did["turned"] / (robots * self.steps),
            "moving_fraction": did["moved"] / (robots * self.steps),
            "distance_per_task": did["moved"] / tasks if tasks else nan,
            "jain_fairness": tasks**2 / (robots * squares) if tasks else nan,
            "masked_actions": did["wall"],
            "episode_length": self.steps,
            "return": self.paid,
            **dict.fromkeys(BATTERY_METRICS, nan),
        }


@few
@given(
    st.sampled_from(["individual", "team"]).flatmap(
        lambda reward: crowds(reward=reward, max_cycles=STEPS, shaping=0.3)
    ),
    st.integers(0, 2**32),
)
def test_metrics_are_what_their_definitions_say(vec, seed):
    rows, rng = get_floor(vec.params.floor).rows, np.random.default_rng(seed)
    for _ in range(2):
        record = Record(vec, rows)
        for t in range(1, STEPS + 1):
            actions = rng.integers(0, int(vec.action_space.n), (1, vec.num_agents))
            if vec.params.collision == "all_wait":
                actions[rng.random(actions.shape) < 0.5] = 0
            if t == STEPS:
                break
            record.step(actions)
            now, expected = vec.metrics(), record.metrics()  # the others: ../test_coordination.py
            assert {name: now[name][0] for name in expected} == pytest.approx(expected, nan_ok=True, abs=1e-4)
        *_, info = vec.step(actions)
        assert info["ended"][0]
        assert info["metrics"]["episode_length"][0] == STEPS
        assert info["metrics"]["return"][0] == pytest.approx(record.paid + float(vec.out.reward[0].sum()), abs=1e-3)


def test_metrics_of_round_robin_from_a_file(tmp_path):
    rows = ("....", ".@..", "....")
    path = write_problem(tmp_path, rows, [0, 4, 10], [[3], [9], [2], [8], [0], [6]])
    vec = errands_v0.vector_env(1, problem=path, max_cycles=1000)
    vec.reset(seed=0)
    record, rng = Record(vec, rows), np.random.default_rng(0)
    for _ in range(400):
        record.step(rng.integers(0, 5, (1, 3)))
    expected = record.metrics()
    now = {name: float(value[0]) for name, value in vec.metrics().items()}
    assert {name: now[name] for name in expected} == pytest.approx(expected, nan_ok=True)
    assert now["assignment_time"] + now["approach_time"] + now["carry_time"] == pytest.approx(now["service_time"])
    assert now["tasks"] > 20


def test_metrics_of_tasks_of_several_errands(tmp_path):
    """One robot and one open task: it is released when the last is finished."""
    rows, tasks = ("....", "...."), [[3, 4], [6], [1, 1, 2], [0, 7]]
    path = write_problem(tmp_path, rows, [5], tasks, 1.0)
    vec = errands_v0.vector_env(1, problem=path, max_cycles=1000)
    vec.reset(seed=0)
    record, rng = Record(vec, rows), np.random.default_rng(0)
    for _ in range(600):
        record.step(rng.integers(0, 5, (1, 1)))
    expected = record.metrics()
    now = {name: float(value[0]) for name, value in vec.metrics().items()}
    assert {name: now[name] for name in expected} == pytest.approx(expected, nan_ok=True)
    assert now["assignment_time"] + now["approach_time"] + now["carry_time"] == pytest.approx(now["service_time"])
    assert now["errands"] > 1.5 * now["tasks"] > 15


def test_before_the_first_step_only_counts_are_known():
    vec = errands_v0.vector_env(1)
    vec.reset(seed=0)
    known = {name for name, value in vec.metrics().items() if not np.isnan(value[0])}
    counts = {"tasks", "errands", "stopped", "masked_actions", "episode_length", "return"}
    counts |= {"deadlocks", "deadlock_largest", "deadlock_steps", "deadlocks_dissolved", "queue_longest"}
    assert known == counts | {name for name in METRICS if name.startswith("refused_") and name != "refused_fraction"}


def test_every_metric_has_a_unit_and_a_definition():
    assert all(unit and definition for unit, definition in METRICS.values())
    assert list(errands_v0.vector_env(1).metric_names) == list(METRICS)
