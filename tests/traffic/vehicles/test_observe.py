"""What agents see, against the state: features in their ranges, the tabular label, the mask, noise, rewards."""

from __future__ import annotations

import numpy as np
import pytest

from marl_envs import intersection_v0
from marl_envs.traffic.engine.types import SPEED
from marl_envs.traffic.vehicles.observe import FIRST_CONFLICT, LEADERS, OF_CONFLICT, OF_LEADER, OF_SELF, SPEED_BINS
from marl_envs.traffic.vehicles.types import DRIVING, FIRST, NONE


def _course(steps: int, num_envs: int = 12, **chosen):
    """Yield a batch after each of some random steps."""
    vec = intersection_v0.vector_env(num_envs, **chosen)
    vec.reset(seed=6)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        yield vec, vec.step(rng.choice(4, (num_envs, vec.num_agents), p=[0.3, 0.5, 0.1, 0.1]))


def test_features_are_the_states_numbers():
    conflicts = 0
    for vec, (obs, *_) in _course(60, num_vehicles=8, within=3.0, conflicts=3):
        state, rules = vec.arrays, vec.simulation.settings
        assert obs.shape[2] == OF_SELF + OF_LEADER + 3 * OF_CONFLICT
        for e, a in zip(*np.nonzero(state.status == DRIVING), strict=True):
            row, v = obs[e, a], state.slot[e, a]
            assert row[0] == pytest.approx(state.motion[e, v, SPEED] / 13.89, abs=1e-6)
            assert row[4:8].sum() in (0, 1)  # the movement, before and in the junction
            for c in range(3):
                part = row[OF_SELF + OF_LEADER + c * OF_CONFLICT :][:OF_CONFLICT]
                u = state.seen[e, a, c]
                assert (part[0] == 1) == (u != NONE)
                if u == NONE:
                    assert not part.any()
                    continue
                conflicts += 1
                assert part[1] == state.conflict[e, a, c, FIRST]
                np.testing.assert_allclose(part[3:7], np.clip(state.conflict[e, a, c, :4] / 100, -1, 1), atol=1e-6)
                assert part[10] == pytest.approx(state.motion[e, u, SPEED] / 13.89, abs=1e-6)
                assert rules.pair_zone.shape[1] == 4
        assert not obs[state.status != DRIVING].any()
    assert conflicts > 200


def test_of_two_agents_in_conflict_exactly_one_goes_first():
    pairs = 0
    for vec, _ in _course(60, num_vehicles=4, within=2.0, right_of_way="none"):
        state = vec.arrays
        for e, a in zip(*np.nonzero(state.status == DRIVING), strict=True):
            for c in range(4):
                u = state.seen[e, a, c]
                b = NONE if u == NONE else state.agent[e, u]
                if b == NONE:
                    continue
                back = np.flatnonzero(state.seen[e, b] == state.slot[e, a])
                assert len(back) == 1
                mine, theirs = state.conflict[e, a, c], state.conflict[e, b, back[0]]
                np.testing.assert_array_equal(mine[[0, 1, 2, 3, 4, 5, 6, 7]], theirs[[2, 3, 0, 1, 6, 7, 4, 5]])
                assert mine[FIRST] == -theirs[FIRST]
                pairs += 1
    assert pairs > 100


def test_the_label_is_made_of_its_parts():
    for vec, (label, *_) in _course(60, num_vehicles=8, within=3.0, observation="tabular"):
        state = vec.arrays
        assert (label[state.status != DRIVING] == 0).all()
        for e, a in zip(*np.nonzero(state.status == DRIVING), strict=True):
            left = int(label[e, a]) - 1
            assert left >= 0
            conflict = state.seen[e, a, 0] != NONE
            assert (label[e, a] >= FIRST_CONFLICT) == conflict
            left -= (FIRST_CONFLICT - 1) * conflict
            speed = state.motion[e, state.slot[e, a], SPEED]
            assert left // LEADERS % 5 == np.searchsorted(SPEED_BINS, speed, side="right")


def test_a_vehicle_that_obeys_the_mask_never_hits_the_one_ahead():
    """Whatever it chooses: the mask leaves only what still lets it stop behind a leader that brakes as it can."""
    vec = intersection_v0.vector_env(
        40, num_vehicles=4, within=1.0, turns=(0, 1, 0), mask_unsafe=True, right_of_way="none", max_cycles=60
    )
    vec.reset(seed=2)
    rng = np.random.default_rng(3)
    forbidden = crashes = 0
    for _ in range(300):
        mask = vec.action_mask
        forbidden += int((mask[:, :, 1] == 0)[vec.arrays.status == DRIVING].sum())
        chosen = np.where(mask, rng.random(mask.shape) * [1, 2, 1, 1], -1).argmax(axis=2)
        before, faults = vec.arrays.fresh_route.copy(), vec.arrays.fault.copy()
        *_, info = vec.step(chosen)
        for e in np.flatnonzero((info["fault"] == 1).any(axis=1) & (faults == NONE).all(axis=1)):
            crashed = info["fault"][e] != NONE  # in this step, and none before: there is no wreck to hit
            routes = before[e, info["trip"][e][crashed]]
            assert len(set(routes.tolist())) == crashed.sum(), "a crash among followers"
            crashes += 1
    assert forbidden > 100
    assert crashes > 10


def test_noise_blurs_others_only_and_changes_no_trajectory():
    shown = []
    for noise in (0.0, 0.1):
        steps = [(obs.copy(), vec.arrays.motion.copy()) for vec, (obs, *_) in _course(40, noise=noise, num_vehicles=6)]
        shown.append(steps)
    different = 0
    for (obs, motion), (blurred, other) in zip(*shown, strict=True):
        np.testing.assert_array_equal(motion, other)
        np.testing.assert_array_equal(obs[..., :OF_SELF], blurred[..., :OF_SELF])
        np.testing.assert_array_equal(obs[..., OF_SELF] > 0, blurred[..., OF_SELF] > 0)
        assert (np.abs(blurred) <= 1).all()
        different += int((obs != blurred).sum())
    assert different > 1000


def test_altruism_mixes_the_rewards_of_those_near_the_junction():
    chosen = {"num_vehicles": 6, "within": 2.0}
    alone = [r.copy() for _, (_, r, *_) in _course(40, **chosen)]
    homes: list[np.ndarray] = []
    mixed = []
    for vec, (_, reward, *_) in _course(40, reward="neighbours", altruism=0.4, **chosen):
        homes.append(vec.arrays.home.copy())
        mixed.append(reward.copy())
    shared = 0
    for own, home, reward in zip(alone, homes, mixed, strict=True):
        for e in range(len(own)):
            for a in range(6):
                near = [b for b in range(6) if b != a and home[e, a] != NONE and home[e, b] == home[e, a]]
                expected = 0.6 * own[e, a] + 0.4 * own[e, near].mean() if near else own[e, a]
                if not (home[e] == NONE).all():  # the first step of an episode that has just been reset shows none
                    assert reward[e, a] == pytest.approx(expected, abs=1e-5)
                    shared += bool(near)
    assert shared > 500
