"""The table of the classics: what was published, what comes out here, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.classics import cart_pole, cliff, four_rooms, matignon, mazes, mountain_car, toy_text, vacuum


@dataclass(frozen=True)
class Row:
    """One number of a publication (or an exact one) and ours."""

    classic: str
    what: str
    published: float | str
    ours: float
    low: float
    """Ours agrees if it is at least this,"""
    high: float
    """and at most this."""

    @property
    def verdict(self) -> str:
        """Whether ours is as published."""
        return "agrees" if self.low <= self.ours <= self.high else "differs"


def near(classic: str, what: str, published: float, ours: float, tolerance: float = 0.05) -> Row:
    """Return a row that agrees within a share of what was published."""
    span = abs(published) * tolerance
    return Row(classic, what, published, ours, published - span, published + span)


def walking(seed: int) -> list[Row]:
    """Cliff walking: 300 runs of each learner."""
    figures = {"sarsa": ("SARSA", -27.7), "q": ("Q-learning", -49.7), "expected_sarsa": ("Expected SARSA", -21.0)}
    return [
        near("cliff walking", f"{shown}: mean return of episodes 101-500", published, ours)
        for name, (shown, published) in figures.items()
        for ours in [cliff.online_return(name, seed=seed)]
    ]


def planning(seed: int) -> list[Row]:
    """The Dyna maze, the mazes that change, and prioritised sweeping."""
    figures = {0: (27, 24, 32), 5: (6, 5, 8), 50: (3, 2, 4)}
    rows = [
        Row("Dyna maze", f"first episode of at most 20 steps, n = {n}", figure, ours, low, high)
        for n, (figure, low, high) in figures.items()
        for ours in [mazes.first_short(mazes.dyna_maze(n, seed=seed))]
    ]
    worlds = {
        "blocking maze": ("blocking_maze", 10, 1e-4, 3000, {False: 77, True: 131}),
        "shortcut maze": ("shortcut_maze", 50, 1e-3, 6000, {False: 297, True: 365}),
    }
    for shown, (world, n, kappa, steps, figures_read_off) in worlds.items():
        for curious, figure in figures_read_off.items():
            ours = float(mazes.changing_maze(world, curious, n, kappa, steps, runs=100, seed=seed)[-1])
            what = f"{'Dyna-Q+' if curious else 'Dyna-Q'}: reward in {steps} steps, read off a curve"
            rows.append(near(shown, what, figure, ours, 0.1))
    ratio = mazes.updates_until_good(False, seed=seed) / mazes.updates_until_good(True, seed=seed)
    return [*rows, Row("Dyna maze", "updates of Dyna-Q / prioritised sweeping", "5 to 10", ratio, 5, 10)]


def rooms(seed: int) -> list[Row]:
    """Four rooms: sweeps of value iteration, in which nothing is drawn."""
    del seed
    figures = {
        ("primitive", four_rooms.HALLWAY_GOAL): 14,
        ("hallways", four_rooms.HALLWAY_GOAL): 2,
        ("both", four_rooms.HALLWAY_GOAL): 2,
        ("primitive", four_rooms.ROOM_GOAL): 16,
        ("both", four_rooms.ROOM_GOAL): 4,
    }
    where = {four_rooms.HALLWAY_GOAL: "hallway", four_rooms.ROOM_GOAL: "room"}
    return [
        near("four rooms", f"sweeps until all is above 0, goal in a {where[goal]}, {kind}", figure, ours, 0.0)
        for (kind, goal), figure in figures.items()
        for ours in [four_rooms.sweeps(kind, goal)[0]]
    ]


def driving(alpha: float, first: float, last: float, seed: int) -> list[Row]:
    """Mountain car: 20 runs of 500 episodes."""
    ours = mountain_car.steps_of_episodes(alpha, seed=seed)
    what = f"steps of episodes {{}}, alpha {alpha}/8"
    rows = zip(("1-50", "451-500"), (first, last), ours, strict=True)
    return [near("mountain car", what.format(part), published, mine) for part, published, mine in rows]


def balancing(seed: int) -> list[Row]:
    """CartPole: five runs, each with a seed of its own."""
    solved = sum(cart_pole.greedy_return(5 * seed + run) >= cart_pole.SOLVED for run in range(5))
    return [Row("CartPole-v1", "seeds of 5 with 475 over 100 greedy episodes", "at least 3", solved, 3, 5)]


def known(seed: int) -> list[Row]:
    """The vacuum, Taxi and FrozenLake, whose best values are known exactly."""
    rows = []
    for rules in ("visits", "dock"):
        names = ("living room to kitchen", "kitchen to bedroom 2", "living room to bedroom 1")
        for name, exact, ours in zip(names, vacuum.EXPECTED, vacuum.values(rules, seed=seed), strict=True):
            rows.append(near("vacuum", f'value of {name}, rules "{rules}"', exact, ours, 0.0))
    mine, best, gap = toy_text.taxi(seed)
    rows.append(near("Taxi-v4", "mean return of the greedy policy", best, mine, 1e-9))
    rows.append(Row("Taxi-v4", "largest loss of any start", "0 (DP)", gap, 0.0, 1e-9))
    mine, best = toy_text.frozen_lake(seed)
    return [*rows, near("FrozenLake-v1", "chance to arrive in 100 steps", best, mine, 1e-4)]


def coordinating(name: str, seed: int) -> list[Row]:
    """Matignon's table of coordination: 500 trials of a learner in each game that was published for it."""
    rows = []
    for game, published in zip(matignon.GAMES, matignon.PUBLISHED[name], strict=True):
        if published is not None:
            ours = matignon.success(name, game, seed)
            span = matignon.margin(published, ours, (matignon.TRIALS, matignon.TRIALS))
            what = f"{name}: % of optimal joint actions, {game}"
            rows.append(Row("coordination", what, published, ours, published - span, published + span))
    return rows


# What is played together, by name; each is called with a seed
GROUPS: dict[str, Callable[[int], list[Row]]] = {
    "cliff walking": walking,
    "mazes": planning,
    "four rooms": rooms,
    "mountain car, alpha 0.1/8": partial(driving, 0.1, 570, 136.9),
    "mountain car, alpha 0.2/8": partial(driving, 0.2, 407, 127.1),
    "mountain car, alpha 0.5/8": partial(driving, 0.5, 284, 116.5),
    "CartPole": balancing,
    "known values": known,
    **{
        f"coordination, {name}": partial(coordinating, name)
        for name, cells in matignon.PUBLISHED.items()
        if any(cell is not None for cell in cells)
    },
}
