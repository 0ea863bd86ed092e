"""What the tests of batteries in both tasks share: the rule of energy in plain Python, and ways on a drawn floor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.energy import Drain

Cell = tuple[int, int]


@st.composite
def drains(draw: Any) -> Drain:
    """Return any costs of steps."""
    return Drain(*draw(st.lists(st.integers(0, 4), min_size=5, max_size=5)))


class Ledger:
    """Levels and metrics of a batch of one, from what robots were seen to do."""

    def __init__(self, vec: VectorEnv, chargers: set[Cell]) -> None:
        self.vec, self.chargers, params = vec, chargers, vec.params
        self.levels = [params.battery] * vec.num_agents
        self.lowest, self.first_death = params.battery, float("nan")
        self.steps = self.used = self.charged = self.queued = 0
        self._remember()

    @property
    def dead(self) -> set[int]:
        """Robots without energy."""
        return {a for a, level in enumerate(self.levels) if level == 0}

    def _remember(self) -> None:
        """Note who is sent where, before the next step."""
        settings, state = self.vec.simulation.settings, self.vec.arrays
        cells = state.charger[0]
        self.sent = state.sent[0].astype(bool).tolist()
        self.sent_to = [(int(settings.row[c]), int(settings.col[c])) if c else None for c in cells]

    def add(self, kinds: list[str], cells: list[Cell]) -> None:
        """Take in a step: what each robot did, by Drain's names, and where it is now."""
        self.steps += 1
        params = self.vec.params
        for a, (kind, cell) in enumerate(zip(kinds, cells, strict=True)):
            if self.levels[a] == 0:
                continue
            cost = min(getattr(params.drain, kind), self.levels[a])
            self.used += cost
            level = self.levels[a] - cost
            charged = min(level + params.charge_rate, params.battery) if cell in self.chargers else level
            self.charged += charged > level
            self.levels[a] = charged
            self.lowest = min(self.lowest, charged)
            self.queued += self.sent[a] and self.sent_to[a] != cell and kind in ("wait", "toggle")
            if charged == 0 and np.isnan(self.first_death):
                self.first_death = self.steps
        self._remember()

    def check(self) -> None:
        """Compare levels and metrics with the environment's."""
        assert self.vec.arrays.level[0].tolist() == self.levels
        metrics = self.vec.metrics()
        expected = {
            "energy_used": self.used,
            "charging_fraction": self.charged / (self.steps * len(self.levels)),
            "dead_robots": len(self.dead),
            "first_death": self.first_death,
            "charger_wait": self.queued,
            "lowest_battery": self.lowest,
        }
        assert {name: metrics[name][0] for name in expected} == pytest.approx(expected, nan_ok=True)


def parts(rows: tuple[str, ...], ways: str) -> int:
    """Return in how many parts the cells of these letters fall."""
    unseen = {(r, c) for r, row in enumerate(rows) for c, char in enumerate(row) if char in ways}
    count = 0
    while unseen:
        count, frontier = count + 1, [unseen.pop()]
        while frontier:
            r, c = frontier.pop()
            near = {(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)} & unseen
            unseen -= near
            frontier += near
    return count


def check_ways(rows: tuple[str, ...], ways: str, charger: str) -> None:
    """Fail if robots on all charging cells would cut the ways, or if two of them are next to each other."""
    assert parts(rows, ways) == parts(rows, ways + charger)
    cells = [(r, c) for r, row in enumerate(rows) for c, char in enumerate(row) if char == charger]
    assert all(max(abs(r - s), abs(c - d)) > 1 for i, (r, c) in enumerate(cells) for s, d in cells[:i])
