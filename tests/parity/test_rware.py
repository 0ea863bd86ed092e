"""Parity with the package rware 2.0.0: the same start and the same actions give the same steps, number for number."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from tests.parity.replay import Replay, Tally

pytestmark = pytest.mark.parity

README_FLOOR = """
. . . . . . .
. . . x . . .
. . x . x . .
. x . . . x .
. . x . x . .
. . . x . . .
. g . . . g .
"""

# name: (layout, robots, queue), parameters, share of random actions, episodes of 500 steps
CASES = {
    "tiny, 2 robots": (("tiny", 2, 2), {}, 0.2, 5),
    "tiny, 4 robots, two stages": (("tiny", 4, 8), {"reward": "two_stage"}, 0.2, 5),
    "tiny, 8 robots, all but one shelf requested": (("tiny", 8, 31), {"reward": "two_stage"}, 0.2, 3),
    "tiny, 3 robots, nothing requested": (("tiny", 3, 0), {"reward": "team"}, 1.0, 1),
    "tiny, 19 robots": (("tiny", 19, 19), {"reward": "team"}, 0.3, 2),
    "tiny, 19 robots, random": (("tiny", 19, 10), {}, 1.0, 2),
    "small, 2 robots, random": (("small", 2, 1), {"reward": "team"}, 1.0, 1),
    "small, 4 robots, team": (("small", 4, 4), {"reward": "team"}, 0.2, 5),
    "small, 10 robots, inactive episodes end": (
        ("small", 10, 5),
        {"reward": "two_stage", "max_inactivity": 60},
        0.1,
        8,
    ),
    "medium, 6 robots, messages": (("medium", 6, 12), {"message_bits": 2}, 0.2, 3),
    "medium, 12 robots, range 2": (("medium", 12, 3), {"reward": "two_stage", "sensor_range": 2}, 0.2, 2),
    "large, 8 robots": (("large", 8, 8), {"reward": "team"}, 0.2, 3),
    "large, 19 robots": (("large", 19, 38), {}, 0.2, 2),
    "a drawn floor": ((README_FLOOR, 3, 4), {"reward": "two_stage"}, 0.2, 4),
    "a drawn floor, crowded": ((README_FLOOR, 16, 6), {"reward": "two_stage"}, 0.5, 3),
    "a drawn floor, jammed": ((README_FLOOR, 24, 6), {"reward": "two_stage"}, 0.9, 3),
}

# Deliveries in 500 steps of one greedy robot alone, mean of the episodes with seeds 0..9.
GREEDY_ALONE = {
    ("tiny", 1): 15.8,
    ("tiny", 2): 16.4,
    ("tiny", 4): 16.8,
    ("tiny", 8): 17.7,
    ("small", 1): 11.2,
    ("small", 2): 11.6,
    ("small", 4): 11.8,
    ("small", 8): 12.3,
}


@pytest.fixture(scope="module", autouse=True)
def _rware():
    pytest.importorskip("rware", reason="rware is not installed; the extra `peers` brings it")
    assert version("rware") == "2.0.0"


total = Tally()


@pytest.mark.parametrize("name", CASES)
def test_every_step_is_the_same(name):
    shape, parameters, random_share, episodes = CASES[name]
    tally = Replay(*shape, **parameters).play(episodes, random_share)
    print(tally)
    assert tally.draws == tally.deliveries
    assert tally.ties_taken <= tally.ties
    assert bool(tally.waits) == bool(tally.ties_taken)
    total.add(tally)


def test_enough_was_compared():
    """After all of the above: that they met with what they are about."""
    print(total)
    if total.steps < 20_000:
        pytest.skip("only with all the cases above")
    assert total.deliveries - total.paid_again > 500
    assert total.paid_again > 50
    assert total.ties > 100
    assert 0 < total.ties_taken < total.ties


@pytest.mark.parametrize(("layout", "queue"), GREEDY_ALONE)
def test_one_greedy_robot_delivers_what_others_measured(layout, queue):
    tally = Replay(layout, 1, queue, observe=False).play(episodes=10, random_share=0.0)
    print(tally)
    assert tally.deliveries / 10 == pytest.approx(GREEDY_ALONE[layout, queue], rel=0.03)
