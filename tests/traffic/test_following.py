"""The formulas of car following, against 300 random calls each of the reference's."""

import json
import math

import numpy as np
import pytest

from marl_envs.core.jit import jit
from marl_envs.traffic.engine.following import is_clear, keep_headway, least, no_collision, steps_to_reach, stop_within
from marl_envs.traffic.engine.types import NO_ROOM
from marl_envs.traffic.plans import STRAIGHT
from tests.traffic.cases import GOLDEN

VECTORS = json.loads((GOLDEN / "functions.json").read_text())


@jit
def call_all(which, rows, values):
    """Write formula number `which` of each row of arguments; kernels are only called from kernels."""
    for i in range(rows.shape[0]):
        a, b, c, d, f, g, h = rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], rows[i, 4], rows[i, 5], rows[i, 6]
        if which == 0:
            values[i] = no_collision(b, c, d, f, g, h, a)
        elif which == 1:
            values[i] = stop_within(b, c, d, f, a)
        elif which == 2:
            values[i] = steps_to_reach(b, d, c, f, g, a)
        elif which == 3:
            values[i] = is_clear(a, b, c, d)


def called(which: int, rows: list[list[float]]) -> list[float]:
    table = np.zeros((len(rows), 7))
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    values = np.zeros(len(rows))
    call_all(which, table, values)
    return values.tolist()


def test_no_collision():
    rows = VECTORS["NC"]
    assert called(0, [row[:-1] for row in rows]) == [row[-1] for row in rows]


def test_stop_within():
    rows = VECTORS["stop"]
    expected = [{None: math.nan, "-inf": -math.inf}.get(row[-1], row[-1]) for row in rows]
    np.testing.assert_array_equal(called(1, [row[:-1] for row in rows]), expected)


def reach_rows() -> list[list[float]]:
    """Return the arguments with the kind of link as whether it turns."""
    return [[dt, own, pull, top, kind != STRAIGHT, room] for dt, own, pull, top, kind, room, _ in VECTORS["reach"]]


def test_steps_to_reach():
    assert called(2, reach_rows()) == [row[-1] for row in VECTORS["reach"]]


def test_is_clear():
    rows = VECTORS["clear"]
    assert called(3, [row[:-1] for row in rows]) == [row[-1] for row in rows]


@jit
def follow_all(rows, values):
    for i in range(rows.shape[0]):
        dt, own, hard, usual, min_gap = rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], rows[i, 4]
        headway, gap, lead, lead_hard, lead_usual = rows[i, 5], rows[i, 6], rows[i, 7], rows[i, 8], rows[i, 9]
        speed = no_collision(lead, lead_hard, own, hard, gap, 0.0, dt)
        speed = least(speed, no_collision(lead, lead_usual, own, usual, gap, min_gap, dt))
        values[i] = least(speed, keep_headway(lead, own, gap, headway + dt / 2, dt))


def test_following_a_leader():
    rows = np.array(VECTORS["follow"])
    values = np.zeros(len(rows))
    follow_all(rows, values)
    np.testing.assert_array_equal(values, rows[:, -1])


@pytest.mark.parametrize("room", [0.5, 2.5])
def test_with_equal_decelerations_more_room_is_always_stricter(room):
    """The engine leaves one of the two out there. Below NO_ROOM all speeds mean the same: brake."""
    random = np.random.default_rng(1)
    rows = np.stack(
        [
            random.choice([0.1, 0.5, 1.0], 5000),
            random.uniform(0, 17, 5000),
            np.full(5000, 4.5),
            random.uniform(0, 17, 5000),
            np.full(5000, 4.5),
            random.uniform(-20, 60, 5000),
            np.zeros(5000),
        ],
        axis=1,
    )
    without = np.maximum(called(0, rows.tolist()), NO_ROOM)
    rows[:, 6] = room
    assert (without >= np.maximum(called(0, rows.tolist()), NO_ROOM)).all()
