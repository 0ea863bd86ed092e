"""A small family whose agents finish one by one, as robots never do: to test what the faces make of that.

Every runner has some laps to run, drawn at the reset. Running takes a step and pays 1; who has none left is finished
and waits for the others: a zero observation, no reward, and only the no-op allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core import params
from marl_envs.core.family import Family, Simulation
from marl_envs.core.jit import jit
from marl_envs.core.operations import DESCRIBE, MEASURE, OBSERVE, RESET, STEP
from marl_envs.core.out import Out
from marl_envs.core.pack import slots_of, unpack
from marl_envs.core.parallel import ParallelEnv, to_aec
from marl_envs.core.random import draw_below
from marl_envs.core.vector import VectorEnv


@dataclass(frozen=True, kw_only=True)
class Params:
    """What can be chosen."""

    num_runners: int = 3
    laps: int = 6  # most laps of a runner
    max_cycles: int = 12
    reward: str = "individual"
    mask: str | None = "info"
    agents_leave: bool = False


class Settings(NamedTuple):
    """What stays fixed."""

    laps: int
    max_cycles: int
    team: int
    mask: int
    autoreset: int
    guided: int


class State(NamedTuple):
    """What changes."""

    rng: Annotated[NDArray[np.uint64], "E"]
    step: Annotated[NDArray[np.int32], "E"]
    left: Annotated[NDArray[np.int32], "E A"]  # laps to go
    actions: Annotated[NDArray[np.int32], "E A"]


SETTINGS_AT = slots_of(State)
OUT_AT = SETTINGS_AT + slots_of(Settings)


@jit(inner=True)
def look(state, settings, obs, mask, e):
    """Write observation and mask."""
    for a in range(state.left.shape[1]):
        runs = state.left[e, a] > 0
        obs[e, a, 0] = np.float32(state.left[e, a]) / np.float32(settings.laps)
        obs[e, a, 1] = np.float32(state.step[e]) / np.float32(settings.max_cycles) if runs else np.float32(0)
        if settings.mask:
            mask[e, a, 0] = 1
            mask[e, a, 1] = runs


@jit(inner=True)
def begin(state, settings, e):
    """Draw how far everyone has to run."""
    state.step[e] = 0
    for a in range(state.left.shape[1]):
        state.left[e, a] = 1 + draw_below(state.rng, e, settings.laps)


@jit(inner=True)
def run_one(state, settings, out, e):
    """Advance one environment, up to the end of the episode."""
    state.step[e] += 1
    going, team = 0, np.float32(0)
    for a in range(state.left.shape[1]):
        runs = state.left[e, a] > 0 and state.actions[e, a] == 1
        state.left[e, a] -= runs
        out.terminated[e, a] = runs and state.left[e, a] == 0
        out.alive[e, a] = state.left[e, a] > 0
        out.terms[e, a, 0] = out.reward[e, a] = np.float32(runs)
        team += np.float32(runs)
        going += state.left[e, a] > 0
    late = state.step[e] >= settings.max_cycles
    out.ended[e] = late or going == 0
    for a in range(state.left.shape[1]):
        out.truncated[e, a] = late and state.left[e, a] > 0
        if settings.team:
            out.reward[e, a] = team


@jit
def play_range(table, operation, first, last):
    """Do an operation to environments first..last-1."""
    state, settings, out = unpack(table, State, 0), unpack(table, Settings, SETTINGS_AT), unpack(table, Out, OUT_AT)
    for e in range(first, last):
        begins = operation == RESET
        if operation == STEP:
            run_one(state, settings, out, e)
            begins = out.ended[e] and settings.autoreset != 0
            if begins:
                look(state, settings, out.final_obs, out.final_mask, e)
                out.metrics[e, 0] = state.step[e]
        if begins:
            begin(state, settings, e)
        if operation in (STEP, OBSERVE):
            look(state, settings, out.obs, out.mask, e)
        if begins or operation == OBSERVE:
            for a in range(state.left.shape[1]):
                out.alive[e, a] = state.left[e, a] > 0
        if operation == MEASURE:
            out.metrics[e, 0] = state.step[e]
        if operation == DESCRIBE:
            for a in range(state.left.shape[1]):
                out.global_state[e, a] = np.float32(state.left[e, a]) / np.float32(settings.laps)


def build(chosen: Params) -> Simulation:
    """Return the simulation."""
    limits = {"laps": chosen.laps, "max_cycles": chosen.max_cycles, "autoreset": 1, "guided": 0}
    return Simulation(
        family=FAMILY,
        params=chosen,
        agents=[f"runner_{a}" for a in range(chosen.num_runners)],
        observation_space=spaces.Box(0, 1, (2,), np.float32),
        action_space=spaces.Discrete(2),
        state_space=spaces.Box(0, 1, (chosen.num_runners,), np.float32),
        settings=Settings(team=int(chosen.reward == "team"), mask=int(chosen.mask is not None), **limits),
        sizes={"A": chosen.num_runners},
    )


FAMILY = Family(
    name="relay",
    params=Params,
    state=State,
    build=build,
    guided=lambda settings: settings._replace(guided=1),
    frame=lambda settings, state, e: {"left": state.left[e].copy()},
    reward_terms=("lap",),
    metrics={"episode_length": ("steps", "length of the episode")},
    scene="tests.relay",
    finish_alone=True,
    play=play_range,
)


def parallel_env(render_mode: str | None = None, **parameters: Any) -> ParallelEnv:
    """Return PettingZoo's parallel environment."""
    return ParallelEnv(build(params.build(Params, parameters)), render_mode)


def env(render_mode: str | None = None, **parameters: Any) -> Any:
    """Return PettingZoo's AEC environment."""
    return to_aec(parallel_env(render_mode, **parameters))


def vector_env(num_envs: int = 1, num_threads: int = 1, *, copy: bool = False, **parameters: Any) -> VectorEnv:
    """Return a batch."""
    return VectorEnv(build(params.build(Params, parameters)), num_envs, num_threads, copy=copy)
