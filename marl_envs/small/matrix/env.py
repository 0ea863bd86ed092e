"""From parameters to a simulation: the tables of the game, the spaces, and the kernels that the two faces call."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.family import Family, Simulation
from marl_envs.core.params import ParameterError
from marl_envs.small.matrix import batch
from marl_envs.small.matrix.games import Game, verdicts
from marl_envs.small.matrix.metrics import METRICS
from marl_envs.small.matrix.types import (
    MOST_STATES,
    NUM_COUNTERS,
    OBSERVATIONS,
    REWARD_TERMS,
    Params,
    Settings,
    State,
)


def make_settings(params: Params, game: Game) -> Settings:
    """Return the tables and numbers for these parameters."""
    states, *choices = game.follow.shape
    joint = int(np.prod(choices))
    payoff = np.stack([game.payoff, game.alternative], axis=-2)  # [S, N_1, ..., N_A, coin, A]
    weight = [int(np.prod(choices[a + 1 :])) for a in range(len(choices))]
    return Settings(
        payoff=np.ascontiguousarray(payoff.reshape(-1, len(choices)), np.float32),
        follow=game.follow.reshape(-1).astype(np.int32),
        verdict=verdicts(game).reshape(-1),
        choices=np.array(choices, np.int32),
        weight=np.array(weight, np.int32),
        joint=joint,
        states=states,
        stochastic=int((game.payoff != game.alternative).any()),
        observation=OBSERVATIONS.index(params.observation),
        mask=int(params.mask is not None),
        team=int(params.reward == "team"),
        guided=1,
        autoreset=1,
        max_cycles=params.max_cycles,
    )


def observation_space(params: Params, settings: Settings) -> spaces.Space[Any]:
    """Return the space of one agent's observation."""
    if params.observation == "vector":
        return spaces.Box(0.0, 1.0, (settings.states + int(settings.choices.sum()),), np.float32)
    count = settings.states * (settings.joint + 1 if params.observation == "tabular_last" else 1)
    if count > MOST_STATES:
        raise ParameterError(f"the table would have {count} states, more than {MOST_STATES}")
    return spaces.Discrete(count)


def build(params: Params) -> Simulation:
    """Return the simulation of a game."""
    game = params.make_game()
    settings = make_settings(params, game)
    agents = len(settings.choices)
    length = 1 + settings.states + int(settings.choices.sum())
    return Simulation(
        family=FAMILY,
        params=params,
        agents=[f"player_{a}" for a in range(agents)],
        observation_space=observation_space(params, settings),
        action_space=spaces.Discrete(int(settings.choices.max())),
        state_space=spaces.Box(0.0, 1.0, (length,), np.float32),
        settings=settings,
        sizes={"A": agents, "K": NUM_COUNTERS},
    )


def frame(settings: Settings, state: State, e: int) -> dict[str, NDArray[Any]]:
    """Return what a picture of environment `e` needs.

    state int32 [], actions int32 [A] (the last ones; -1: none yet), paid float32 [A], step int32 [], return float32 [].
    """
    last = int(state.last[e])
    actions = np.full(len(settings.choices), -1) if last < 0 else last // settings.weight % settings.choices
    return {
        "state": np.array(state.where[e], np.int32),
        "actions": actions.astype(np.int32),
        "paid": state.paid[e].copy(),
        "step": np.array(state.step[e], np.int32),
        "return": np.array(state.total[e], np.float32),
    }


FAMILY = Family(
    name="matrix_v0",
    params=Params,
    state=State,
    build=build,
    guided=lambda settings: settings,
    frame=frame,
    reward_terms=REWARD_TERMS,
    metrics=METRICS,
    scene="marl_envs.small.matrix.render",
    play=batch.play_range,
)
