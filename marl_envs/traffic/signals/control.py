"""The law of a signal: what a decision does, and green, yellow and all red as time passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.random import draw_below
from marl_envs.traffic.signals.types import (
    ALL_RED,
    CHOOSE,
    DURATION,
    FULLEST,
    GREEN,
    YELLOW,
    Control,
    EngineState,
    Rules,
)


@jit(inline=True)
def _is_last_chance(control: Control, rules: Rules, e: Int, a: Int) -> Bool:
    """Return whether signal `a` would be green for too long by the next decision."""
    return rules.max_green > 0 and control.green[e, a] + rules.interval > rules.max_green


@jit(inline=True)
def may_switch(control: Control, rules: Rules, e: Int, a: Int) -> Bool:
    """Return whether signal `a` may leave its phase: it is green, and has been for long enough."""
    if control.stage[e, a] != GREEN:
        return False
    if rules.actions == DURATION:
        return control.green[e, a] >= control.planned[e, a] or _is_last_chance(control, rules, e, a)
    return control.green[e, a] >= rules.min_green


@jit(inline=True)
def must_switch(control: Control, rules: Rules, e: Int, a: Int) -> Bool:
    """Return whether signal `a` must leave its phase: else it would be green for too long by the next decision."""
    if not may_switch(control, rules, e, a):
        return False
    return rules.actions == DURATION or _is_last_chance(control, rules, e, a)


@jit(inline=True)
def is_allowed(control: Control, rules: Rules, e: Int, a: Int, action: Int) -> Bool:
    """Return whether the mask allows an action."""
    free = may_switch(control, rules, e, a)
    if rules.actions == DURATION:
        return free or action == 0
    keep: Int = control.pending[e, a] if rules.actions == CHOOSE else 0
    if action == keep:
        return not must_switch(control, rules, e, a)
    return free and (rules.actions != CHOOSE or action < rules.num_phases[a])


@jit(inline=True)
def write_mask(control: Control, rules: Rules, mask: Any, e: Int) -> None:
    """Write which actions are allowed."""
    for a in range(mask.shape[1]):
        for n in range(mask.shape[2]):
            mask[e, a, n] = np.int8(is_allowed(control, rules, e, a, n))


@jit(inline=True)
def _wanted(control: Control, rules: Rules, e: Int, a: Int) -> Int:
    """Return the phase that signal `a`'s action asks for; a forbidden action is counted and keeps what is so."""
    action = control.actions[e, a]
    allowed = is_allowed(control, rules, e, a, action)
    control.masked[e] += not allowed
    following = (control.current[e, a] + 1) % rules.num_phases[a]
    forced = must_switch(control, rules, e, a)
    if rules.actions == DURATION:
        if forced:
            control.planned[e, a] = rules.durations[action]
        return following if forced else control.pending[e, a]
    if not allowed:
        return following if forced else control.pending[e, a]
    if rules.actions == CHOOSE:
        return action
    if action == 0:
        return control.pending[e, a]
    return control.fullest[e, a] if rules.actions == FULLEST else following


@jit(inner=True)
def switch_to(state: EngineState, control: Control, rules: Rules, e: Int, a: Int, phase: Int) -> None:
    """Let signal `a`, which is green, begin to change to another phase."""
    control.pending[e, a] = phase
    control.stage[e, a] = YELLOW
    control.left[e, a] = rules.yellow
    state.phase[e, rules.junction[a]] = rules.yellow_phase[a]


@jit(inner=True)
def decide(state: EngineState, control: Control, rules: Rules, e: Int) -> None:
    """Carry out the actions."""
    for a in range(rules.junction.shape[0]):
        phase = _wanted(control, rules, e, a)
        if phase != control.pending[e, a]:
            control.switches[e, a] += 1
            switch_to(state, control, rules, e, a, phase)


@jit(inner=True)
def take_turns(state: EngineState, control: Control, rules: Rules, e: Int, green: Int) -> None:
    """Let every signal that has been green for `green` steps change to its next phase."""
    for a in range(rules.junction.shape[0]):
        if control.stage[e, a] == GREEN and control.green[e, a] >= green:
            switch_to(state, control, rules, e, a, (control.current[e, a] + 1) % rules.num_phases[a])


@jit(inner=True)
def before_step(state: EngineState, control: Control, rules: Rules, e: Int) -> None:
    """Show what is to be shown in the coming step: all red after yellow, green after that."""
    for a in range(rules.junction.shape[0]):
        if control.stage[e, a] == YELLOW and control.left[e, a] == 0:
            control.stage[e, a] = ALL_RED
            control.left[e, a] = rules.all_red
            state.phase[e, rules.junction[a]] = rules.red_phase[a]
        if control.stage[e, a] == ALL_RED and control.left[e, a] == 0:
            _turn_green(state, control, rules, e, a)


@jit(inline=True)
def _turn_green(state: EngineState, control: Control, rules: Rules, e: Int, a: Int) -> None:
    control.stage[e, a] = GREEN
    control.current[e, a] = control.pending[e, a]
    control.green[e, a] = 0
    state.phase[e, rules.junction[a]] = rules.phase_of[a, control.pending[e, a]]


@jit(inner=True)
def after_step(control: Control, rules: Rules, e: Int) -> None:
    """Let the time of one step pass."""
    for a in range(rules.junction.shape[0]):
        if control.stage[e, a] == GREEN:
            control.green[e, a] += 1
        else:
            control.left[e, a] -= 1


@jit(inner=True)
def start_signals(state: EngineState, control: Control, rules: Rules, e: Int, green: Int) -> None:
    """Begin an episode with the first phase green; before a warm-up with any, up to `green` steps ago."""
    control.masked[e] = 0
    for a in range(rules.junction.shape[0]):
        control.pending[e, a] = control.left[e, a] = 0
        control.switches[e, a] = 0
        control.planned[e, a] = rules.durations[0]
        if rules.warmup > 0:
            control.pending[e, a] = draw_below(state.rng, e, rules.num_phases[a])
        _turn_green(state, control, rules, e, a)
        if rules.warmup > 0:
            control.green[e, a] = draw_below(state.rng, e, green)
