"""Lines of text as images, from pieces that are kept: numbers change in every frame, their digits do not."""

from __future__ import annotations

import re
from typing import Any

from marl_envs.render.pygame_loader import load_pygame
from marl_envs.render.theme import Color

_PIECES = re.compile(r"\d|\D+")  # each digit, and what stands between digits
_MOST = 2000  # kept images, of pieces and of lines


class Letters:
    """Writes in pygame's own font, which is the same everywhere; digits stand at the same distance in all numbers."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[str, int, Color], Any] = {}
        self._lines: dict[tuple[str, int, Color], Any] = {}

    def width(self, text: str, size: int, fill: Color) -> int:
        """Return how wide a line in letters of `size` pixels is [pixels]."""
        return sum(self._piece(piece, size, fill).get_width() for piece in _PIECES.findall(text))

    def write(self, text: str, size: int, fill: Color) -> Any:
        """Return the image of a line in letters of `size` pixels, which is kept and must not be drawn upon."""
        key = (text, size, fill)
        if key not in self._lines:
            if len(self._lines) >= _MOST:
                self._lines.clear()
            self._lines[key] = self._joined([self._piece(piece, size, fill) for piece in _PIECES.findall(text) or [""]])
            self._lines[key].set_alpha(fill[3])
        return self._lines[key]

    def _piece(self, piece: str, size: int, fill: Color) -> Any:
        key = (piece, size, fill)
        if key not in self._pieces:
            if len(self._pieces) >= _MOST:
                self._pieces.clear()
            # Fonts are not kept: using one after somebody else's pygame.quit() crashes the interpreter.
            self._pieces[key] = load_pygame().font.Font(None, size).render(piece, True, fill[:3])
        return self._pieces[key]

    def _joined(self, pieces: list[Any]) -> Any:
        """Return a new image of some pieces, one after another."""
        if len(pieces) == 1:
            return pieces[0].copy()
        pygame = load_pygame()
        high = max(piece.get_height() for piece in pieces)
        line = pygame.Surface((sum(piece.get_width() for piece in pieces), high), pygame.SRCALPHA, 32)
        x = 0
        for piece in pieces:
            line.blit(piece, (x, 0))
            x += piece.get_width()
        return line
