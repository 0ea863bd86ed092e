"""How a game looks: the payoffs of the state it is in, the first two agents' actions as rows and columns.

Green pays, orange costs; what is worth most to the team has a dark frame. The actions taken last are blue, and in a
game of one state so is their entry. With more than two agents the entries are those for the others' last actions
(before: 0).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from marl_envs.render.canvas import fitted_size
from marl_envs.render.marks import ring
from marl_envs.render.scene import WHOLE, Frame, Moment, Overlay, Point, Rect, Scene, Shape, Text, View
from marl_envs.render.theme import Color, Theme, mix
from marl_envs.small.matrix.games import OPTIMAL, verdicts
from marl_envs.small.matrix.types import Params

_WIDE, _HIGH = 2.0, 1.2  # of an entry
_MARGIN = 1.3  # for the names of the actions


class MatrixArtist:
    """Draws frames of one game; `matrix.env.frame` says what they hold."""

    reach = 0.5  # from the middle of an action's button to its rim
    keys: ClassVar[dict[str, int]] = {}
    without: ClassVar[dict[str, str]] = {
        "paths": "a game has no places, so no ways",
        "waits": "all act at once",
        "heat": "a game has no places",
        "conflicts": "a game has no places; what the others' actions cost is in its entries",
        "ttc": "nothing moves",
    }

    def __init__(self, params: Params) -> None:
        self.name = params.game or "game"
        self.game = params.make_game()
        self.optimal = (verdicts(self.game) & OPTIMAL) > 0
        self.rows, self.columns = (*self.optimal.shape[1:], 1)[:2]
        self.common = bool((self.game.payoff == self.game.payoff[..., :1]).all())
        self.scale = float(np.abs(self.game.expected).max()) or 1.0
        self.actions = tuple(map(action_name, range(max(self.optimal.shape[1:]))))
        self.overlays: dict[str, Overlay] = {"greedy": self.greedy}

    def extent(self) -> tuple[float, float]:
        """Return width and height of the picture [cells]."""
        return self.width, self.height

    def rest(self, frame: Frame, agent: int) -> int:
        """Return what a driven agent does while no key is held: nothing; time stands still until a key is held."""
        del frame, agent
        return -1

    def places(self, frame: Frame) -> list[Point | None]:
        """Return where the actions lie that the first two agents took last; before, and for others, None."""
        row, column = (*frame["actions"].tolist(), -1)[:2]
        first = (0.65, _MARGIN + _HIGH * row + 0.6) if row >= 0 else None
        second = (_MARGIN + _WIDE * (column + 0.5), 0.65) if column >= 0 else None
        return [first, second, *(None for _ in frame["actions"])][: len(frame["actions"])]

    def greedy(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield a ring around the action that promises most to each of the first two agents, and what it promises."""
        if moment.values is None:
            return
        for a, values in enumerate(moment.values[:2]):
            if not np.isfinite(values).any():
                continue
            best = int(np.nanargmax(values))
            x = 0.65 if a == 0 else _MARGIN + _WIDE * (best + 0.5)
            y = _MARGIN + _HIGH * best + 0.6 if a == 0 else 0.65
            yield ring(x, y, 0.5, 0.1, theme.goal_edge)
            yield Text(x, y + 0.54, f"{float(values[best]):.2f}", 0.24, theme.goal_edge)

    @property
    def width(self) -> float:
        """Width of the picture [cells]."""
        return _MARGIN + _WIDE * float(self.columns)

    @property
    def height(self) -> float:
        """Height of the picture [cells]."""
        return _MARGIN + _HIGH * float(self.rows)

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the game."""
        return fitted_size(self.width, self.height)

    def scene(self, frame: Frame, theme: Theme, view: View = WHOLE) -> Scene:
        """Return the picture of `frame`."""
        del view  # small enough to be drawn whole
        played = [action_name(a) for a in frame["actions"].tolist()]
        paid = [f"{value:g}" for value in frame["paid"].tolist()]
        values = [("step", str(int(frame["step"]))), ("actions", " ".join(played))]
        values.append(("paid", " ".join(paid[:1] if self.common else paid)))
        if len(self.optimal) > 1:
            values.insert(0, ("state", str(int(frame["state"]))))
        return Scene(
            width=self.width,
            height=self.height,
            page=theme.page,
            ink=theme.ink,
            faint=theme.faint,
            background=(Rect(0, 0, self.width, self.height, theme.page),),
            shapes=(*self._names(frame, theme), *self._entries(frame, theme)),
            values=tuple(values),
        )

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        """Return `before`: nothing moves in a game."""
        del after, share
        return before

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as text: the entries, the chosen ones in brackets, the optimal ones with a star."""
        actions = frame["actions"].tolist()
        lines = []
        for row in range(self.rows):
            cells = []
            for column in range(self.columns):
                text = self._text(frame, row, column) + ("*" if self._is_optimal(frame, row, column) else "")
                cells.append(f"[{text}]" if self._is_chosen(frame, row, column) else text)
            lines.append(f"{action_name(row)} " + " ".join(f"{cell:>12}" for cell in cells))
        played, paid = (" ".join(map(str, part)) for part in (map(action_name, actions), frame["paid"].tolist()))
        lines.append(f"{self.name}, state {int(frame['state'])}, step {int(frame['step'])}: {played}, paid {paid}")
        return "\n".join(lines) + "\n"

    def _entry(self, frame: Frame, row: int, column: int) -> tuple[int, ...]:
        """Return the index [state, actions ...] of an entry of the picture."""
        others = [max(a, 0) for a in frame["actions"].tolist()[2:]]
        return (int(frame["state"]), *(row, column, *others)[: self.optimal.ndim - 1])

    def _text(self, frame: Frame, row: int, column: int) -> str:
        at = self._entry(frame, row, column)
        shown = []
        for a in range(1 if self.common else self.game.payoff.shape[-1]):
            first, second = self.game.payoff[(*at, a)], self.game.alternative[(*at, a)]
            shown.append(f"{first:g}" if first == second else f"{first:g} / {second:g}")
        return ", ".join(shown)

    def _is_optimal(self, frame: Frame, row: int, column: int) -> bool:
        return bool(self.optimal[self._entry(frame, row, column)])

    def _is_chosen(self, frame: Frame, row: int, column: int) -> bool:
        """Return whether the entry was played last (in a game of several states play has moved on)."""
        actions = frame["actions"].tolist()
        return len(self.optimal) == 1 and actions[:2] == [row, column][: len(actions)]

    def _names(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        """Yield the names of the actions, those taken last as buttons that are pressed."""
        actions = (*frame["actions"].tolist(), -1)
        for row in range(self.rows):
            yield from _button(0.25, _MARGIN + _HIGH * row + 0.2, action_name(row), actions[0] == row, theme)
        for column in range(self.columns if self.optimal.ndim > 2 else 0):
            x = _MARGIN + _WIDE * column + (_WIDE - 0.8) / 2
            yield from _button(x, 0.25, action_name(column), actions[1] == column, theme)

    def _entries(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        for row in range(self.rows):
            for column in range(self.columns):
                x, y = _MARGIN + _WIDE * column, _MARGIN + _HIGH * row
                worth = float(self.game.expected[self._entry(frame, row, column)].mean()) / self.scale
                fill = mix(
                    theme.floor, theme.goal if worth > 0 else theme.wanted, 0.15 + 0.6 * abs(worth) if worth else 0.0
                )
                edge, width = self._frame_of(frame, row, column, theme)
                yield Rect(x + 0.06, y + 0.06, _WIDE - 0.12, _HIGH - 0.12, fill, 0.15, edge, width)
                yield Text(x + _WIDE / 2, y + _HIGH / 2, self._text(frame, row, column), 0.38, theme.ink)

    def _frame_of(self, frame: Frame, row: int, column: int, theme: Theme) -> tuple[Color, float]:
        """Return colour and width of an entry's frame."""
        if self._is_chosen(frame, row, column):
            return theme.agent, 0.14
        return (theme.ink, 0.06) if self._is_optimal(frame, row, column) else (theme.line, 0.03)


def artist(params: Any) -> MatrixArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    return MatrixArtist(params if isinstance(params, Params) else Params(**params))


def action_name(action: int) -> str:
    """Return a letter for an action, a number beyond the alphabet, and a dash for none."""
    if action < 0:
        return "-"
    return chr(ord("a") + action) if action < 26 else str(action)


def _button(x: float, y: float, text: str, pressed: bool, theme: Theme) -> Iterator[Shape]:
    fill, ink = (theme.agent, theme.agent_ink) if pressed else (theme.floor, theme.ink)
    yield Rect(x, y, 0.8, 0.8, fill, 0.4, theme.agent_edge if pressed else theme.line, 0.05)
    yield Text(x + 0.4, y + 0.4, text, 0.4, ink)
