"""TTC and DRAC at every step, against plain Python on the places and speeds of all vehicles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.engine.types import EXIT, PLACE
from marl_envs.traffic.vehicles.layouts import network_of
from marl_envs.traffic.vehicles.types import CROSSING, DIS, DRAC, DRAC_LIMIT, MERGING, NONE, SPEED, TTC, TTC_LIMIT

ENVS, BODY = 480, 5.0
TASK: dict[str, Any] = {"layout": "cross", "num_vehicles": 4, "within": 2.0, "length": 60.0, "max_cycles": 1000}
SHARES = (0.4, 0.4, 0.15, 0.05)  # keep, accelerate, brake, brake hard


def _start(interval: float) -> VectorEnv:
    vec = VectorEnv(intersection_v0.vector_env(1, decision_interval=interval, **TASK).simulation, ENVS, autoreset=False)
    vec.reset(seed=3)
    return vec


def _frame(vec: VectorEnv, e: int) -> list[dict[str, Any]]:
    """Return the vehicles on the road."""
    state = vec.arrays
    cars = []
    for v in np.flatnonzero(state.vehicle[e, :, PLACE] != NONE).tolist():
        numbers = {"dis": float(state.motion[e, v, DIS]), "speed": float(state.motion[e, v, SPEED])}
        places = {"place": int(state.vehicle[e, v, PLACE]), "exit": int(state.vehicle[e, v, EXIT])}
        moves = state.clear_at[e, v] == NONE
        cars.append(numbers | places | {"trip": int(state.trip[e, v]), "came": int(state.came[e, v]), "moves": moves})
    return cars


class _Roads:
    """Where cars are on the cross, and who follows whom."""

    def __init__(self, vec: VectorEnv) -> None:
        self.network, self.rules = network_of(vec.params), vec.simulation.settings
        self.lanes = self.network.num_lanes

    def on_link(self, car: dict[str, Any]) -> tuple[int, float]:
        """Return the link, from 0, that a car is on, still covers or takes next, and its way on it; or NONE."""
        d, dis = car["place"], car["dis"]
        if d >= self.lanes:
            return d - self.lanes, dis
        if car["came"] >= self.lanes and dis < BODY:
            return car["came"] - self.lanes, float(self.network.length[car["came"]]) + dis
        if car["exit"] == NONE:
            return NONE, 0.0
        return car["exit"] - self.lanes, dis - float(self.network.length[d])

    def lead(self, car: dict[str, Any], cars: list[dict[str, Any]]) -> tuple[dict[str, Any], float] | None:
        """Return whom a car follows, and the gap [m]: on its lane or link, on those that leave its lane, behind."""
        same = [c for c in cars if c["place"] == car["place"] and c["dis"] > car["dis"]]
        if same:
            nearest = min(same, key=lambda c: c["dis"])
            return nearest, nearest["dis"] - BODY - car["dis"]
        rest, d = float(self.network.length[car["place"]]) - car["dis"], car["place"]
        sight = float(self.rules.sight[0])
        if d < self.lanes:
            if car["exit"] == NONE:
                return None
            leaving = [k + self.lanes for k in np.flatnonzero(self.network.link_start == d)]
            last = {k: min((c for c in cars if c["place"] == k), key=lambda c: c["dis"], default=None) for k in leaving}
            crossing = [c for c in last.values() if c is not None]
            if crossing:
                nearest = min(crossing, key=lambda c: c["dis"])
                return nearest, rest + nearest["dis"] - BODY
            if rest > sight:
                return None
            d = car["exit"]
            rest += float(self.network.length[d])
            if rest > sight:
                return None
        behind = [c for c in cars if c["place"] == int(self.network.link_end[d - self.lanes])]
        if not behind:
            return None
        nearest = min(behind, key=lambda c: c["dis"])
        return nearest, rest + nearest["dis"] - BODY


def _encounter(roads: _Roads, one: dict[str, Any], other: dict[str, Any]) -> tuple[float, float]:
    """Return TTC and DRAC of `one` where its way crosses or joins the other's, both at constant speed."""
    (link, way), (foe_link, foe_way) = roads.on_link(one), roads.on_link(other)
    none = (math.inf, 0.0)
    if NONE in (link, foe_link) or not one["moves"] or way <= -100.0 or foe_way <= -100.0:
        return none
    n = int(roads.rules.pair_size[0])
    z = link * n + foe_link
    into, out, foe_into, foe_out = (float(x) for x in roads.rules.pair_zone[z])
    if roads.rules.pair_kind[z] not in (CROSSING, MERGING) or way >= out or foe_way >= foe_out:
        return none
    if way >= into or one["speed"] == 0.0:
        return none
    arrives = (into - way) / one["speed"]
    there = foe_way >= foe_into
    if other["speed"] == 0.0:
        return (arrives, one["speed"] ** 2 / 2.0 / (into - way)) if there else none
    comes, goes = (0.0 if there else (foe_into - foe_way) / other["speed"]), (foe_out - foe_way) / other["speed"]
    if comes > arrives or goes <= arrives:
        return none
    return arrives, max(0.0, 2.0 * (one["speed"] - (into - way) / goes) / goes)


def _note(roads: _Roads, cars: list[dict[str, Any]], worst: dict[int, list[float]]) -> None:
    """Keep the smallest TTC and the highest DRAC of each trip."""
    for car in cars:
        found = [_encounter(roads, car, other) for other in cars if other is not car]
        ahead = roads.lead(car, cars)
        if ahead and car["moves"] and car["speed"] > ahead[0]["speed"] and ahead[1] > 0.0:
            closing = car["speed"] - ahead[0]["speed"]
            found.append((ahead[1] / closing, closing**2 / 2.0 / ahead[1]))
        kept = worst.setdefault(car["trip"], [math.inf, 0.0])
        kept[0] = min([kept[0], *(ttc for ttc, _ in found)])
        kept[1] = max([kept[1], *(drac for _, drac in found)])


def test_ttc_and_drac_are_taken_at_every_step_of_the_engine():
    """A batch that decides every second step has the measures of one that decides at each and repeats its actions."""
    often, seldom = _start(0.25), _start(0.5)
    due = often.arrays.fresh_step[:, :4]
    alike = np.flatnonzero(((due - due[:, :1]) % 2 == 0).all(axis=1)).tolist()  # drivers decide from the same steps on
    roads = _Roads(often)
    worst: dict[int, dict[int, list[float]]] = {e: {} for e in alike}
    at_decisions: dict[int, dict[int, list[float]]] = {e: {} for e in alike}
    for e in alike:
        _note(roads, _frame(often, e), worst[e])
        _note(roads, _frame(seldom, e), at_decisions[e])
    rng = np.random.default_rng(1)
    for _ in range(24):
        actions = rng.choice(4, (ENVS, 4), p=SHARES)
        for _ in range(2):
            often.step(actions)
            for e in alike:
                _note(roads, _frame(often, e), worst[e])
        seldom.step(actions)
        alike = [e for e in alike if (often.arrays.motion[e] == seldom.arrays.motion[e]).all()]
        for e in alike:
            _note(roads, _frame(seldom, e), at_decisions[e])
    passed = missed = 0
    for e in alike:
        for trip, (ttc, drac) in worst[e].items():
            mild, soft = at_decisions[e].get(trip, (math.inf, 0.0))
            found, hardest = (float(often.arrays.trip_worst[e, trip, i]) for i in (TTC, DRAC))
            assert min(found, 1e8) == pytest.approx(min(ttc, 1e8), rel=1e-5)
            assert hardest == pytest.approx(drac, rel=1e-5, abs=1e-6)
            found, hardest = (float(seldom.arrays.trip_worst[e, trip, i]) for i in (TTC, DRAC))
            if ttc < TTC_LIMIT:  # what passes a limit is found in whatever step it happens, else perhaps not
                assert found == pytest.approx(ttc, rel=1e-5)
            if drac > DRAC_LIMIT:
                assert hardest == pytest.approx(drac, rel=1e-5)
            assert min(ttc, 1e8) <= min(found, 1e8) * (1 + 1e-5) <= min(mild, 1e8) * (1 + 2e-5)
            assert drac >= hardest * (1 - 1e-5) >= soft * (1 - 2e-5)
            passed += (ttc < TTC_LIMIT) + (drac > DRAC_LIMIT)
            missed += (mild > 1.01 * ttc and ttc < TTC_LIMIT) + (soft < 0.99 * drac and drac > DRAC_LIMIT)

    assert passed > 20
    assert missed > 10  # decisions alone would have shown milder ones
