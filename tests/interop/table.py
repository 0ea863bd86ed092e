"""The table of what was measured, as Markdown."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

HEAD = "| library | version | trained | deliveries by seed | agent-steps per CPU-s | date | command |"


def latest(folder: Path) -> list[list[dict[str, Any]]]:
    """Return the last result of each seed, grouped by training."""
    groups: dict[tuple[Any, ...], dict[int, dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            result = json.loads(line)
            groups.setdefault((result["library"], *result["options"]), {})[result["seed"]] = result
    return [[by_seed[seed] for seed in sorted(by_seed)] for by_seed in groups.values()]


def row(results: list[dict[str, Any]]) -> str:
    """Return the line of one training."""
    last = results[-1]
    scores = ", ".join(f"{result['deliveries']:.1f}" for result in results)
    if not all(result["rises"] for result in results):
        scores += " (does not rise)"
    speed = median(result["agent_steps_per_cpu_s"] for result in results)
    steps = f"{last['name']}, {last['agent_steps'] / 1000:,.0f} k agent-steps"
    command = " ".join(["python -m examples." + last["library"], *last["options"]])
    return (
        f"| {last['library']} | {last['version']} | {steps} | {scores} | {speed:,.0f} | {last['date']} | `{command}` |"
    )


def table(folder: Path) -> str:
    """Return all lines.

    Raises:
        FileNotFoundError: nothing has been measured yet.
    """
    groups = latest(folder)
    if not groups:
        raise FileNotFoundError(f"no results in {folder}: run python -m tests.interop NAME first")
    return "\n".join([HEAD, "|---" * (HEAD.count("|") - 1) + "|", *(row(results) for results in groups)])
