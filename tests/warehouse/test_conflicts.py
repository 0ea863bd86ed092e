"""Who may enter which cell: drawn cases, and thousands of random graphs against a slow reading of the rule."""

import numpy as np
import pytest

from marl_envs.core.jit import ENABLED, jit
from marl_envs.core.pack import allocate, table_of, unpack
from marl_envs.warehouse.conflicts import resolve
from marl_envs.warehouse.types import BLOCKED, EMPTY, SWAP, VERTEX, State
from tests.warehouse.arrange import build, draw, play, same
from tests.warehouse.oracle import conflicts

# name: before, moves in reading order, after, refused moves
DRAWN = {
    "into an empty cell": (">. . .", "F", ". >. .", {}),
    "following": (">. >. .", "FF", ". >. >.", {}),
    "behind one who stays": (">. >. .", "F-", ">. >. .", {"blocked": 1}),
    "a queue behind one who turns": (">. >. >. .", "FFL", ">. >. ^. .", {"blocked": 2}),
    "a swap": (">. <. .", "FF", ">. <. .", {"swap": 2}),
    "behind a swap": (">. >. <. <.", "FFFF", ">. >. <. <.", {"blocked": 2, "swap": 2}),
    "a tie goes to the lowest index": (">. . <.", "FF", ". >. <.", {"vertex": 1}),
    "the longer tail wins": (">. . <. <.", "FFF", ">. <. <. .", {"vertex": 1}),
    "tails count whole": (">. >. >. . <. <. .", "FFFFF", ". >. >. >. <. <. .", {"vertex": 1, "blocked": 1}),
    "those behind the loser stay": (
        """
        . >. >. . <.
        . . . ^. .
        . . . ^. .
        . . . ^. .
        """,
        "FFFFFF",
        """
        . >. >. ^. <.
        . . . ^. .
        . . . ^. .
        . . . . .
        """,
        {"vertex": 2, "blocked": 1},
    ),
    "a contest deeper in the queue": (
        """
        . . v. .
        >. >. >. .
        . . . .
        """,
        "FFFF",
        """
        . . v. .
        . >. >. >.
        . . . .
        """,
        {"vertex": 1},
    ),
    "a tie deeper in the queue": (
        """
        . v. .
        . >. .
        . ^. .
        """,
        "FFF",
        """
        . . .
        . v. >.
        . ^. .
        """,
        {"vertex": 1},
    ),
    "a ring of four, and one who wants in": (
        """
        >. >. v.
        . ^. <.
        """,
        "FFFFF",
        """
        >. ^. >.
        . <. v.
        """,
        {"vertex": 1},
    ),
    "a ring of six": (
        """
        >. >. v.
        ^. <. <.
        """,
        "FFFFFF",
        """
        ^. >. >.
        <. <. v.
        """,
        {},
    ),
    "a ring with one who waits": (
        """
        >. v.
        ^. <.
        """,
        "FF-F",
        """
        >. v.
        ^. <.
        """,
        {"blocked": 3},
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_drawn(name):
    before, moves, after, refused = DRAWN[name]
    vec = build(with_floor(before))
    play(vec, moves)
    assert draw(vec) == same(with_floor(after))
    counted = {reason: int(vec.metrics()[f"refused_{reason}"][0]) for reason in ("vertex", "swap", "blocked")}
    assert counted == {"vertex": 0, "swap": 0, "blocked": 0, **refused}


def with_floor(drawing: str) -> str:
    """Add the goal and the two homes that every floor needs, below."""
    rows = [line.split() for line in drawing.strip().splitlines()]
    width = max(len(rows[0]), 3)
    rows = [row + ["."] * (width - len(row)) for row in rows] + [["g", "x", "x"] + ["."] * (width - 3)]
    return "\n".join(" ".join(row) for row in rows)


def random_graph(generator: np.random.Generator, robots: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells of the robots and the cells they want; cell 0 is no cell."""
    cells = generator.permutation(np.arange(1, robots + 1))
    if kind == "crowd":  # many want few cells; some stay
        wants = generator.integers(1, robots + 4, robots)
    elif kind == "rings":  # a permutation: rings of all lengths, those of one stay
        wants = generator.permutation(cells)
    elif kind == "rings with queues":
        wants = generator.permutation(cells)
        others = generator.random(robots) < 0.4
        wants[others] = generator.integers(1, robots + 3, others.sum())
    else:  # queues: each wants the cell of a robot shortly before it, the first ones empty cells or their own
        order = generator.permutation(robots)
        wants = cells.copy()
        for i, a in enumerate(order):
            back = i - generator.integers(1, 3)
            if back >= 0:
                wants[a] = cells[order[back]]
            elif generator.random() < 0.8:
                wants[a] = robots + 1 + generator.integers(0, 2)
    return cells, wants


@jit
def _resolve_all(table) -> None:
    state = unpack(table, State, 0)
    for e in range(state.pos.shape[0]):
        resolve(state, e)


def resolved(graphs: list[tuple[np.ndarray, np.ndarray]], robots: int) -> State:
    """Return the state after the kernel has seen the graphs, one an environment."""
    sizes = dict.fromkeys("SQMKPRLJBHZ", 1)
    state = allocate(State, E=len(graphs), A=robots, C=robots + 5, **sizes)
    state.robot_at[:] = EMPTY
    for e, (cells, wants) in enumerate(graphs):
        state.pos[e], state.next[e] = cells, wants
        state.robot_at[e, cells] = np.arange(robots)
    # What an earlier step left behind must not matter.
    for name in ("go", "tail", "behind", "waiting_on", "refusal"):
        getattr(state, name)[:] = 77
    _resolve_all(table_of(state))
    return state


KINDS = ("crowd", "rings", "rings with queues", "queues")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("robots", [1, 2, 3, 4, 6, 9, 19])
def test_random_graphs(kind, robots):
    generator = np.random.default_rng([robots, KINDS.index(kind)])
    graphs = [random_graph(generator, robots, kind) for _ in range(600 if ENABLED else 60)]
    state = resolved(graphs, robots)
    reasons = {VERTEX: "vertex", SWAP: "swap", BLOCKED: "blocked"}
    for e, (cells, wants) in enumerate(graphs):
        fates = [
            "stays" if wants[a] == cells[a] else "moved" if state.go[e, a] else reasons[state.refusal[e, a]]
            for a in range(robots)
        ]
        assert fates == conflicts(cells.tolist(), wants.tolist()), f"cells {cells}, wants {wants}"
        after = np.where(np.array(fates) == "moved", wants, cells)
        assert len(set(after)) == robots
        for a in np.flatnonzero(np.array(fates) == "moved"):
            if wants[a] not in cells:
                assert state.robot_at[e, wants[a]] == a


def test_the_random_graphs_hold_every_kind_of_conflict():
    """So that the test above is worth its name."""
    generator = np.random.default_rng(1)
    seen = {"moved": 0, "stays": 0, "vertex": 0, "swap": 0, "blocked": 0}
    rings, longest, ties = set(), 0, 0
    for kind in KINDS:
        for _ in range(100):
            cells, wants = (array.tolist() for array in random_graph(generator, 9, kind))
            for fate in conflicts(cells, wants):
                seen[fate] += 1
            rings |= set(ring_lengths(cells, wants))
            longest = max(longest, *(queue_length(cells, wants, a) for a in range(9)))
            ties += cells != wants and conflicts(cells, wants) != reversed_ties(cells, wants)
    assert min(seen.values()) > 100
    assert {2, 3, 4, 5} <= rings
    assert longest >= 5
    assert ties > 30


def ring_lengths(cells: list[int], wants: list[int]) -> list[int]:
    onward = dict(zip(cells, wants, strict=True))
    lengths = []
    for start in cells:
        path = [start]
        while onward.get(path[-1]) not in (None, *path):
            path.append(onward[path[-1]])
        if onward.get(path[-1]) == start:
            lengths.append(len(path))
    return lengths


def queue_length(cells: list[int], wants: list[int], a: int) -> int:
    onward, path = dict(zip(cells, wants, strict=True)), [cells[a]]
    while onward.get(path[-1]) not in (None, *path):
        path.append(onward[path[-1]])
    return len(path)


def reversed_ties(cells: list[int], wants: list[int]) -> list[str]:
    """Return the outcome if ties went to the highest index."""
    return conflicts(cells[::-1], wants[::-1])[::-1]
