"""Rewards, metrics and observations against a plain-Python account of every vehicle."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs.traffic.engine.types import CREATED, FINISHED
from marl_envs.traffic.signals.networks import network_of
from marl_envs.traffic.signals.observe import COUNT_BINS, TIME_BINS
from marl_envs.traffic.signals.types import REWARD_TERMS
from tests.traffic.signals.tracker import Tracker, created, env_of, network_lanes, vehicles_of

WEIGHTS = {term: 1.0 + k / 8 for k, term in enumerate(REWARD_TERMS)}  # exact in float32


def walk(vec, steps: int, seed: int = 0):
    """Yield (reward terms, info) of random steps that mostly keep the phase."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        keep = vec.arrays.pending.astype(np.int64)
        change = rng.random(keep.shape) < 0.08
        actions = np.where(change, rng.integers(vec.action_space.n, size=keep.shape), keep)
        yield vec.step(actions)


def test_rewards_are_those_of_a_plain_account():
    vec = env_of(reward_weights=WEIGHTS)
    vec.reset(seed=3)
    tracker = Tracker(vec)
    lanes = set(network_lanes(vec))
    network, (signal,) = network_of("cross", "own")
    leaving = {
        lane for lane in range(network.num_lanes) if network.road_start[network.lane_road[lane]] == signal.junction
    }
    vehicles = waited = passed = 0
    seen = np.zeros(len(REWARD_TERMS), bool)
    for _, reward, _, _, info in walk(vec, 400):
        tracker.look()
        here = [v for v in vehicles_of(vec) if v["place"] in lanes]
        beyond = sum(v["place"] in leaving for v in vehicles_of(vec))
        outside = sum(trip not in tracker.inserted for trip in created(vec))
        inside = len(here)
        expected = {
            "vehicles": vehicles - inside - outside,
            "queue": -sum(v["speed"] < 0.1 for v in here),
            "waiting": -tracker.waiting_here(),
            "wait_change": waited - tracker.waiting_here(),
            "pressure": beyond - inside,
            "delay": -(tracker.lane_lost + outside),
            "speed": np.mean([min(1.0, v["speed"] / v["ideal"]) for v in here]) if here else 1.0,
            "throughput": tracker.passed - passed,
        }
        vehicles, waited, passed = inside + outside, tracker.waiting_here(), tracker.passed
        terms = info["reward_terms"][0, 0]
        np.testing.assert_allclose(terms, [WEIGHTS[t] * expected[t] for t in REWARD_TERMS], rtol=1e-5, atol=1e-5)
        assert reward[0, 0] == pytest.approx(terms.sum(), rel=1e-5, abs=1e-4)
        seen |= terms != 0
    assert seen.all()


def test_metrics_are_those_of_a_plain_account():
    vec = env_of(demand="uniform-900")
    vec.reset(seed=1)
    tracker = Tracker(vec)
    for _ in walk(vec, 500, seed=1):
        tracker.look()
    metrics = {name: float(value[0]) for name, value in vec.metrics().items()}
    trips, now = created(vec), int(vec.arrays.step[0])
    delays = np.array([tracker.delays()[t] for t in trips])
    ends = {t: int(vec.arrays.trip_finished[0, t]) for t in trips}
    on = {int(v["trip"]) for v in vehicles_of(vec)}
    finished = [t for t in trips if t in tracker.inserted and t not in on]
    assert len(finished) > 50
    assert all(ends[t] >= 0 for t in finished)
    travel = [(ends[t] if t in finished else now) - step for t, step in trips.items()]
    expected = {
        "travel_time": np.mean(travel),
        "delay": delays.mean(),
        "delay_p95": np.sort(delays)[int(np.ceil(0.95 * len(delays))) - 1],
        "jain_fairness": delays.sum() ** 2 / (len(delays) * (delays**2).sum()),
        "insertion_delay": np.mean([tracker.inserted.get(t, now) - step for t, step in trips.items()]),
        "waiting": np.mean([tracker.waited[t] for t in trips]),
        "stops": np.mean([tracker.stops[t] for t in trips]),
        "queue": np.mean(tracker.queues),
        "queue_max": max(tracker.queues),
        "throughput": len(finished),
        "created": len(trips),
        "driving": len(on),
        "outside": len(trips) - len(tracker.inserted),
        "speed": tracker.driven / tracker.vehicle_seconds,
        "co2": 1000 * tracker.co2 / tracker.driven,
        "gridlock": 0.0,
        "refused_slots": 0.0,
        "episode_length": 500,
    }
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, rel=1e-5), name
    assert metrics["outside"] > 0
    assert set(metrics) - set(expected) == {"switches", "masked_actions", "return"}


def test_decisions_may_be_longer_than_steps():
    """Ten steps in one decision count the same as ten decisions that keep the phase."""
    short, long = env_of(yellow=0.0), env_of(decision_interval=10.0, yellow=0.0, max_cycles=90)
    for vec in (short, long):
        vec.reset(seed=5)
    rng = np.random.default_rng(0)
    returns = np.zeros(2)
    for _ in range(40):
        action = rng.integers(8, size=(1, 1))
        returns[1] += long.step(action)[1][0, 0]
        for _ in range(10):
            returns[0] += short.step(action)[1][0, 0]
    one, other = short.metrics(), long.metrics()
    per_decision = {"queue", "queue_max", "episode_length", "masked_actions", "switches", "return"}
    for name in set(one) - per_decision:
        assert one[name] == other[name], name
    assert returns[0] == pytest.approx(returns[1], rel=1e-5)


def test_nothing_is_lost_and_nothing_moves_forever_under_a_closed_signal():
    vec = env_of(2, demand="uniform-900", max_cycles=5000)
    vec.reset(seed=2)
    for _ in range(2000):
        vec.step(np.zeros((2, 1), np.int64))  # only one phase is ever green
        tally = vec.arrays.tally
        driving = vec.arrays.free.shape[1] - vec.arrays.num_free
        outside = [len(created(vec, e)) for e in range(2)] if vec.arrays.step[0] % 500 == 0 else None
        if outside:
            np.testing.assert_array_equal(tally[:, CREATED], outside)
    metrics = vec.metrics()
    np.testing.assert_array_equal(metrics["created"], metrics["throughput"] + metrics["driving"] + metrics["outside"])
    np.testing.assert_array_equal(metrics["driving"], driving)
    np.testing.assert_array_equal(metrics["throughput"], tally[:, FINISHED])
    assert (metrics["outside"] > 0).all()
    assert not metrics["gridlock"].any()


def seen_by_plain_account(vec, kind: str, e: int, a: int) -> list[float]:
    """Return what a signal should see, from the vehicles alone."""
    state = vec.arrays
    network, signals = network_of(vec.params.network, vec.params.phases)
    signal = signals[a]
    roads = [r for r in network.junction_roads[signal.junction] if network.road_end[r] == signal.junction]
    lanes = [lane for r in roads for lane in range(network.first_lane[r], network.first_lane[r + 1])]
    on = {lane: [v for v in vehicles_of(vec, e) if v["place"] == lane] for lane in range(network.num_lanes)}
    near = {lane: [v for v in on[lane] if v["rest"] <= vec.params.detector_range] for lane in lanes}
    standing = {lane: [v for v in near[lane] if v["speed"] < 0.1] for lane in lanes}
    room = {lane: max(1.0, network.length[lane] / 7.5) for lane in range(network.num_lanes)}
    short = {lane: max(1.0, min(network.length[lane], vec.params.detector_range) / 7.5) for lane in lanes}
    phase = [float(state.pending[e, a] == p) for p in range(8)]
    free = float(state.stage[e, a] == 0 and state.green[e, a] >= vec.params.min_green)

    def each(*values):
        return [min(top, float(f(lane))) for f, top in values for lane in lanes]

    if kind == "sumo_rl":
        halting = {lane: sum(v["speed"] < 0.1 for v in on[lane]) for lane in lanes}
        return [*phase, free, *each((lambda k: len(on[k]) / room[k], 1), (lambda k: halting[k] / room[k], 1))]
    if kind == "drq":
        waited = {lane: sum(state.waited_here[e, _slot(vec, e, v)] for v in near[lane]) for lane in lanes}
        return phase + each(
            (lambda k: (len(near[k]) - len(standing[k])) / 28, 100),
            (lambda k: waited[k] / 28, 100),
            (lambda k: len(standing[k]) / 28, 100),
            (lambda k: sum(v["speed"] for v in near[k]) / 20 / 28, 100),
        )
    if kind == "counts":
        outside = {lane: int(state.outside[e, lane]) for lane in lanes}
        head = [*phase, free, min(1.0, state.green[e, a] / 60)]
        return head + each(
            (lambda k: len(near[k]) / short[k], 1),
            (lambda k: len(standing[k]) / short[k], 1),
            (lambda k: outside[k] / room[k], 1),
        )
    if kind == "pressure":
        first, last = network.first_road_link[signal.junction : signal.junction + 2]
        pressures = []
        for m in range(first, last):
            links = np.flatnonzero(network.link_movement == m).tolist()
            ends = [(int(network.link_start[k]), int(network.link_end[k])) for k in links]
            pressures.append(np.mean([len(on[i]) / room[i] - len(on[o]) / room[o] for i, o in ends]))
        return phase + [float(p) for p in pressures]
    numbers = {lane: len(near[lane]) for lane in lanes}
    total = sum(len(on[lane]) + int(state.outside[e, lane]) for lane in lanes)
    return summed_by_plain_account(vec, kind, e, a, numbers, total)


def summed_by_plain_account(vec, kind: str, e: int, a: int, near: dict[int, int], total: int) -> list[float]:
    """Return what sums up vehicles or bins them, from those near on each lane and all of them."""
    state = vec.arrays
    network, signals = network_of(vec.params.network, vec.params.phases)
    signal = signals[a]
    free = float(state.stage[e, a] == 0 and state.green[e, a] >= vec.params.min_green)
    greens = []
    for p in signal.phases:
        row = network.green[network.first_phase[signal.junction] + p]
        first = network.first_road_link[signal.junction]
        mine = range(network.first_link[signal.junction], network.first_link[signal.junction + 1])
        greens.append({int(network.link_start[k]) for k in mine if row[network.link_movement[k] - first]})
    always = set.intersection(*greens)
    sums = [sum(near[lane] for lane in green - always) for green in greens]
    present = int(state.pending[e, a])
    other = max((p for p in range(8) if p != present), key=lambda p: (sums[p], -p))
    elapsed = 0.0 if state.stage[e, a] else float(state.green[e, a]) + vec.params.yellow + vec.params.all_red
    own = [near[lane] for lane in greens[present] - always]
    here, there = (int(np.searchsorted(COUNT_BINS, sums[p], side="right")) for p in (present, other))
    label = (int(np.searchsorted(TIME_BINS, elapsed, side="right")) * 8 + here) * 8 + there
    if kind == "tabular":
        return [label]
    if kind == "tabular_load":  # written out once more
        load = _reached(total, 12, 24, 40, 70, 110)
        ratio = sum(sums[other] > times * max(sums[present], 0.5) for times in (1, 1.5, 2, 2.5, 3, 4, 6))
        return [(load * 8 + ratio) * 6 + _reached(sums[present], 1, 3, 5, 8, 12)]
    if kind == "tiles":  # written out once more
        fine = [_reached(sums[p], 1, 2, 3, 4, 6, 8, 10, 12, 14, 17, 20) for p in (present, other)]
        lanes = [_reached(number, 1, 2, 4, 6, 9, 12) for number in (min(own), max(own))]
        whole = _reached(total, 1, 2, 4, 7, 11, 16, 24, 34, 46)
        return [fine[0] * 12 + fine[1], label, whole * 8 + here, (lanes[0] * 7 + lanes[1]) * 8 + there]
    return [sums[present], sums[other], total, min(own), max(own), elapsed, free, present, other]


def _reached(number: int, *steps: int) -> int:
    return sum(number >= step for step in steps)


def _slot(vec, e: int, vehicle) -> int:
    (slots,) = np.nonzero((vec.arrays.trip[e] == vehicle["trip"]) & (vec.arrays.vehicle[e, :, 1] >= 0))
    return int(slots[0])


@pytest.mark.parametrize(
    "kind", ["sumo_rl", "drq", "counts", "pressure", "summary", "tabular", "tabular_load", "tiles"]
)
def test_observations_are_those_of_a_plain_account(kind: str):
    vec = env_of(2, network="grid-1x2", observation=kind, decision_interval=5.0, max_cycles=200, demand="uniform-900")
    obs, _ = vec.reset(seed=4)
    for t, (obs, *_) in enumerate(walk(vec, 60)):
        if t % 6 == 0:
            for e in range(2):
                for a in range(2):
                    expected = seen_by_plain_account(vec, kind, e, a)
                    np.testing.assert_allclose(np.atleast_1d(obs[e, a]), expected, rtol=1e-5, atol=1e-6)
    assert np.ptp(obs.reshape(4, -1), axis=0).any()


def test_neighbours_are_seen_behind_ones_own():
    alone = env_of(network="grid-1x3", decision_interval=5.0)
    among = env_of(network="grid-1x3", decision_interval=5.0, neighbours=True)
    for vec in (alone, among):
        vec.reset(seed=4)
    for (own, *_), (wide, *_) in zip(walk(alone, 30), walk(among, 30), strict=True):
        length = own.shape[2]
        assert wide.shape[2] == 3 * length
        np.testing.assert_array_equal(wide[..., :length], own)
        around = wide[0, 1].reshape(3, length)[1:]
        assert {tuple(row) for row in around} == {tuple(own[0, 0]), tuple(own[0, 2])}
        np.testing.assert_array_equal(wide[0, 0, length : 2 * length], own[0, 1])
        assert not wide[0, 0, 2 * length :].any()


def test_rewards_are_shared_as_asked():
    kinds = ("individual", "team", "neighbours")
    vecs = [env_of(network="grid-1x3", decision_interval=5.0, reward=kind, neighbour_weight=0.25) for kind in kinds]
    for vec in vecs:
        vec.reset(seed=4)
    for steps in zip(*(walk(vec, 40) for vec in vecs), strict=True):
        own, team, near = (step[1][0] for step in steps)
        np.testing.assert_allclose(team, own.sum(), rtol=1e-5)
        mixed = [own[0] + 0.25 * own[1], own[1] + 0.25 * (own[0] + own[2]), own[2] + 0.25 * own[1]]
        np.testing.assert_allclose(near, mixed, rtol=1e-5, atol=1e-6)


def test_the_warm_up_fills_the_roads():
    empty, warm = env_of(warmup=0.0), env_of(warmup=120.0)
    for vec in (empty, warm):
        vec.reset(seed=0)
    assert not vehicles_of(empty)
    assert len(vehicles_of(warm)) > 20
    assert warm.arrays.step[0] == 120
    shown = set()
    for seed in range(20):
        warm.reset(seed=seed)
        shown.add((int(warm.arrays.pending[0, 0]), int(warm.arrays.green[0, 0])))
    assert len(shown) > 10


def test_what_is_undefined_without_vehicles_is_nan():
    vec = env_of(demand="uniform-1")
    vec.reset(seed=0)
    metrics = vec.metrics()
    undefined = {name for name, value in metrics.items() if np.isnan(value[0])}
    of_vehicles = {"travel_time", "delay", "delay_p95", "jain_fairness", "insertion_delay", "waiting", "stops"}
    assert undefined == of_vehicles | {"queue", "speed", "co2", "switches"}  # no decision yet, either
    assert metrics["created"] == 0


def test_episodes_differ_by_their_seed_and_within_a_batch():
    vec = env_of(6, warmup=60.0, demand_sets=8)
    vec.reset(seed=0)
    counts = {tuple(row) for row in vec.arrays.trip_inserted[:, :20].tolist()}
    assert len(counts) > 3
    assert len(set(vec.arrays.demand.tolist())) > 1
