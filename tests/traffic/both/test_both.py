"""Vehicles and signals in one environment: the families' own rules, whose turn it is, and red lights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0, traffic_v0
from marl_envs.core.pack import part_of
from marl_envs.core.registry import SPECS, Spec
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.both.lights import OF_LIGHT
from marl_envs.traffic.both.types import REWARD_TERMS, VEHICLE
from marl_envs.traffic.both.views import KindView
from marl_envs.traffic.engine.types import DIS, LENGTH, SPEED
from marl_envs.traffic.vehicles.types import DRIVING, KEEP, NONE, State
from marl_envs.traffic.vehicles.types import REWARD_TERMS as VEHICLE_TERMS
from tests.conformance import batches, face, snapshots

ENVS, STEPS = 6, 120
RULES: dict[str, Any] = {"layout": "cross-turns", "num_vehicles": 6, "flow": 1500.0}


def batch(**parameters: Any) -> VectorEnv:
    """Return environments with the given rules."""
    return traffic_v0.vector_env(ENVS, **{**RULES, "max_cycles": STEPS, **parameters})


def draw(vec: VectorEnv, rng: np.random.Generator, mask: Any) -> Any:
    """Return any allowed actions [E, A], of vehicles mostly to accelerate."""
    scores = rng.random(mask.shape)
    scores[:, : vec.params.num_vehicles, 1] += 0.7
    return np.where(mask, scores, -1.0).argmax(axis=2)


def test_vehicles_drive_as_in_their_own_environment_under_the_same_lights():
    """Bit for bit: an environment of vehicles whose junctions show what these signals show."""
    vec = batch(max_cycles=200, background=0.3)
    twin = same_vehicles(vec)
    obs, info = vec.reset(seed=1)
    twin.reset(seed=1)
    for mine, theirs in zip(twin.arrays, part_of(vec.arrays, State, VEHICLE), strict=True):
        mine[...] = theirs
    twin.arrays.remaining[:] = np.inf
    rng, count = np.random.default_rng(0), vec.params.num_vehicles
    for _ in range(STEPS):
        actions = draw(vec, rng, info["action_mask"])
        # The lights change at the beginning of a decision: yellow and all red last whole ones
        obs, _, _, _, info = vec.step(actions)
        twin.arrays.phase[:] = vec.arrays.phase
        shown, _, _, _, alone = twin.step(actions[:, :count])
        np.testing.assert_array_equal(twin.arrays.motion, vec.arrays.motion)
        np.testing.assert_array_equal(twin.arrays.vehicle, vec.arrays.vehicle)
        np.testing.assert_array_equal(alone["reward_terms"], info["reward_terms"][:, :count, : len(VEHICLE_TERMS)])
        np.testing.assert_array_equal(alone["status"], info["status"][:, :count])
        np.testing.assert_array_equal(shown[..., :15], obs[:, :count, :15])  # itself and its leader; see `sift`
    whole, part = vec.metrics(), twin.metrics()
    for name in part.keys() - {"return", "level_of_service"}:
        np.testing.assert_array_equal(whole[name], part[name], err_msg=name)
    assert whole["collisions"].sum() > 0


def same_vehicles(vec: VectorEnv) -> VectorEnv:
    """Return an environment of vehicles alone, with the very tables of `vec`; its lights change when they are told."""
    alone = intersection_v0.vector_env(ENVS, **vars(vec.params.of_vehicles()))
    settings = KindView(vec, "vehicles").simulation.settings
    settings = settings._replace(program=1, phase_time=np.full_like(settings.phase_time, np.inf))
    return VectorEnv(replace(alone.simulation, settings=settings), ENVS, autoreset=False)


class Lights:
    """What each signal's stage ought to be, second by second, from the decisions alone."""

    def __init__(self, vec: VectorEnv) -> None:
        self.params, self.time = vec.params, 0.0
        frame = [vec.frame(e) for e in range(ENVS)]
        self.phase = [f["phase"].tolist() for f in frame]
        self.changed = [[-np.inf] * len(p) for p in self.phase]  # when each last began to change

    def decide(self, e: int, s: int, phase: int) -> None:
        if phase != self.phase[e][s]:
            self.phase[e][s], self.changed[e][s] = phase, self.time

    def stage(self, e: int, s: int) -> int:
        since, params = self.time - self.changed[e][s], self.params
        return 1 if since <= params.yellow else 2 if since <= params.yellow + params.all_red else 0


def test_signals_change_by_their_law_and_at_their_own_times_only():
    vec = batch(signal_interval=2.0, min_green=4.0)
    _, info = vec.reset(seed=2)
    lights, rng, count = Lights(vec), np.random.default_rng(1), vec.params.num_vehicles
    changes = 0
    for step in range(STEPS - 1):
        mask = info["action_mask"][:, count:]
        actions = draw(vec, rng, info["action_mask"])
        for e in range(ENVS):
            for s in range(mask.shape[1]):
                green = lights.time - lights.changed[e][s] - 3.0 - 2.0
                free = step % 4 == 0 and (green >= 4.0 if np.isfinite(green) else mask[e, s].sum() > 1)
                assert mask[e, s, lights.phase[e][s]] == 1
                assert mask[e, s].sum() == (4 if free else 1)
                changes += actions[e, count + s] != lights.phase[e][s]
                lights.decide(e, s, int(actions[e, count + s]))
        _, _, _, _, info = vec.step(actions)
        lights.time += 0.5
        for e in range(ENVS):
            frame = vec.frame(e)
            assert frame["phase"].tolist() == lights.phase[e]
            assert frame["stage"].tolist() == [lights.stage(e, s) for s in range(mask.shape[1])]
    assert changes > 20
    assert (vec.metrics()["signal_masked_actions"] == 0).all()


def test_forbidden_and_missing_actions_are_counted_and_change_nothing():
    vec = batch(signal_actions="next", signal_interval=5.0)
    vec.reset(seed=3)
    count = vec.params.num_vehicles
    assert vec.action_space.n == 4
    before = vec.frame(0)["phase"].tolist()
    actions = np.full((ENVS, vec.num_agents), KEEP)
    actions[:, count:] = 3  # a signal has two
    vec.step(actions)
    assert vec.frame(0)["phase"].tolist() == before
    assert (vec.metrics()["signal_masked_actions"] == 1).all()
    actions[:, count:] = 1  # not one of its own times
    vec.step(actions)
    assert vec.frame(0)["phase"].tolist() == before
    assert (vec.metrics()["signal_masked_actions"] == 2).all()


def test_who_drives_on_red_is_counted_and_pays():
    """Against what pictures show: which link a vehicle came onto, and for how long that had been closed."""
    vec = batch(dt=0.5, signal_interval=5.0, yellow=2.0, speed=8.0)  # too slow to pass a whole link in a step
    _, info = vec.reset(seed=4)
    rng, count, lanes = np.random.default_rng(2), vec.params.num_vehicles, len(vec.simulation.settings.lane_junction)
    closed_for = np.full((ENVS, vec.arrays.on.shape[1] - lanes), 10**6)
    total, amber = np.zeros(ENVS, int), 0
    for _ in range(STEPS - 1):
        before = [vec.frame(e) for e in range(ENVS)]
        actions = draw(vec, rng, info["action_mask"])
        actions[:, :count] = np.where(info["action_mask"][:, :count, 1], 1, 0)  # everybody accelerates
        _, _, _, _, info = vec.step(actions)
        for e in range(ENVS):
            after = vec.frame(e)
            closed_for[e] = np.where(after["open"], 0, closed_for[e] + 1)
            for a in range(count):
                v = int(before[e]["slot"][a])
                place = int(after["place"][v]) if v != NONE else NONE
                came = v != NONE and int(before[e]["place"][v]) < lanes <= place
                runs = came and closed_for[e, place - lanes] > 4
                amber += came and 0 < closed_for[e, place - lanes] <= 4
                assert info["reward_terms"][e, a, REWARD_TERMS.index("red_light")] == (-5.0 if runs else 0.0)
                total[e] += runs
    np.testing.assert_array_equal(vec.metrics()["red_light"], total)
    assert total.sum() > 10
    assert amber > 0


def test_vehicles_see_their_light_and_signals_who_comes():
    vec = batch(background=0.5, max_green=20.0)
    obs, info = vec.reset(seed=5)
    rng, count, settings = np.random.default_rng(3), vec.params.num_vehicles, vec.simulation.settings
    own, lanes = vec.simulation.own_spaces, len(settings.lane_junction)
    assert own is not None
    at, theirs = own["vehicle_0"][0].shape[0] - OF_LIGHT, own["signal_0"][0].shape[0]
    colours = set()
    for _ in range(STEPS - 1):
        obs, _, _, _, info = vec.step(draw(vec, rng, info["action_mask"]))
        assert not obs[:, count:, theirs:].any()
        for e in range(ENVS):
            shown, exits = vec.frame(e), vec.arrays.vehicle[e, :, 4]
            for a in range(count):
                light, v = obs[e, a, at : at + OF_LIGHT], int(shown["slot"][a])
                if info["status"][e, a] != DRIVING or not exits[v] >= 0 or vec.arrays.vehicle_link[e, v] != NONE:
                    assert not light.any()
                    continue
                opened = shown["open"][exits[v] - lanes]
                assert light[0] == opened
                assert light[:3].sum() == 1.0
                colours.add(int(light[:3].argmax()))
                if opened and shown["stage"][0] == 0:
                    assert light[3] + light[4] == pytest.approx(20.0 / 60.0, abs=1e-6) or light[4] == 0.0
            np.testing.assert_allclose(_approach(vec, shown, e), obs[e, count, theirs - 2 * 12 : theirs], atol=1e-6)
    assert colours == {0, 1, 2}


def _approach(vec: VectorEnv, shown: Any, e: int) -> Any:
    """Return share and mean speed of the agents' vehicles near the signal, by lane."""
    settings = vec.simulation.settings
    numbers = []
    for lane in settings.signal_in_lane[0].tolist():
        near = (shown["place"] == lane) & (shown["agent"] != NONE)
        near &= settings.measure[lane, LENGTH] - vec.arrays.motion[e, :, DIS] <= 100.0
        speed = vec.arrays.motion[e, near, SPEED]
        share = min(1.0, near.sum() / settings.signal_near_room[lane])
        numbers.append((share, min(1.0, speed.mean() / settings.measure[lane, 1]) if near.any() else 1.0))
    return np.array(numbers).T.reshape(-1)


def test_signals_are_paid_at_their_own_times_for_what_stands_before_them():
    vec = batch(signal_weights={"queue": 1.0}, signal_interval=2.5, reward_weights={"progress": 1.0})
    _, info = vec.reset(seed=6)
    rng, count, settings = np.random.default_rng(4), vec.params.num_vehicles, vec.simulation.settings
    term, paid = REWARD_TERMS.index("signal_queue"), 0.0
    for step in range(1, STEPS):
        actions = draw(vec, rng, info["action_mask"])
        _, reward, _, _, info = vec.step(actions)
        for e in range(ENVS):
            place, speed = vec.frame(e)["place"], vec.arrays.motion[e, :, SPEED]
            queue = np.isin(place, settings.signal_in_lane[0]) & (speed < 0.1)
            expected = -float(queue.sum()) if step % 5 == 0 else 0.0
            assert reward[e, count] == info["reward_terms"][e, count, term] == expected
            paid += expected
    assert paid < 0.0
    assert vec.metrics()["signal_return"].sum() == paid


def test_nobody_gives_way_to_whom_a_red_light_holds_back():
    vec = batch(observation="tabular")
    _, info = vec.reset(seed=7)
    rng, own = np.random.default_rng(5), KindView(vec, "vehicles")
    lanes, seen = len(vec.simulation.settings.lane_junction), 0
    for _ in range(STEPS - 1):
        actions = draw(vec, rng, info["action_mask"])
        obs, _, _, _, info = vec.step(actions)
        for e, a, c in np.argwhere(own.arrays.seen != NONE).tolist():
            u = own.arrays.seen[e, a, c]
            link, place = vec.arrays.vehicle[e, u, 4], vec.arrays.vehicle[e, u, 1]
            if place < lanes and own.arrays.link[e, u] == NONE and not vec.arrays.on[e, link, 6]:
                room = vec.simulation.settings.measure[place, LENGTH] - vec.arrays.motion[e, u, DIS]
                speed = vec.arrays.motion[e, u, SPEED]
                assert speed >= 0.1
                assert room <= speed * speed / (2.0 * 4.5) + 4.5 * 0.25**2 / 8.0
            seen += 1
        for agent, kind in zip(range(vec.num_agents), vec.agents, strict=True):
            space = vec.simulation.own_spaces[kind][0]
            assert all(space.contains(np.int64(label)) for label in obs[:, agent])
    assert seen > 100


def test_signals_finish_when_all_vehicles_have():
    env = traffic_v0.parallel_env(layout="cross", num_vehicles=2, arrivals="once", within=0.0, max_cycles=400)
    _, infos = env.reset(seed=0)
    while env.agents:
        actions = {agent: int(info["action_mask"].argmax()) for agent, info in infos.items()}
        actions |= {agent: 1 for agent in env.agents if agent.startswith("vehicle") and infos[agent]["action_mask"][1]}
        _, _, terminations, truncations, infos = env.step(actions)
    assert all(terminations.values())
    assert not any(truncations.values())
    assert env.metrics()["arrived"] + env.metrics()["wrecks"] == 2


@pytest.mark.parametrize(
    "check",
    [
        batches.check_all_end_together_and_start_again,
        batches.check_the_finished_stay_with_nothing_to_do,
        face.check_each_leaves_once,
        face.check_everything_stays_inside_its_space,
        face.check_leaving_changes_no_trajectory,
        face.check_team_reward_is_the_sum,
        snapshots.check_state_comes_back,
    ],
)
def test_conformance_of_single_trips_and_tables(check, monkeypatch):
    name = "marl_envs/traffic-once-v0"
    parameters = {"layout": "cross", "num_vehicles": 3, "arrivals": "once", "observation": "tabular", "within": 0.0}
    monkeypatch.setitem(SPECS, name, Spec(name, "marl_envs.traffic_v0", {**parameters, "length": 30.0}))
    check(name)
