"""How time in the window becomes steps of the environment."""

from __future__ import annotations

SPEEDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


class Pace:
    """Counts the steps that are due at `rate` steps a second, times the speed."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._index = SPEEDS.index(1.0)
        self._due = 0.0  # steps; the part below 1 is how far the one under way has come

    @property
    def speed(self) -> float:
        """Times the rate."""
        return SPEEDS[self._index]

    def change(self, by: int) -> None:
        """Go to a higher or lower speed."""
        self._index = min(max(self._index + by, 0), len(SPEEDS) - 1)

    def pass_time(self, seconds: float) -> None:
        """Let time go by."""
        self._due += seconds * self.rate * self.speed

    def take(self) -> bool:
        """Return whether a step is due, and count it as done."""
        if self._due < 1.0:
            return False
        self._due -= 1.0
        return True

    @property
    def share(self) -> float:
        """How much of the next step's time has gone by, 0 to 1."""
        return min(1.0, self._due)

    def drop(self) -> None:
        """Forget steps that are due: there was no time for them."""
        self._due = min(self._due, 1.0)

    def reset(self) -> None:
        """Begin a step's time anew."""
        self._due = 0.0
