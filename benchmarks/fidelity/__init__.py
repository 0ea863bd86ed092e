"""Fidelity: published figures, and those of the reference engines, beside ours: `python -m benchmarks fidelity`."""

from benchmarks.fidelity.report import run_fidelity

__all__ = ["run_fidelity"]
