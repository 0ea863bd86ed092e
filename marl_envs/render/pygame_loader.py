"""Importing pygame late, so that training never needs it."""

from __future__ import annotations

import importlib
import os
from typing import Any


def load_pygame() -> Any:
    """Return the module `pygame` (pygame-ce serves as well) with fonts ready; no display is opened.

    Raises:
        ImportError: if no package provides `pygame`; the message names the extra to install.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        pygame = importlib.import_module("pygame")
    except ImportError as error:
        raise ImportError(
            "drawing needs pygame: pip install 'marl-envs[render]' (or pygame-ce, if you already use that)"
        ) from error
    if not pygame.font.get_init():
        pygame.font.init()
    return pygame
