"""Speed: agent-steps per CPU-second, ours and any peer that is installed, measured in turns in one run."""

from benchmarks.speed.report import run_speed

__all__ = ["run_speed"]
