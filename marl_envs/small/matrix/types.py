"""Parameters, settings and state of matrix games.

Dimensions: E environments, A agents, S states, J joint actions (a number in mixed radix, the first agent's action
counting most), K counters. A row of the payoffs is (state * J + joint action) * 2 + coin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_choice, check_float
from marl_envs.small.matrix.games import END, GAMES, Game, common, individual
from marl_envs.small.params import check_shared

OBSERVATIONS = ("tabular", "tabular_last", "vector")
TABULAR, TABULAR_LAST, VECTOR = range(3)
REWARD_TERMS = ("payoff",)
# Counters, State.tally[e, :]: of steps in states with a choice, and of actions
CHOICES, OPTIMAL_ONES, EQUILIBRIA, MISMATCHES, LAST_OPTIMAL, MASKED = range(6)
NUM_COUNTERS = 6
NOTHING = -1  # no joint action yet
MOST_NUMBERS = 2**20  # of an array of payoffs
MOST_STATES = 2**31 - 1
_ARRAYS = ("payoff", "payoffs", "alternative", "transitions")


@dataclass(frozen=True, kw_only=True)
class Params:
    """Everything that can be chosen; see docs/small.md. Bad values raise ParameterError."""

    game: str | None = None
    """A name in GAMES; None: "climbing", or the arrays below."""
    penalty: float = -100.0
    """k of "penalty", and what different actions get in "boutilier"; at most 0."""
    payoff: Any = None
    """What all agents get: numbers [N_1, ..., N_A] (nested lists or an array); with `transitions` [S, N_1, ...]."""
    payoffs: Any = None
    """What each agent gets, instead of `payoff`: one array an agent, so [A, N_1, ..., N_A]."""
    alternative: Any = None
    """A second value for each number of `payoff` or `payoffs`: one coin a step decides, each with probability 1/2."""
    transitions: Any = None
    """The state that follows, integers [S, N_1, ..., N_A]; -1: the game is over. Play begins in state 0."""
    repeated: bool = False
    """Whether a game of one state is played again and again until `max_cycles`; else it ends after one step."""
    observation: str = "tabular"
    """"tabular" (the state's number), "tabular_last" (and the last joint action), or "vector" (both, one-hot)."""
    reward: str = "individual"
    """"individual", or "team" (everyone gets the sum over agents, also of a common payoff)."""
    max_cycles: int = 1000
    """Steps after which the episode is truncated."""
    mask: str | None = "info"
    """Where the action mask is: in the "info", in the "obs" (PettingZoo face only), or None: nowhere."""
    agents_leave: bool = False
    """Whether finished agents leave `agents`. They finish together, so both values give the same episodes."""

    def __post_init__(self) -> None:
        """Check every value before anything is built."""
        own = self.payoff is not None or self.payoffs is not None
        if own and (self.payoff is not None and self.payoffs is not None):
            raise ParameterError("payoff and payoffs cannot both be given: one number for all, or one for each agent")
        if own and self.game is not None:
            raise ParameterError("game and payoffs cannot both be given: a name stands for its own payoffs")
        if not own:
            object.__setattr__(self, "game", "climbing" if self.game is None else self.game)
            check_choice("game", self.game, tuple(GAMES))
            for name in ("alternative", "transitions"):
                if getattr(self, name) is not None:
                    raise ParameterError(f"{name} goes with payoff or payoffs, not with game={self.game!r}")
        object.__setattr__(self, "penalty", check_float("penalty", self.penalty, -1e6, 0.0))
        for name in _ARRAYS:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        check_choice("repeated", self.repeated, (True, False))
        check_shared(self, OBSERVATIONS)
        self._check_shapes()

    def _check_shapes(self) -> None:
        """Raise ParameterError where arrays do not fit each other."""
        given = np.shape(self.payoff if self.payoffs is None else self.payoffs)
        if self.game is None:
            shape = given if self.payoffs is None else given[1:]
            agents = len(shape) - (self.transitions is not None)
            if agents < 1 or 0 in given:
                raise ParameterError(f"payoffs of shape {given} leave no agents or no actions")
            if self.payoffs is not None and given[0] != agents:
                raise ParameterError(f"payoffs must hold an array for each of {agents} agents, not {given[0]}")
            if self.alternative is not None and np.shape(self.alternative) != given:
                raise ParameterError(
                    f"alternative must have the shape of the payoffs, {given}, not {np.shape(self.alternative)}"
                )
            if self.transitions is not None:
                _check_transitions(self.transitions, shape)
        follow = self.make_game().follow
        if self.repeated and len(follow) > 1:
            raise ParameterError("repeated is for games of one state; elsewhere transitions say what follows")

    @property
    def pays_alike(self) -> bool:
        """Whether all agents are always paid the same, as learners of teams ask for."""
        game = self.make_game()
        return self.reward == "team" or all((p == p[..., :1]).all() for p in (game.payoff, game.alternative))

    def make_game(self) -> Game:
        """Return the game; one state that is repeated follows on itself."""
        if self.game is not None:
            game = GAMES[self.game](self.penalty)
        elif self.payoffs is not None:
            game = individual(self.payoffs, self.alternative, self.transitions)
        else:
            game = common(self.payoff, self.alternative, self.transitions)
        return game._replace(follow=np.zeros_like(game.follow)) if self.repeated else game


def _numbers(name: str, value: Any) -> Any:
    """Return nested lists of finite numbers (integers for transitions), or raise ParameterError."""
    try:
        array = np.asarray(value)
        fits = array.dtype.kind in ("iu" if name == "transitions" else "iuf") and array.ndim > 0
    except ValueError:
        fits = False
    if not fits:
        kind = "integers" if name == "transitions" else "numbers"
        raise ParameterError(f"{name} must be an array of {kind}, or nested lists of equal lengths, not {value!r}")
    if array.size > MOST_NUMBERS:
        raise ParameterError(f"{name} has {array.size} numbers, more than {MOST_NUMBERS}")
    if name != "transitions":
        array = array.astype(float)
        wrong = np.argwhere(~(np.abs(array) <= 1e9))
        if len(wrong):
            where = wrong[0].tolist()
            raise ParameterError(f"{name}{where} must be a number from -1e9 to 1e9, not {array[tuple(where)]}")
    return array.tolist()


def _check_transitions(transitions: Any, shape: tuple[int, ...]) -> None:
    """Raise ParameterError unless they have the payoffs' shape and name states."""
    follow = np.asarray(transitions)
    if follow.shape != shape:
        raise ParameterError(f"transitions must have the shape {shape}, not {follow.shape}")
    wrong = np.argwhere((follow < END) | (follow >= len(follow)))
    if len(wrong):
        where = wrong[0].tolist()
        value = follow[tuple(where)]
        raise ParameterError(f"transitions{where} must be a state from 0 to {len(follow) - 1}, or -1, not {value}")


class Settings(NamedTuple):
    """What stays fixed: tables of the game and numbers."""

    payoff: Annotated[NDArray[np.float32], "P A"]  # by row, see above
    follow: Annotated[NDArray[np.int32], "Q"]  # next state by state * J + joint action; -1: over
    verdict: Annotated[NDArray[np.uint8], "Q"]  # bits, see games.verdicts
    choices: Annotated[NDArray[np.int32], "A"]  # actions that each agent has
    weight: Annotated[NDArray[np.int32], "A"]  # what an agent's action adds to the joint action's number
    joint: int  # J
    states: int  # S
    stochastic: int  # 1: a coin decides between two payoffs
    observation: int  # TABULAR, TABULAR_LAST or VECTOR
    mask: int  # 1: write the action mask
    team: int  # 1: everyone gets the sum
    guided: int  # always 1: nothing is left out for speed
    autoreset: int  # 1: start the next episode in the step that ends one
    max_cycles: int  # [steps]


class State(NamedTuple):
    """Everything a step reads or writes; allocated once, changed in place."""

    rng: Annotated[NDArray[np.uint64], "E"]  # random stream
    step: Annotated[NDArray[np.int32], "E"]  # [steps] since the reset
    over: Annotated[NDArray[np.uint8], "E"]  # 1: finished by the rules
    where: Annotated[NDArray[np.int32], "E"]  # state of the game; where it ended, the last one
    last: Annotated[NDArray[np.int32], "E"]  # last joint action, or NOTHING
    paid: Annotated[NDArray[np.float32], "E A"]  # payoffs of the last step
    tally: Annotated[NDArray[np.int32], "E K"]  # counters of the episode
    total: Annotated[NDArray[np.float64], "E"]  # reward so far, sum over agents
    actions: Annotated[NDArray[np.int32], "E A"]
