"""One round of a controller, for a range of environments: who may enter, how fast all drive, which actions say so."""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Int, jit
from marl_envs.core.pack import slots_of, unpack
from marl_envs.traffic.vehicles.control.arbiters import by_rank, stop_all
from marl_envs.traffic.vehicles.control.drive import choose_all, pull_all
from marl_envs.traffic.vehicles.control.ledger import RANKS, STOP, TILES, Ledger
from marl_envs.traffic.vehicles.control.light import run_light
from marl_envs.traffic.vehicles.control.near import forget, gather, give_way
from marl_envs.traffic.vehicles.control.reservation import reserve_all
from marl_envs.traffic.vehicles.types import EngineSettings, EngineState, Fleet, Rules, Settings, State

FLEET_AT = slots_of(EngineState)
SETTINGS_AT = slots_of(State)
RULES_AT = SETTINGS_AT + slots_of(EngineSettings)
COARSE_AT = SETTINGS_AT + slots_of(Settings)
LEDGER_AT = COARSE_AT + slots_of(EngineSettings)


@jit
def advise_range(table: Any, first: Int, last: Int) -> None:
    """Write the ledger's `choice` and `pull` of the environments first..last-1, whose state stays as it is."""
    state, fleet = unpack(table, EngineState, 0), unpack(table, Fleet, FLEET_AT)
    settings, rules = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Rules, RULES_AT)
    coarse, ledger = unpack(table, EngineSettings, COARSE_AT), unpack(table, Ledger, LEDGER_AT)
    for e in range(first, last):
        forget(state, fleet, ledger, e)
        gather(state, fleet, coarse, rules, ledger, e)
        give_way(state, fleet, coarse, rules, ledger, e)
        if ledger.rule == TILES:
            reserve_all(state, fleet, settings, coarse, rules, ledger, e)
        elif ledger.rule == STOP:
            stop_all(state, fleet, coarse, rules, ledger, e)
        elif ledger.rule == RANKS:
            run_light(state, fleet, settings, rules, ledger, e)
            by_rank(state, fleet, coarse, rules, ledger, e)
        pull_all(state, fleet, settings, coarse, rules, ledger, e)
        choose_all(state, fleet, settings, rules, ledger, e)
