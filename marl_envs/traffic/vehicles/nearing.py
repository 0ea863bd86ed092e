"""Memory of the environment that comes next, asked for while the present one is worked on: a batch exceeds caches."""

from __future__ import annotations

from marl_envs.core.jit import Int, jit
from marl_envs.core.prefetch import prefetch
from marl_envs.traffic.vehicles.types import EngineState, Fleet

ROWS_A_LINE = 2  # of `State.on`
FEW = 16  # lines


@jit(inner=True)
def prefetch_rows(state: EngineState, fleet: Fleet, e: Int) -> None:
    """Ask for what a decision reads of environment `e`: of vehicles the first slots, which are in use most."""
    lines = state.on.shape[1] // ROWS_A_LINE
    if lines <= FEW:  # one looks beyond drivables with vehicles, too
        prefetch(state.on, e, lines)
    else:
        rows = state.on[e]
        for i in range(state.num_active[e]):
            prefetch(rows, state.active[e, i], 1)
    prefetch(state.motion, e, 2)
    prefetch(state.vehicle, e, 2)
    prefetch(state.active, e, 1)
    prefetch(state.told, e, 1)
    prefetch(state.trip, e, 1)
    prefetch(state.came, e, 1)
    prefetch(state.free, e, 1)
    prefetch(fleet.agent, e, 1)
    prefetch(fleet.link, e, 1)
    prefetch(fleet.slot, e, 1)
    prefetch(fleet.status, e, 1)
    prefetch(fleet.agent_trip, e, 1)
    prefetch(state.gap, e, 1)
    prefetch(fleet.old_speed, e, 1)
    prefetch(fleet.old_pull, e, 1)
    prefetch(fleet.way, e, 1)
    prefetch(fleet.total, e, 1)
    prefetch(fleet.trip_sum, e, 1)
    prefetch(fleet.trip_worst, e, 1)
    prefetch(fleet.term, e, 3)
    prefetch(fleet.conflict, e, 3)
    prefetch(fleet.counts, e, 2)
