"""Speed: agent-steps and vehicle-updates per CPU-second, ours and any peer's that is installed, in turns in one run."""

from benchmarks.speed.report import run_speed

__all__ = ["run_speed"]
