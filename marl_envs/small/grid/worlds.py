"""The grid worlds by name, as drawings and numbers.

Sources: cliff walking and the mazes from Sutton and Barto (2018), examples 6.6, 8.1 to 8.3; four rooms from Sutton,
Precup and Singh (1999); the T-maze from Bakker (2001).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from marl_envs.core.params import ParameterError

FREE, WALL, START, GOAL, CLIFF, ARM_UP, ARM_DOWN = ".#SGCud"
KINDS = FREE + WALL + START + GOAL + CLIFF
HALLWAYS = ((3, 6), (6, 2), (7, 9), (10, 6))  # of the four rooms: north, west, east, south
MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class World:
    """A drawing and the numbers that go with it. Rewards depend on the cell that a step ends in."""

    rows: tuple[str, ...]
    step: float = 0.0  # reward of every step that no other reward is paid for
    goal: float = 1.0
    cliff: float = -100.0
    bump: float = 0.0  # added where a wall stops a step
    slip: float = 0.0  # probability that one of the other three directions is taken
    anywhere: bool = False  # start in any free cell; else at a start cell
    change_at: int = 0  # [steps] after which `changed` holds; 0: never
    changed: tuple[str, ...] = ()  # the walls then
    cue: bool = False  # a T-maze: what is shown at the start says which arm pays

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.rows[0])

    def cells(self, kind: str) -> list[tuple[int, int]]:
        """Return the (row, col) of all cells of a kind, in reading order."""
        return [(r, c) for r, row in enumerate(self.rows) for c, char in enumerate(row) if char == kind]


_FOUR_ROOMS = """
#############
#.....#.....#
#.....#.....#
#...........#
#.....#.....#
#.....#.....#
##.####.....#
#.....###G###
#.....#.....#
#.....#.....#
#...........#
#.....#.....#
#############
"""


def rows_of(drawing: str) -> tuple[str, ...]:
    """Return the lines of a drawing, without the empty ones around it."""
    return tuple(drawing.strip("\n").split("\n"))


def _changing(before: str, after: str, change_at: int) -> World:
    """Return a maze of 6x9 cells whose fourth row changes."""
    rows = ["........G", ".........", ".........", before, ".........", "...S....."]
    return World(tuple(rows), change_at=change_at, changed=(*rows[:3], after, *rows[4:]))


def t_maze(corridor: int) -> World:
    """Return the T-maze whose junction is `corridor` steps from the start."""
    arm = "#" * corridor
    return World((arm + ARM_UP, START + FREE * corridor, arm + ARM_DOWN), goal=4.0, bump=-0.1, cue=True)


WORLDS = {
    "cliff": World((*["." * 12] * 3, "S" + "C" * 10 + "G"), step=-1.0, goal=-1.0),
    "dyna_maze": World((".......#G", "..#....#.", "S.#....#.", "..#......", ".....#...", ".........")),
    "blocking_maze": _changing("########.", ".########", 1000),
    "shortcut_maze": _changing(".########", ".#######.", 3000),
    "four_rooms": World(rows_of(_FOUR_ROOMS), slip=1 / 3, anywhere=True),
    "t_maze": t_maze(10),
}
WRONG_ARM = -0.1  # reward of the T-maze's other arm


def drawn(text: str, name: str = "world") -> tuple[str, ...]:
    """Return the rows of a user's drawing.

    Raises:
        ParameterError: an empty drawing, rows of different lengths, an unknown letter, or too many cells.
    """
    rows = rows_of(text)
    if not rows[0]:
        raise ParameterError(f"{name} is an empty drawing")
    for r, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ParameterError(f"{name} line {r + 1} has {len(row)} cells, the first line {len(rows[0])}")
        for c, char in enumerate(row):
            if char not in KINDS:
                raise ParameterError(
                    f"{name} line {r + 1}, column {c + 1}: {char!r} is none of . (free), # (wall), S (start), "
                    "G (goal), C (cliff)"
                )
    if len(rows) * len(rows[0]) > MOST_CELLS:
        raise ParameterError(f"{name} has {len(rows) * len(rows[0])} cells; at most {MOST_CELLS} are allowed")
    return rows


def check_world(world: World, name: str) -> None:
    """Raise ParameterError for a world in which nobody can start or nothing can be reached."""
    if not (world.cells(FREE) if world.anywhere else world.cells(START)):
        raise ParameterError(f"{name} needs a start cell S")
    if not world.cells(GOAL) and not world.cue:
        raise ParameterError(f"{name} needs a goal cell G")
    if world.changed:
        if tuple(map(len, world.changed)) != tuple(map(len, world.rows)):
            raise ParameterError(f"changed must have the shape of the {name}")
        for r, (before, after) in enumerate(zip(world.rows, world.changed, strict=True)):
            for c, (old, new) in enumerate(zip(before, after, strict=True)):
                if {old, new} - {FREE, WALL} and old != new:
                    raise ParameterError(f"changed line {r + 1}, column {c + 1}: only walls may change, not {old!r}")


def with_cells(world: World, start: tuple[int, int] | None, goal: tuple[int, int] | None) -> World:
    """Return the world with another start, or another goal instead of its own."""
    for name, letter, place in (("start", START, start), ("goal", GOAL, goal)):
        if place is None:
            continue
        if world.cue:
            raise ParameterError(f"{name} cannot be given for the T-maze; its corridor can")
        (height, width), (row, col) = world.shape, place
        taken = None if not (0 <= row < height and 0 <= col < width) else world.rows[row][col]
        if taken not in (FREE, letter) or (world.changed and world.changed[row][col] == WALL):
            raise ParameterError(f"{name} must be the (row, col) of a free cell, not {place}")
        world = replace(
            world,
            rows=_put(world.rows, letter, row, col),
            changed=_put(world.changed, letter, row, col) if world.changed else (),
            anywhere=world.anywhere and letter != START,
        )
    return world


def _put(rows: tuple[str, ...], letter: str, row: int, col: int) -> tuple[str, ...]:
    cleared = [text.replace(letter, FREE) for text in rows]
    cleared[row] = cleared[row][:col] + letter + cleared[row][col + 1 :]
    return tuple(cleared)
