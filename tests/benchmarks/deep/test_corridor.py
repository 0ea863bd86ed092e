"""Why the corridor of homes needs memory: a plain model of it, all policies without memory, the environment."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from benchmarks.deep import corridor

pytestmark = pytest.mark.deep
DOWN, WEST, UP, EAST = range(4)  # headings, clockwise
FORWARD, LEFT, RIGHT, TOGGLE = 1, 2, 3, 4


def at_home(n, shelf):
    return 2 * n * shelf


def view(n, state):
    """What the robot sees: the cells ahead and behind (or to its right and left), its own, and whether it is loaded."""
    cell, heading, load, wanted, _ = state

    def look(place):
        if not 0 <= place <= 2 * n:
            return None
        there = [s for s in (0, 1) if place == (cell if load == s else at_home(n, s))]
        return place == n, len(there), wanted in there

    below, above = look(cell + 1), look(cell - 1)
    sides = (below, above) if heading in (DOWN, EAST) else (above, below)  # ahead or right first
    return heading in (DOWN, UP), *sides, look(cell), load is not None


def follow(n, state, action):
    """Return the next state, or None where the action does nothing, and the deliveries (0 or 1)."""
    cell, heading, load, wanted, paid = state
    if action == FORWARD:
        ahead = cell + {DOWN: 1, UP: -1}.get(heading, 99)
        if not 0 <= ahead <= 2 * n or (load is not None and ahead == at_home(n, 1 - load)):
            return None, 0
        cell = ahead
    elif action == TOGGLE:
        if cell not in (0, 2 * n):
            return None, 0
        load, paid = ((cell // (2 * n)) if load is None else None), False
    else:
        heading = (heading + (1 if action == RIGHT else -1)) % 4
    if load == wanted and cell == n and not paid:
        return (cell, heading, load, 1 - wanted, True), 1
    return (cell, heading, load, wanted, paid), 0


def fastest_with_memory(n, steps=480):
    """Return the steps between deliveries of the best plan that knows everything."""
    start = (0, DOWN, None, 0, False)
    after, waiting = {}, [start]
    for state in waiting:  # all that can be reached
        found = [follow(n, state, action) for action in (FORWARD, LEFT, RIGHT, TOGGLE)]
        after[state] = [one for one in found if one[0] is not None]
        waiting += {one for one, _ in after[state]} - set(waiting)
    best = [dict.fromkeys(after, 0)]
    for _ in range(steps):
        best.append({state: max(pay + best[-1][to] for to, pay in after[state]) for state in after})
    return 240 / (best[steps][start] - best[steps - 240][start])  # whole rounds, for n of 2 and 4


def fastest_without(n):
    """Return the steps between deliveries of the best of all policies from views to actions, found one by one."""
    best = [0.0]

    def search(policy, state, seen, time, paid):
        while state not in seen:
            seen[state] = time, paid
            if time > 8 * (8 + 6 * n):
                return
            shown = view(n, state)
            if shown not in policy:
                for action in (FORWARD, LEFT, RIGHT, TOGGLE):
                    after, pay = follow(n, state, action)
                    if after is not None:
                        search({**policy, shown: action}, after, dict(seen), time + 1, paid + pay)
                return
            state, pay = follow(n, state, policy[shown])
            time, paid = time + 1, paid + pay
        before = seen[state]
        best[0] = max(best[0], (paid - before[1]) / (time - before[0]))

    search({}, (0, DOWN, None, 0, False), {}, 0, 0)
    return 1 / best[0]


@pytest.mark.parametrize("n", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_a_search_through_all_policies_finds_how_long_a_round_takes(n):
    assert fastest_with_memory(n) == corridor.round_length(True, n)
    assert fastest_without(n) == pytest.approx(corridor.round_length(False, n))


def states(vec, n):
    """Return the environments' states as the model has them."""
    arrays, headings = vec.arrays, (UP, DOWN, WEST, EAST)
    homes = np.sort(vec.simulation.settings.homes)
    cells = (arrays.pos[:, 0].astype(int) - homes[0]) // ((homes[1] - homes[0]) // (2 * n))
    for e in range(vec.num_envs):
        load, paid = int(arrays.load[e, 0]), bool(arrays.has_delivered[e, 0])
        yield int(cells[e]), headings[arrays.heading[e, 0]], None if load < 0 else load, int(arrays.queue[e, 0]), paid


def test_the_environment_is_that_model_and_shows_no_more():
    """Random walks: the same states, masks and deliveries; what looks alike in the model looks alike there."""
    n, rng, shown = 3, np.random.default_rng(0), {}
    vec = corridor.world(16, cells=n, shaping=0.0)
    obs, info = vec.reset(seed=0)
    deliveries = 0
    for _ in range(1200):
        before = list(states(vec, n))
        for state, seen, mask in zip(before, obs[:, 0], info["action_mask"][:, 0], strict=True):
            assert np.array_equal(shown.setdefault(view(n, state), seen.copy()), seen)
            assert [follow(n, state, action)[0] is not None for action in range(1, 5)] == mask[1:].astype(bool).tolist()
        actions = (rng.random((16, 1, 4)) * info["action_mask"][..., 1:]).argmax(-1) + 1
        obs, reward, _, _, info = vec.step(actions)
        for e, after in enumerate(states(vec, n)):
            expected, pay = follow(n, before[e], int(actions[e, 0]))
            assert reward[e, 0] == pay
            deliveries += pay
            assert info["ended"][e] or after == expected
    assert len({array.tobytes() for array in shown.values()}) == len(shown) > 30
    assert deliveries > 5
