"""The peer we compare with: rware, if it is installed."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from benchmarks.speed.measure import Block

MISSING = (
    "rware is not installed, so there are no ratios. For them, install it into another environment (it must not share "
    "one with pygame-ce): pip install rware==2.0.0, then run this there."
)
KNOWN = "rware 2.0.0 was seen at 8 to 10 thousand agent-steps per CPU-second on an AMD EPYC core (tiny-2ag, small-4ag)."


def has_rware() -> bool:
    """Return whether rware can be imported."""
    return importlib.util.find_spec("rware") is not None


def rware(name: str, steps: int = 500) -> Block:
    """Return random play of an rware environment such as "rware-tiny-2ag-v2", resets included; unit: agent-steps."""
    import gymnasium
    import rware as registers_its_ids  # noqa: F401

    env: Any = gymnasium.make(name).unwrapped
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 5, (steps, env.n_agents)).tolist()

    def block() -> int:
        for action in actions:
            _, _, done, truncated, _ = env.step(action)
            if done or truncated:
                env.reset()
        return steps * int(env.n_agents)

    return block
