"""A family of small floors of a warehouse, drawn at random; other floors are never seen.

What the network sees shows the way to a target of a central assignment; it has to follow it, load, unload and give way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.deep.families import Family, Make
from marl_envs import warehouse_v0
from marl_envs.warehouse.pibt import PIBTPolicy

CYCLES, EPISODES = 200, 16
SIDES = (5, 7)  # of a floor, at least and at most [cells]
Cell = tuple[int, int]


def floor(seed: int, sides: tuple[int, int] = SIDES) -> str:
    """Return a floor drawn at random: one goal at the rim, a third of the cells homes, where all can be reached.

    Homes are added one by one where that leaves the highway in one piece, and each home beside it: so a loaded robot
    can come everywhere, whatever shelves stand.
    """
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(sides[0], sides[1] + 1, 2))
    rim = [(r, c) for r in range(height) for c in range(width) if r in (0, height - 1) or c in (0, width - 1)]
    goal, homes = rim[rng.integers(len(rim))], set[Cell]()
    for number in rng.permutation(height * width).tolist():
        cell = divmod(number, width)
        if cell != goal and len(homes) < height * width // 3 and fits(homes | {cell}, goal, height, width):
            homes.add(cell)
    rows = [["x" if (r, c) in homes else "." for c in range(width)] for r in range(height)]
    rows[goal[0]][goal[1]] = "g"
    return "\n".join("".join(row) for row in rows)


def fits(homes: set[Cell], goal: Cell, height: int, width: int) -> bool:
    """Return whether the cells without homes hang together, and each home lies beside one."""
    reached, todo = {goal}, [goal]
    while todo:
        for cell in _beside(todo.pop(), height, width):
            if cell not in homes and cell not in reached:
                reached.add(cell)
                todo.append(cell)
    whole = len(reached) + len(homes) == height * width
    return whole and all(any(cell in reached for cell in _beside(home, height, width)) for home in homes)


def _beside(cell: Cell, height: int, width: int) -> list[Cell]:
    """Return the cells of the floor beside one."""
    r, c = cell
    around = ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1))
    return [(r, c) for r, c in around if 0 <= r < height and 0 <= c < width]


def world(layout: str, envs: int, **parameters: Any) -> Any:
    """Return a batch with two robots, paid for deliveries and for each cell nearer to their target."""
    shown: dict[str, Any] = {"observation": "goal", "shaping": 1.0, "shaping_gamma": 1.0, **parameters}
    return warehouse_v0.vector_env(num_envs=envs, layout=layout, num_robots=2, max_cycles=CYCLES, **shown)


def maker(layout: str) -> Make:
    """Return what makes batches on a floor."""
    return lambda envs: world(layout, envs)


UNSEEN = {"drawn, larger": floor(1000, (8, 9)), "RWARE's tiny": "tiny"}
FAMILY = Family(
    name="floors",
    tasks=tuple(maker(floor(seed)) for seed in range(8)),
    unseen={name: maker(layout) for name, layout in UNSEEN.items()},
    metric="deliveries",
    sign=1,
    envs=16,
    rounds=16,
    inner_steps=6_400,
    adapting=6_400,
    every=1_280,
    episodes=EPISODES,
    first=0.1,
    last=0.05,
)


def planned(name: str) -> float:
    """Return the mean deliveries of PIBT on a floor that was never seen."""
    return FAMILY.score(PIBTPolicy(), FAMILY.unseen[name](EPISODES), 0, EPISODES)
