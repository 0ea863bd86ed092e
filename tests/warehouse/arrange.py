"""Puts a warehouse into a chosen state, from numbers or from a drawing, and chooses the shelves drawn next.

A drawing has one token a cell: its floor (`.` highway, `g` goal, `_` empty home, `x` standing shelf, `X` a requested
one), before it `o` if a shelf is carried there (`O`: a requested one), before that the robot's heading `^v<>`. So `>x`
is an empty-handed robot under a shelf and `>O.` carries a requested shelf along a highway. Robots, shelves and the
queue are numbered in reading order.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from marl_envs import warehouse_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.types import EMPTY, NORTH, WAITED

ARROWS = "^v<>"
MOVES = {"-": 0, "F": 1, "L": 2, "R": 3, "T": 4}
TOKEN = re.compile(r"([\^v<>]?)([oO]?)([.g_xX])")


class Robot(NamedTuple):
    """One robot; `load` is the index of the shelf it carries, or EMPTY."""

    row: int
    col: int
    heading: int = NORTH
    load: int = EMPTY
    message: int = 0
    has_delivered: bool = False


def cell_at(vec: VectorEnv, row: int, col: int) -> int:
    """Return the number of that cell."""
    settings = vec.simulation.settings
    return int(settings.inside[row * settings.width + col])


def arrange(
    vec: VectorEnv,
    robots: Sequence[Robot],
    shelves: Sequence[tuple[int, int]],
    queue: Sequence[int],
    env: int = 0,
):
    """Start an episode of environment `env` in this state; return (obs, info) of the batch.

    Args:
        vec: the environments.
        robots: all robots.
        shelves: (row, col) of every shelf, carried ones included.
        queue: the requested shelves, in order.
        env: which environment.
    """
    snapshot, settings = vec.get_state(), vec.simulation.settings
    state = {name: array[env] for name, array in snapshot.arrays.items()}
    assert [len(robots), len(shelves), len(queue)] == [len(state[name]) for name in ("pos", "shelf_pos", "queue")]
    for name in ("step", "quiet", "service", "idle", "total", "tally", "released", "requested", "gap", "look"):
        snapshot.arrays[name][env] = 0
    for name in ("record", "lasted", "heat", "jam"):
        snapshot.arrays[name][env] = 0
    state["outcome"][:] = WAITED
    state["robot_at"][:], state["shelf_at"][:] = EMPTY, EMPTY
    for s, (row, col) in enumerate(shelves):
        state["shelf_pos"][s] = cell_at(vec, row, col)
        state["shelf_at"][state["shelf_pos"][s]] = s
    state["queue"][:] = queue
    state["requested"][list(queue)] = 1
    for a, robot in enumerate(robots):
        state["pos"][a] = cell_at(vec, robot.row, robot.col)
        state["robot_at"][state["pos"][a]] = a
        for name in ("heading", "load", "message", "has_delivered"):
            state[name][a] = getattr(robot, name)
    carried = [robot.load for robot in robots if robot.load != EMPTY]
    snapshot.arrays["standing"][env] = sum(s not in carried for s in queue)
    standing = np.delete(state["shelf_pos"], carried)
    empty = [home for home in settings.homes if home not in standing]
    state["gap"][state["load"] != EMPTY] = empty
    state["look"][:] = [look_of(vec, state, c) for c in range(len(settings.kind))]
    return vec.set_state(snapshot)


def look_of(vec: VectorEnv, state: dict, cell: int) -> int:
    """Return how a cell looks, from one environment's maps: robot (heading, message) x shelf (none, any, requested)."""
    a, s = state["robot_at"][cell], state["shelf_at"][cell]
    robot = 0 if a == EMPTY else 1 + (int(state["heading"][a]) << vec.params.message_bits) + int(state["message"][a])
    return 3 * robot + (0 if s == EMPTY else 1 + int(state["requested"][s]))


def build(drawing: str, **parameters) -> VectorEnv:
    """Return a batch of one in the state that is drawn, its floor and its numbers of robots and requests included."""
    grid = [[_read(token) for token in line.split()] for line in drawing.strip().splitlines()]
    robots: list[Robot] = []
    shelves: list[tuple[int, int]] = []
    queue: list[int] = []
    for row, line in enumerate(grid):
        for col, (arrow, load, floor) in enumerate(line):
            shelf = load or floor.replace(".", "").replace("g", "").replace("_", "")
            if shelf:
                queue += [len(shelves)] * shelf.isupper()
                shelves.append((row, col))
            if arrow:
                robots.append(Robot(row, col, ARROWS.index(arrow), len(shelves) - 1 if load else EMPTY))
    layout = "\n".join("".join("x" if floor in "_xX" else floor for _, _, floor in line) for line in grid)
    parameters = {"request_queue_size": len(queue), **parameters}
    vec = warehouse_v0.vector_env(1, layout=layout, num_robots=len(robots), **parameters)
    vec.reset(seed=0)
    arrange(vec, robots, shelves, queue)
    return vec


def _read(token: str) -> tuple[str, ...]:
    """Return the token's robot, carried shelf and floor."""
    match = TOKEN.fullmatch(token)
    assert match, f"{token!r} is no token"
    return match.groups()


def draw(vec: VectorEnv, env: int = 0) -> str:
    """Return the drawing of an environment, from the positions alone."""
    state, settings = vec.arrays, vec.simulation.settings
    floor = np.array(["?", ".", "_", "g"])[settings.kind]
    tokens = {int(cell): floor[cell] for cell in settings.inside}
    for s, cell in enumerate(state.shelf_pos[env]):
        if s not in state.load[env]:
            tokens[int(cell)] = "xX"[state.requested[env, s]]
    for a, cell in enumerate(state.pos[env]):
        load = state.load[env, a]
        shelf = "" if load == EMPTY else "oO"[state.requested[env, load]]
        tokens[int(cell)] = ARROWS[state.heading[env, a]] + shelf + tokens[int(cell)]
    cells = list(tokens.values())
    return same("\n".join(" ".join(cells[i : i + settings.width]) for i in range(0, len(cells), settings.width)))


def same(drawing: str) -> str:
    """Return the drawing with its spaces evened out, to compare drawings."""
    return "\n".join(" ".join(line.split()) for line in drawing.strip().splitlines())


def play(vec: VectorEnv, moves: str):
    """Step a batch of one, a letter of `-FLRT` for each robot; return what `step` returns."""
    return vec.step(np.array([[MOVES[move] for move in moves]]))


_GAMMA, _MIX_1, _MIX_2, _MASK = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, (1 << 64) - 1


def _output(state: int) -> int:
    """Return what splitmix64 gives in this state (after its increment)."""
    z = ((state ^ (state >> 30)) * _MIX_1) & _MASK
    z = ((z ^ (z >> 27)) * _MIX_2) & _MASK
    return z ^ (z >> 31)


def _state_of(output: int) -> int:
    """Return the state in which splitmix64 gives `output`."""

    def unshift(z: int, shift: int) -> int:
        x = z
        for _ in range(64 // shift):
            x = z ^ (x >> shift)
        return x

    z = (unshift(output, 31) * pow(_MIX_2, -1, 1 << 64)) & _MASK
    z = (unshift(z, 27) * pow(_MIX_1, -1, 1 << 64)) & _MASK
    return unshift(z, 30)


def stream_for(draws: Sequence[int], n: int) -> int:
    """Return a random stream whose next draws below `n` are these."""
    high = ((draws[0] << 32) + (1 << 31)) // n << 32
    for low in itertools.count():
        state = _state_of(high | low)
        start = stream = (state - _GAMMA) & _MASK
        for draw in draws:
            drawn, stream = draw_below(stream, n)
            if drawn != draw:
                break
        else:
            return start
    raise AssertionError("unreachable")


def draw_below(stream: int, n: int) -> tuple[int, int]:
    """Return the next draw below `n`, and the stream after it."""
    state = (stream + _GAMMA) & _MASK
    return (_output(state) >> 32) * n >> 32, state


def advanced(stream: int, draws: int) -> int:
    """Return the stream after that many draws."""
    return (int(stream) + draws * _GAMMA) & _MASK
