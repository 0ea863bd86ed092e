"""Settings of learners that several experiments share; each says itself what it has besides."""

from __future__ import annotations

from typing import Any

from agents import Linear
from agents.deep import MLP

# Tasks in which what an action brings is seen within some twenty steps
SHORT: dict[str, Any] = {"gamma": 0.95, "n_steps": 3, "tau": 0.02}

# And in which many environments are played at once, robots' floors or signals, by a network without memory
MANY: dict[str, Any] = {**SHORT, "body": MLP((64, 64)), "learning_rate": Linear(1e-3, 1e-4), "batch": 256}
