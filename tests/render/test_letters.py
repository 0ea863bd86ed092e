"""Lines of text from kept pieces: they look as if written at once, and do not pile up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs.render import letters
from marl_envs.render.letters import Letters

pygame = pytest.importorskip("pygame", reason="needs pygame")

INK = (10, 20, 30, 255)


def opacity(image: Any) -> np.ndarray:
    """Return how much is inked, [width, height]."""
    return np.array(pygame.surfarray.array_alpha(image))


def test_a_line_is_its_pieces_side_by_side():
    kept = Letters()
    for text in ("step 120", "7", "no digits", "3.25 of 9"):
        parts = [opacity(kept.write(part, 24, INK)) for part in letters._PIECES.findall(text)]
        line = kept.write(text, 24, INK)
        np.testing.assert_array_equal(opacity(line), np.concatenate(parts))
        assert line.get_width() == kept.width(text, 24, INK)
        assert opacity(line).any()
    assert kept.width("11", 24, INK) == 2 * kept.width("1", 24, INK)
    assert kept.write("", 24, INK).get_width() == kept.width("", 24, INK) == 0


def test_what_is_kept_is_bounded_and_written_again_alike(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(letters, "_MOST", 20)
    kept = Letters()
    first = opacity(kept.write("step 0", 24, INK)).tobytes()
    for number in range(100):
        kept.write(f"step {number}", 24, INK)
        kept.write(f"{'x' * number} and more", 12, INK)
        assert len(kept._lines) <= 20
        assert len(kept._pieces) <= 20
    assert opacity(kept.write("step 0", 24, INK)).tobytes() == first
