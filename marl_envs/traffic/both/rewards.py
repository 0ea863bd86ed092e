"""Rewards of both kinds: each one's own named terms, individual or for the team."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.out import Out
from marl_envs.core.pack import unpack
from marl_envs.traffic.both.types import (
    ALL_PAID,
    CROWD_AT,
    FLEET_AT,
    OUT_AT,
    RED_TERM,
    RULES_AT,
    SIGNAL_OUT_AT,
    SIGNAL_TERMS_AT,
    SIGNALS_PAID,
    VEHICLE_OUT_AT,
    VEHICLES_PAID,
    Crowd,
    Fleet,
    Rules,
)


@jit(inline=True)
def _pay_vehicle(table: Any, e: Int, a: Int) -> Any:
    """Write the terms of vehicle agent `a`; return its own reward."""
    crowd, rules = unpack(table, Crowd, CROWD_AT), unpack(table, Rules, RULES_AT)
    own, out = unpack(table, Out, VEHICLE_OUT_AT), unpack(table, Out, OUT_AT)
    for t in range(own.terms.shape[2]):
        out.terms[e, a, t] = own.terms[e, a, t]
    red = np.float32(-rules.red_weight * crowd.ran_red[e, a])
    out.terms[e, a, RED_TERM] = red
    return own.reward[e, a] + red


@jit(inline=True)
def _pay_signal(table: Any, e: Int, s: Int, row: Int, settled: Bool) -> Any:
    """Write the terms of signal `s`, whose rewards stand in `row`; return its own reward, 0 unless it was `settled`."""
    own, out = unpack(table, Out, SIGNAL_OUT_AT), unpack(table, Out, OUT_AT)
    for t in range(own.terms.shape[2]):
        out.terms[e, row, SIGNAL_TERMS_AT + t] = own.terms[e, s, t] if settled else np.float32(0.0)
    return own.reward[e, s] if settled else np.float32(0.0)


@jit(inner=True)
def pay_all(table: Any, e: Int, settled: Bool) -> None:
    """Write terms and rewards of all agents, from those that each kind's own rules have just found.

    `settled`: whether the signals' decision is over, too.
    """
    crowd, rules, out = unpack(table, Crowd, CROWD_AT), unpack(table, Rules, RULES_AT), unpack(table, Out, OUT_AT)
    vehicles, agents = unpack(table, Fleet, FLEET_AT).slot.shape[1], crowd.actions.shape[1]
    team = np.float32(0.0)
    for a in range(agents):
        if a < vehicles:
            paid = _pay_vehicle(table, e, a)
            crowd.paid[e, VEHICLES_PAID] += paid
        else:
            paid = _pay_signal(table, e, a - vehicles, a, settled)
            crowd.paid[e, SIGNALS_PAID] += paid
        out.reward[e, a] = paid
        team += paid
    for a in range(agents):
        if rules.team:
            out.reward[e, a] = team
        crowd.paid[e, ALL_PAID] += out.reward[e, a]
