"""The golden cases, by the names that the tests use; the code is shared with `python -m benchmarks fidelity`."""

from benchmarks.fidelity.handmade import GOLDEN, NAMES, Player, demand_of, positions, read, start, trace

__all__ = ["GOLDEN", "NAMES", "Player", "demand_of", "positions", "read", "start", "trace"]
