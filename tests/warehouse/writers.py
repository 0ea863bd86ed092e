"""The observations once more, slow and plain, from the tables of the documentation."""

from __future__ import annotations

import numpy as np

from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.types import BLOCKED, SWAP, VERTEX
from tests.warehouse.oracle import AHEAD, Cell, Picture, can_toggle, char, hindrance, picture

ERRANDS = ("fetch", "to goal", "return", "idle")
URGENCY = {"to goal": 3, "return": 2, "fetch": 1, "idle": 0}
CLOCKWISE = (0, 3, 1, 2)  # headings up, right, down, left
NEAR = ((1, 0), (0, 1), (-1, 0), (0, -1), (2, 0), (1, 1), (0, 2), (-1, 1), (-2, 0), (-1, -1), (0, -2), (1, -1))


def one_hot(index: int, length: int = 4) -> list[float]:
    """Return a one among zeros; only zeros for -1."""
    return [float(i == index) for i in range(length)]


def flattened(vec: VectorEnv, a: int, env: int = 0) -> list[float]:
    """Return what robot `a` sees."""
    seen, bits = picture(vec, env), vec.params.message_bits
    row, col = seen.cells[a]
    highway = char(seen.rows, (row, col)) != "x"
    numbers = [col, row, float(seen.loads[a] >= 0), *one_hot(seen.headings[a]), float(highway)]
    around = range(-vec.params.sensor_range, vec.params.sensor_range + 1)
    for cell in ((row + down, col + right) for down in around for right in around):
        b = seen.cells.index(cell) if cell in seen.cells else None
        message = 0 if b is None else int(vec.arrays.message[env, b])
        shelf = seen.shelves.index(cell) if cell in seen.shelves else -1
        numbers += [float(b is not None), *one_hot(0 if b is None else seen.headings[b])]
        numbers += [float(message >> bit & 1) for bit in range(bits)]
        numbers += [float(shelf >= 0), float(shelf in seen.queue)]
    return numbers


def image(vec: VectorEnv, a: int, env: int = 0) -> np.ndarray:
    """Return the layers [layer, row, col] that robot `a` sees."""
    seen, reach = picture(vec, env), vec.params.sensor_range
    heading = seen.headings[a] if vec.params.image_rotated else 0
    shown = np.zeros(vec.params.image_shape, np.float32)
    for i, j in np.ndindex(*vec.params.image_shape[1:]):
        cell = framed_cell(seen.cells[a], heading, reach - i, j - reach)
        b = seen.cells.index(cell) if cell in seen.cells else None
        values = {
            "shelves": cell in seen.shelves,
            "requests": cell in seen.shelves and seen.shelves.index(cell) in seen.queue,
            "agents": b is not None,
            "agent_direction": 0 if b is None else 1 + seen.headings[b],
            "agent_load": b is not None and seen.loads[b] >= 0,
            "goals": char(seen.rows, cell) == "g",
            "accessible": char(seen.rows, cell) != " " and b is None,
        }
        shown[:, i, j] = [values[layer] for layer in vec.params.image_layers]
    return shown


def relative(seen: Picture, a: int, heading: int) -> int:
    """Return a heading in quarter turns clockwise from robot `a`'s."""
    return (CLOCKWISE.index(heading) - CLOCKWISE.index(seen.headings[a])) % 4


def near_cell(seen: Picture, a: int, k: int) -> Cell:
    """Return the k-th of the cells within two moves, seen from robot `a`."""
    return framed_cell(seen.cells[a], seen.headings[a], *NEAR[k])


def framed_cell(cell: Cell, heading: int, onward: int, aside: int) -> Cell:
    """Return the cell so many cells ahead and to the right of a robot with that heading."""
    (row, col), (down, right) = cell, AHEAD[heading]
    to_right_down, to_right_right = right, -down  # a quarter turn clockwise
    return row + onward * down + aside * to_right_down, col + onward * right + aside * to_right_right


def errands(vec: VectorEnv, env: int = 0) -> list[str]:
    """Return what each robot is about."""
    return [ERRANDS[phase] for phase in vec.arrays.phase[env]]


def goes_first(vec: VectorEnv, b: int, a: int, env: int = 0) -> bool:
    """Return whether robot `b`'s errand is more urgent than `a`'s."""
    first, second = (URGENCY[errands(vec, env)[robot]] for robot in (b, a))
    return first > second or (first == second and b < a)


def was_refused(vec: VectorEnv, a: int, env: int = 0) -> bool:
    """Return whether another robot kept robot `a` from moving in the last step."""
    return vec.arrays.outcome[env, a] in (VERTEX, SWAP, BLOCKED)


def goal(vec: VectorEnv, a: int, env: int = 0) -> list[float]:
    """Return the vector that says where to go; targets and distances are taken from the environment."""
    seen, state, settings = picture(vec, env), vec.arrays, vec.simulation.settings
    (row, col), heading, target = seen.cells[a], seen.headings[a], int(state.target[env, a])
    height, width = len(seen.rows), len(seen.rows[0])
    offset, steps, there = (0, 0), 1.0, False
    if target:
        down, right = int(settings.row[target]) - row, int(settings.col[target]) - col
        offset = {0: (-down, right), 1: (down, -right), 2: (-right, -down), 3: (right, down)}[heading]
        steps, there = min(state.steps_to[env, a] / settings.longest, 1.0), down == right == 0
    bits = int(state.guide[env, a])
    numbers = [*one_hot(int(state.phase[env, a])), *(float(bits >> k & 1) for k in range(3)), float(there), steps]
    numbers += [offset[0] / max(height, width), offset[1] / max(height, width)]
    numbers += [float(seen.loads[a] >= 0), float(seen.loads[a] in seen.queue)]
    numbers += [float(char(seen.rows, (row, col)) != "x"), row / (height - 1), col / (width - 1), *one_hot(heading)]
    numbers += [float(hindrance(seen, a) is None), float(can_toggle(seen, a)), float(was_refused(vec, a, env))]
    for k in range(len(NEAR)):
        cell = near_cell(seen, a, k)
        b = seen.cells.index(cell) if cell in seen.cells else None
        numbers += [float(b is not None), *one_hot(-1 if b is None else relative(seen, a, seen.headings[b]))]
        numbers += [float(b is not None and goes_first(vec, b, a, env))]
        numbers += [float(cell in seen.shelves), float(char(seen.rows, cell) == " ")]
    return numbers


def tabular(vec: VectorEnv, a: int, env: int = 0) -> int:
    """Return the number of robot `a`'s situation."""
    seen, near = picture(vec, env), 0
    for k in reversed(range(len(NEAR))):
        cell = near_cell(seen, a, k)
        if cell in seen.cells:
            b = seen.cells.index(cell)
            near = 1 + (k * 4 + relative(seen, a, seen.headings[b])) * 2 + goes_first(vec, b, a, env)
    way = int(vec.arrays.phase[env, a]) * 8 + int(vec.arrays.guide[env, a])
    return (way * 2 + was_refused(vec, a, env)) * 97 + near


def pushes(vec: VectorEnv, env: int = 0) -> dict[int, tuple[int, int, int]]:
    """Return each pushed robot -> (who began, how many pushes later, who pushes it)."""
    seen = picture(vec, env)
    robots = sorted(range(vec.num_agents), key=lambda a: (-URGENCY[errands(vec, env)[a]], a))
    standing, found = dict(zip(seen.cells, range(vec.num_agents), strict=True)), {}

    def push(first: int, pusher: int, b: int | None, count: int) -> None:
        if b is None or b in found or robots.index(b) <= robots.index(first):
            return
        found[b] = first, count, pusher
        ways = [cell for cell in around(seen.cells[b]) if cell != seen.cells[pusher] and may_enter(seen, b, cell)]
        if all(cell in standing for cell in ways):
            pushable = (standing[cell] for cell in ways)
            weaker = [c for c in pushable if c not in found and robots.index(c) > robots.index(first)]
            push(first, b, weaker[0] if weaker else None, count + 1)

    for a in robots:
        bits = int(vec.arrays.guide[env, a])
        side = {0: None, 2: 3, 4: 1, 6: 2}.get(bits, 0 if bits & 1 else None)
        if a not in found and side is not None:
            push(a, a, standing.get(near_cell(seen, a, side)), 1)
    return found


def around(cell: Cell) -> list[Cell]:
    """Return the cells to the north, south, west and east."""
    return [(cell[0] + down, cell[1] + right) for down, right in AHEAD]


def may_enter(seen: Picture, a: int, cell: Cell) -> bool:
    """Return whether robot `a` could enter the cell if nobody were there."""
    return char(seen.rows, cell) != " " and not (seen.loads[a] >= 0 and cell in seen.standing)


def tabular_push(vec: VectorEnv, a: int, env: int = 0) -> int:
    """Return the number of robot `a`'s situation, with who wants its cell."""
    seen, found = picture(vec, env), pushes(vec, env)

    def urgency(b: int) -> tuple[int, int, int]:
        first, count, _ = found.get(b, (b, 0, b))
        return -URGENCY[errands(vec, env)[first]], first, count

    neighbours = [near_cell(seen, a, k) for k in range(4)]
    number = neighbours.index(seen.cells[found[a][2]]) + 1 if a in found else 0
    for k, cell in enumerate(neighbours):
        b = seen.cells.index(cell) if cell in seen.cells else None
        if not may_enter(seen, a, cell):
            side = 0
        elif b is None:
            side = 1
        elif relative(seen, a, seen.headings[b]) == k:
            side = 2
        else:
            side = 4 if urgency(b) < urgency(a) else 3
        number = number * 5 + side
    way = int(vec.arrays.phase[env, a]) * 8 + int(vec.arrays.guide[env, a])
    return (way * 2 + was_refused(vec, a, env)) * 3125 + number


def state(vec: VectorEnv, env: int = 0) -> list[float]:
    """Return the global state."""
    seen = picture(vec, env)
    rows, cols = len(seen.rows) - 1, len(seen.rows[0]) - 1
    numbers = [vec.arrays.step[env] / vec.params.max_cycles]
    for a, (row, col) in enumerate(seen.cells):
        load = seen.loads[a]
        numbers += [row / rows, col / cols, *one_hot(seen.headings[a]), load >= 0, load in seen.queue]
        numbers += [seen.has_delivered[a]]
    for s, (row, col) in enumerate(seen.shelves):
        numbers += [row / rows, col / cols, s in seen.queue, s in seen.loads]
    return np.array(numbers, float).tolist()
