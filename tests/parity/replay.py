"""Plays the same actions in rware 2.0.0 and in our warehouse, and compares everything after every step.

Two things are taken from the reference, and counted: the shelf drawn at a delivery (through our random stream, so
that our own kernel draws it), and who wins a contested cell where the tails of followers are equal (RWARE: by the order
of a hash table; ours: the lowest index; the robots that lost in the reference then wait in ours).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from marl_envs import warehouse_v0
from marl_envs.warehouse.planner import GreedyPolicy
from marl_envs.warehouse.types import EMPTY, FORWARD, NOOP, NUM_MOVES, TOGGLE, TURN_LEFT, TURN_RIGHT
from tests.warehouse.arrange import Robot, advanced, arrange, stream_for

Cell = tuple[int, int]
AHEAD = ((-1, 0), (1, 0), (0, -1), (0, 1))  # (rows, columns), by heading
MODES = {"individual": "INDIVIDUAL", "team": "GLOBAL", "two_stage": "TWO_STAGE"}
LIKELY = (NOOP, TURN_LEFT, TURN_RIGHT, TOGGLE, FORWARD, FORWARD, FORWARD)  # random moves, to get into each other's way
SIZES = {"tiny": (1, 3), "small": (2, 3), "medium": (2, 5), "large": (3, 5)}  # shelf rows, shelf columns


@dataclass
class Tally:
    """What was compared, and what was taken from the reference."""

    steps: int = 0
    deliveries: int = 0  # by our rewards
    draws: int = 0  # taken from the reference
    paid_again: int = 0  # deliveries by robots that had not put their shelf down since the last
    ties: int = 0  # contested cells on the way of a moving queue whose longest tails are equal
    ties_taken: int = 0  # ties that the reference gave to another than the lowest index
    waits: int = 0  # actions replaced by waiting for that

    def add(self, other: Tally) -> None:
        """Add another's numbers."""
        for name, number in vars(other).items():
            setattr(self, name, getattr(self, name) + number)


class Recorder:
    """A random generator that remembers what `choice` gave."""

    def __init__(self, generator: Any) -> None:
        self.generator = generator
        self.drawn: list[Any] = []

    def choice(self, *args: Any, **kwargs: Any) -> Any:
        self.drawn.append(self.generator.choice(*args, **kwargs))
        return self.drawn[-1]


class Replay:
    """One environment of each side."""

    def __init__(self, layout: str, robots: int, queue: int, *, observe: bool = True, **parameters: Any) -> None:
        """Take our parameters; the reference gets the same. Without `observe` it leaves its slow observations out."""
        settings: dict[str, Any] = {
            "reward": "individual",
            "sensor_range": 1,
            "message_bits": 0,
            "max_inactivity": None,
            "observation": "flattened",
            "image_layers": ("shelves", "requests", "agents", "goals", "accessible"),
            "image_rotated": True,
        }
        settings |= {"max_cycles": 500, **parameters}
        self.bits = settings["message_bits"]
        self.two_stage = settings["reward"] == "two_stage"
        self.theirs = _reference(layout, robots, queue, settings)
        shape: dict[str, Any] = {"layout": layout, "num_robots": robots, "request_queue_size": queue}
        self.ours = warehouse_v0.vector_env(1, rware_compat=True, **shape, **settings)
        self.ours.reset(seed=0)
        self.observe = observe
        if not observe:
            self.theirs._make_obs = lambda agent: None
        self.greedy = GreedyPolicy(sidestep=0.3)
        self.tally = Tally()

    def play(self, episodes: int, random_share: float, seed: int = 0) -> Tally:
        """Play that many episodes (reference seeds `seed`, `seed` + 1, ...); AssertionError where the sides differ."""
        generator = np.random.default_rng(seed)
        for episode in range(episodes):
            self._begin(seed + episode)
            while not self._step(self._choose(generator, random_share)):
                pass
        return self.tally

    def _begin(self, seed: int) -> None:
        """Start an episode in the reference, and ours in the same state."""
        observations, _ = self.theirs.reset(seed=seed)
        self.theirs.np_random = Recorder(self.theirs.np_random)
        shelves = [(s.y, s.x) for s in self.theirs.shelfs]
        robots = [Robot(*robot) for robot in _robots(self.theirs)]
        obs, _ = arrange(self.ours, robots, shelves, _queue(self.theirs))
        self.greedy.reset(0)
        self._compare_state()
        self._compare_observations(obs[0], observations)

    def _choose(self, generator: np.random.Generator, random_share: float) -> np.ndarray:
        """Return greedy actions [A], each replaced by a random one with that probability; any message."""
        actions = self.greedy.act(self.ours, None)[0]
        chance = generator.random(len(actions)) < random_share
        actions[chance] = generator.choice(LIKELY, chance.sum())
        return actions + NUM_MOVES * generator.integers(0, 1 << self.bits, len(actions))

    def _step(self, actions: np.ndarray) -> bool:
        """Take one step on both sides and compare; return whether the episode has ended."""
        cells = [(a.y, a.x) for a in self.theirs.agents]
        wants = _wants(self.theirs, actions % NUM_MOVES)
        had_delivered = self.ours.arrays.has_delivered[0].astype(bool)
        self.theirs.np_random.drawn.clear()
        observations, reward, done, truncated, _ = self.theirs.step(self._spelled(actions))
        drawn = [shelf.id - 1 for shelf in self.theirs.np_random.drawn]

        if drawn:
            self.ours.arrays.rng[0] = stream_for(drawn, len(self.theirs.shelfs))
        stream = int(self.ours.arrays.rng[0])
        lost = self._lost_ties(cells, wants, [(a.y, a.x) for a in self.theirs.agents])
        actions = np.where(lost, actions - actions % NUM_MOVES + NOOP, actions)
        obs, our_reward, terminated, our_truncated, info = self.ours.step(actions[None])

        self.tally.steps += 1
        self.tally.draws += len(drawn)
        delivered = info["reward_terms"][0, :, 0] > 0
        self.tally.deliveries += int(delivered.sum())
        self.tally.paid_again += int((delivered & had_delivered).sum())
        assert np.array_equal(our_reward[0], np.array(reward, np.float32))
        assert our_truncated.all() == our_truncated.any() == done
        assert not terminated.any()
        assert not truncated  # RWARE's own: it reports the time limit as its end
        self._compare_observations((info["final_obs"] if done else obs)[0], observations)
        if not done:  # else ours has begun its next episode
            assert int(self.ours.arrays.rng[0]) == advanced(stream, len(drawn))
            self._compare_state()
        return done

    def _spelled(self, actions: np.ndarray) -> list[Any]:
        """Return the actions as the reference wants them."""
        if not self.bits:
            return actions.tolist()
        return [[a % NUM_MOVES] + [(a // NUM_MOVES >> bit) & 1 for bit in range(self.bits)] for a in actions.tolist()]

    def _lost_ties(self, cells: list[Cell], wants: list[Cell], after: list[Cell]) -> np.ndarray:
        """Return which robots, equal to the reference's winner by their tails, have to wait in ours so that it wins.

        Also checks the rule itself: the reference's winner has the longest tail.
        """
        behind = defaultdict(list)
        for a, cell in enumerate(wants):
            if cell != cells[a]:
                behind[cell].append(a)

        def tail(a: int) -> int:
            return max((1 + tail(b) for b in behind[cells[a]]), default=0)

        lost = np.zeros(len(cells), bool)
        for cell in set(wants) - set(cells):
            while behind[cell]:
                longest = max(tail(a) for a in behind[cell])
                tied = [a for a in behind[cell] if tail(a) == longest]
                winners = [a for a in behind[cell] if after[a] == cell]
                assert len(winners) == 1
                assert winners[0] in tied
                self.tally.ties += len(tied) > 1
                self.tally.ties_taken += winners[0] != tied[0]
                lost[[a for a in tied if a < winners[0]]] = True
                cell = cells[winners[0]]
        self.tally.waits += int(lost.sum())
        return lost

    def _compare_observations(self, ours: np.ndarray, theirs: Any) -> None:
        if self.observe:
            assert np.array_equal(ours, np.array(theirs).reshape(ours.shape))

    def _compare_state(self) -> None:
        """Compare robots, shelves and queue."""
        state, settings, theirs = self.ours.arrays, self.ours.simulation.settings, self.theirs
        pos, shelf_pos = state.pos[0], state.shelf_pos[0]
        robots = np.column_stack([settings.row[pos], settings.col[pos], state.heading[0], state.load[0]])
        assert robots.tolist() == [list(robot) for robot in _robots(theirs)]
        assert np.column_stack([settings.row[shelf_pos], settings.col[shelf_pos]]).tolist() == [
            [s.y, s.x] for s in theirs.shelfs
        ]
        assert state.queue[0].tolist() == _queue(theirs)
        if self.two_stage:  # the reference keeps this record only then
            assert state.has_delivered[0].tolist() == [a.has_delivered for a in theirs.agents]


def _reference(layout: str, robots: int, queue: int, settings: dict[str, Any]) -> Any:
    from rware.warehouse import ImageLayer, ObservationType, RewardType, Warehouse

    rows, columns = SIZES.get(layout, (None, None))
    return Warehouse(
        shelf_columns=columns,
        column_height=8,
        shelf_rows=rows,
        n_agents=robots,
        msg_bits=settings["message_bits"],
        sensor_range=settings["sensor_range"],
        request_queue_size=queue,
        max_inactivity_steps=settings["max_inactivity"],
        max_steps=settings["max_cycles"],
        reward_type=RewardType[MODES[settings["reward"]]],
        layout=None if rows else layout,
        observation_type=ObservationType[settings["observation"].upper()],
        image_observation_layers=[ImageLayer[name.upper()] for name in settings["image_layers"]],
        image_observation_directional=settings["image_rotated"],
    )


def _robots(theirs: Any) -> list[tuple[int, int, int, int]]:
    """Return (row, col, heading, carried shelf or EMPTY) of every robot."""
    loads = [a.carrying_shelf.id - 1 if a.carrying_shelf else EMPTY for a in theirs.agents]
    return [(int(a.y), int(a.x), a.dir.value, load) for a, load in zip(theirs.agents, loads, strict=True)]


def _queue(theirs: Any) -> list[int]:
    return [shelf.id - 1 for shelf in theirs.request_queue]


def _wants(theirs: Any, moves: np.ndarray) -> list[Cell]:
    """Return the cell that each robot asks for; a loaded one doesn't ask for the cell of a standing shelf."""
    robots = _robots(theirs)
    at = {(row, col): load for row, col, _, load in robots}
    shelves = {(s.y, s.x) for s in theirs.shelfs}
    height, width = theirs.grid_size
    wants = []
    for (row, col, heading, load), move in zip(robots, moves, strict=True):
        ahead = (row + AHEAD[heading][0], col + AHEAD[heading][1])
        inside = 0 <= ahead[0] < height and 0 <= ahead[1] < width
        blocked = load != EMPTY and ahead in shelves and at.get(ahead, EMPTY) == EMPTY
        wants.append(ahead if move == FORWARD and inside and not blocked else (row, col))
    return wants
