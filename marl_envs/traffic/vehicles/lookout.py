"""What agents see of pedestrians: the next crosswalks on their way, and which actions still let them stop there."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.traffic.vehicles.motion import stop_level
from marl_envs.traffic.vehicles.pedestrians import YIELD, gates_of, is_bound
from marl_envs.traffic.vehicles.types import NONE, PLACE, SPEED, EngineSettings, EngineState, Fleet, Rules

OF_WALKS = 8  # numbers in "features": four of the next gate and four of the one behind it
MOST_WALK = 20.0  # what times are divided by [s]


@jit(inner=True)
def walk_level(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int, turns: Bool
) -> Int:
    """Return the fastest action of `v` after which it still stops before a gate that someone is about to be in.

    As `motion.stop_level`; 0 if there is none, or if it is bound to pass it: then they wait. But nobody has waited yet
    behind the junction if it only now `turns` there.
    """
    first, second, room, later = gates_of(state, settings, rules, e, v, state.vehicle[e, v, PLACE])
    level = np.int64(0)
    for k in range(2):
        x, far = (first, room) if k == 0 else (second, later)
        if x == NONE or fleet.gate_in[e, x] >= YIELD:
            continue
        if is_bound(state, settings, rules, e, v, x, far) and not (turns and k == 1):
            continue
        if far + rules.gate_way[x] > 0.0:
            level = max(level, min(stop_level(settings, rules, state.motion[e, v, SPEED], far), np.int64(3)))
    return level


@jit(inner=True)
def see_walks(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, obs: Any, e: Int, a: Int, first: Int
) -> None:
    """Write what agent `a` sees of the next gates on its way: OF_WALKS numbers from `first` on, zero so far."""
    v = fleet.slot[e, a]
    near, far, room, later = gates_of(state, settings, rules, e, v, state.vehicle[e, v, PLACE])
    at = first
    for k in range(2):
        x, way = (near, room) if k == 0 else (far, later)
        if x == NONE or way + rules.gate_way[x] <= 0.0:
            continue
        obs[e, a, at] = np.float32(1.0)
        obs[e, a, at + 1] = np.float32(max(-1.0, min(1.0, way / rules.reach)))
        obs[e, a, at + 2] = np.float32(min(1.0, fleet.gate_in[e, x] / MOST_WALK))
        obs[e, a, at + 3] = np.float32(min(1.0, fleet.gate_out[e, x] / MOST_WALK))
        at += OF_WALKS // 2
