"""Ctrl-C as a request to stop between two steps instead of an exception in the middle of one."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any


class Interrupt:
    """Context manager: inside it the first Ctrl-C only sets `asked`; a second one raises KeyboardInterrupt.

    Outside the main thread, where Python allows no signal handlers, it does nothing.
    """

    def __init__(self) -> None:
        """Prepare; nothing is installed yet."""
        self.asked = False
        self._previous: Any = None

    def __enter__(self) -> Interrupt:
        """Install the handler."""
        if signal.getsignal(signal.SIGINT) is None:  # set outside Python: cannot be put back
            return self
        try:
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
        except ValueError:  # not the main thread
            self._previous = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the earlier handler back."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
