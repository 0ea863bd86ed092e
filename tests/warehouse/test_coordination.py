"""Deadlocks, standstill, livelock, congestion, queues and the parts of service time: against plain recounts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import errands_v0, warehouse_v0
from marl_envs.core.jit import ENABLED
from marl_envs.warehouse.congestion import congestion
from marl_envs.warehouse.errands.metrics import METRICS as ERRANDS_METRICS
from marl_envs.warehouse.errands.pibt import PIBTPolicy as ErrandsPIBT
from marl_envs.warehouse.errands.types import STATION, TASKS
from marl_envs.warehouse.metrics import METRICS
from marl_envs.warehouse.pibt import PIBTPolicy
from marl_envs.warehouse.planner import GreedyPolicy, RandomPolicy
from marl_envs.warehouse.types import DELIVERED
from tests.warehouse.arrange import build, play
from tests.warehouse.diary import REFUSED, Seen, see_errands, see_shelves, shared_metrics

STEPS = 130 if ENABLED else 45
some = settings(max_examples=10 if ENABLED else 3, deadline=None)


class Stubborn:
    """Robots that keep to an action for some steps, drawn anew at random: long refusals, idle robots and turns."""

    def __init__(self, seed: int, favourites: tuple[int, ...] = ()) -> None:
        self.generator, self.favourites = np.random.default_rng(seed), favourites
        self.actions = np.zeros((0, 0), np.int64)

    def act(self, vec, obs):
        """Return actions [E, A]."""
        fresh = self.generator.integers(0, int(vec.action_space.n), (vec.num_envs, vec.num_agents))
        if self.favourites:
            fresh = self.generator.choice(self.favourites, fresh.shape)
        if self.actions.shape != fresh.shape:
            self.actions = fresh
        change = self.generator.random(fresh.shape) < 0.1
        self.actions = np.where(change, fresh, self.actions)
        return self.actions


def values(vec) -> dict[str, float]:
    return {name: value[0] for name, value in vec.metrics().items()}


class ShelfTimes:
    """When shelves were requested, loaded, delivered and put back, as seen from outside."""

    def __init__(self, vec):
        self.vec, self.requested, self.loaded, self.delivered = vec, {}, {}, {}
        self.wait, self.carry, self.back, self.ways = [], [], [], []
        self.way = {}
        self.before = self._look()
        self.requested = dict.fromkeys(np.flatnonzero(self.before[1]).tolist(), 0)

    def _look(self):
        state = self.vec.arrays
        return state.load[0].copy(), state.requested[0].copy(), state.tally[0, :, DELIVERED].copy()

    def add(self, step: int) -> None:
        """Take in one step."""
        state, fixed = self.vec.arrays, self.vec.simulation.settings
        now = self._look()
        for a, (was, load) in enumerate(zip(self.before[0].tolist(), now[0].tolist(), strict=True)):
            here = int(fixed.goal_steps[int(state.pos[0, a]) * 4 + int(state.heading[0, a])])
            if was < 0 <= load:
                self.loaded[a], self.way[a] = step, here
            if load < 0 <= was and a in self.delivered:
                self.back.append(step - self.delivered.pop(a))
            if now[2][a] > self.before[2][a]:
                if not self.before[1][load]:  # requested and delivered in one step
                    self.requested[load], self.way[a] = step, here
                begun = max(self.loaded[a], self.requested[load])
                self.wait.append(begun - self.requested[load])
                self.carry.append(step - begun)
                self.ways.append(self.way[a])
                self.delivered[a] = step
                self.before[1][load] = 0  # another delivery of this step may request it again
            if load >= 0 and now[1][load] and not self.before[1][load]:
                self.way[a] = here
        self.requested |= dict.fromkeys(np.flatnonzero((now[1] == 1) & (self.before[1] == 0)).tolist(), step)
        self.before = now

    def metrics(self) -> dict[str, float]:
        """Return the parts of service time."""
        return {
            "pickup_time": np.mean(self.wait) if self.wait else np.nan,
            "carry_time": np.mean(self.carry) if self.wait else np.nan,
            "put_back_time": np.mean(self.back) if self.back else np.nan,
            "detour": sum(self.carry) / sum(self.ways) if sum(self.ways) else np.nan,
        }


@some
@given(
    policy=st.sampled_from(["random", "stubborn", "greedy", "sidestep", "pibt"]),
    robots=st.integers(2, 9),
    seed=st.integers(0, 999),
    layout=st.sampled_from(["5x5", "5x8", "tiny"]),
)
def test_shelves_metrics_are_what_a_plain_recount_says(policy, robots, seed, layout):
    vec = warehouse_v0.vector_env(
        1, layout=layout, num_robots=robots, request_queue_size=3, observation="goal", max_cycles=STEPS + 1
    )
    obs, _ = vec.reset(seed=seed)
    who = {
        "random": RandomPolicy(seed),
        "stubborn": Stubborn(seed, (0, 1, 1, 1, 2, 4)),
        "greedy": GreedyPolicy(),
        "sidestep": GreedyPolicy(0.3, seed),
        "pibt": PIBTPolicy(),
    }[policy]
    seen, times = [see_shelves(vec)], ShelfTimes(vec)
    for step in range(1, STEPS + 1):
        vec.step(who.act(vec, obs))
        seen.append(see_shelves(vec))
        times.add(step)
    fixed = vec.simulation.settings
    service = [wait + carry for wait, carry in zip(times.wait, times.carry, strict=True)]
    expected = shared_metrics(seen, set(fixed.goals.tolist()), len(fixed.inside), service) | times.metrics()
    found = values(vec)
    assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)
    assert found["pickup_time"] + found["carry_time"] == pytest.approx(found["service_time"], nan_ok=True)
    assert policy != "greedy" or not found["detour"] < 1  # others may cut through empty homes
    assert list(found) == list(METRICS)
    _check_congestion(vec, seen)


def _check_congestion(vec, seen: list[Seen]) -> None:
    fixed = vec.simulation.settings
    heat = np.zeros((fixed.height, fixed.width), int)
    for now in seen[1:]:
        for cell, outcome in zip(now.asked, now.outcome, strict=True):
            heat[fixed.row[cell], fixed.col[cell]] += outcome in REFUSED
    assert congestion(vec).shape == (1, fixed.height, fixed.width)
    assert np.array_equal(congestion(vec)[0], heat)


@some
@given(
    policy=st.sampled_from(["random", "stubborn", "pibt"]),
    robots=st.integers(2, 24),
    seed=st.integers(0, 999),
    collision=st.sampled_from(["resolve", "all_wait", "block"]),
    moves=st.sampled_from(["compass", "rotate"]),
)
def test_errands_metrics_are_what_a_plain_recount_says(policy, robots, seed, collision, moves):
    moves = "compass" if policy == "pibt" else moves
    vec = errands_v0.vector_env(
        1, floor="aisles-1x2", num_robots=robots, collision=collision, moves=moves, max_cycles=STEPS + 1
    )
    obs, _ = vec.reset(seed=seed)
    favourites = (0, 1, 1, 1, 2) if moves == "rotate" else ()
    who = {"random": RandomPolicy(seed), "stubborn": Stubborn(seed, favourites), "pibt": ErrandsPIBT()}[policy]
    seen, began, service = [see_errands(vec)], [0] * robots, []
    for step in range(1, STEPS + 1):
        before = vec.arrays.tally[0, :, TASKS].copy()
        vec.step(who.act(vec, obs))
        seen.append(see_errands(vec))
        for a in np.flatnonzero(vec.arrays.tally[0, :, TASKS] > before).tolist():  # drawn: released where one ends
            service.append(step - began[a])
            began[a] = step
    fixed = vec.simulation.settings
    stations = set(np.flatnonzero(fixed.kind == STATION).tolist())
    expected = shared_metrics(seen, stations, len(fixed.inside), service)
    expected |= {"approach_time": np.mean(service) if service else np.nan}
    expected |= {"assignment_time": 0.0 if service else np.nan, "carry_time": 0.0 if service else np.nan}
    found = values(vec)
    assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)
    assert list(found) == list(ERRANDS_METRICS)
    _check_congestion(vec, seen)


def play_on(drawing: str, *moves: str, **parameters) -> dict[str, float]:
    """Return the metrics after these steps."""
    vec = build(drawing, observation="goal", **parameters)
    for letters in moves:
        play(vec, letters)
    return values(vec)


def test_two_robots_head_on_are_a_deadlock_with_all_who_queue_behind():
    drawing = "x . . . . . g\nx . >. >. <. . .\nX . . . . . ."
    found = play_on(drawing, *["FFF"] * 4)
    assert found["deadlocks"] == 0
    found = play_on(drawing, *["FFF"] * 7)
    assert [found[n] for n in ("deadlocks", "deadlock_first", "deadlock_largest", "deadlock_steps")] == [1, 5, 3, 9]
    assert found["deadlocks_dissolved"] == 0
    assert np.isnan(found["deadlock_time"])


def test_four_robots_in_a_ring_go_round_and_are_no_deadlock():
    found = play_on("x . . . g\nx . >. v. .\nX . ^. <. .", *["FFFF", "RRRR"] * 6)
    assert found["moving_fraction"] == 0.5
    assert found["deadlocks"] == 0


def test_a_chain_behind_an_idle_robot_is_a_deadlock_until_that_one_drives_off():
    drawing = "x . . . . . g\nx . >. >. >. . .\nX . . . . . ."
    found = play_on(drawing, *["FF-"] * 8)
    assert [found[n] for n in ("deadlocks", "deadlock_first", "deadlock_largest", "deadlock_steps")] == [1, 5, 2, 8]
    found = play_on(drawing, *["FF-"] * 8, "FFF")
    assert [found[n] for n in ("deadlocks_dissolved", "deadlock_time", "deadlock_steps")] == [1, 4, 8]


def test_who_waits_behind_a_robot_that_turns_is_in_no_deadlock():
    found = play_on("x . . . . . g\nx . >. >. >. . .\nX . . . . . .", *["FFL"] * 12)
    assert found["refused_blocked"] == 24
    assert found["deadlocks"] == 0


def test_a_robot_that_asks_for_different_cells_breaks_its_deadlock_up():
    found = play_on("x . . . . g\nx . >. <. . .\nX . . . . .", *["FF"] * 6, "RF", *["LF", "FF"])
    assert [found[n] for n in ("deadlocks", "deadlocks_dissolved", "deadlock_time")] == [1, 1, 2]


def test_the_greedy_planner_stands_still_without_a_refused_move_and_pibt_does_not():
    parameters = {"layout": "tiny", "num_robots": 8, "observation": "goal", "max_cycles": 401}
    standing = {}
    for name, policy in (("greedy", GreedyPolicy()), ("pibt", PIBTPolicy())):
        vec = warehouse_v0.vector_env(1, **parameters)
        obs, _ = vec.reset(seed=1)
        for _ in range(400 if ENABLED else 100):
            vec.step(policy.act(vec, obs))
        standing[name] = values(vec)
    assert standing["greedy"]["refused_fraction"] == standing["greedy"]["deadlocks"] == 0
    assert standing["greedy"]["standstill_largest"] >= 2
    assert np.isnan(standing["pibt"]["standstill_first"])


def test_without_targets_there_is_no_standstill_or_livelock_to_tell():
    vec = warehouse_v0.vector_env(1, max_cycles=100)
    vec.reset(seed=0)
    for _ in range(50):
        vec.step(np.ones((1, 2), np.int64))
    found = values(vec)
    assert all(np.isnan(found[n]) for n in ("standstill_first", "standstill_largest", "livelock_fraction", "detour"))


def test_congestion_is_read_from_both_faces_and_starts_again_with_the_episode():
    env = warehouse_v0.parallel_env(layout="5x5", num_robots=9, request_queue_size=2, max_cycles=60)
    env.reset(seed=0)
    while env.agents:
        env.step(dict.fromkeys(env.agents, 1))
    metrics = env.metrics()
    refused = sum(metrics[f"refused_{name}"] for name in ("vertex", "swap", "blocked"))
    assert congestion(env).sum() == refused > 0
    env.reset()
    assert congestion(env).sum() == 0
