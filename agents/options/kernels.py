"""What the kernels of learners over options share.

Arrays (O options): rows int32 [E, A, O], the row of the table that tells what an option is worth here, starts int8
[E, A, O], 1 where it may be started, and kinds int64 [O], the column of each. A table over observations has the same
row for all options and a column for each; a `Choices` table has a row for what each option looks like.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.tabular.kernels import OK
from agents.values.kernels import Step
from marl_envs.core.jit import jit
from marl_envs.core.random import draw_unit

NONE = -1


class Running(NamedTuple):
    """The options that agents follow."""

    option: Annotated[NDArray[np.int64], "E A"]  # NONE: the next one is still to be chosen
    origin: Annotated[NDArray[np.int32], "E A"]  # row of the table where it was started
    gathered: Annotated[NDArray[np.float64], "E A"]  # discounted reward since then
    discount: Annotated[NDArray[np.float64], "E A"]  # gamma to the power of the steps since then


def make_running(num_envs: int, num_agents: int) -> Running:
    """Return that nobody follows anything."""
    batch = (num_envs, num_agents)
    return Running(np.full(batch, NONE), np.zeros(batch, np.int32), np.zeros(batch), np.ones(batch))


class Sequel(NamedTuple):
    """What a step led to, for options."""

    rows: Annotated[NDArray[np.int32], "E A O"]
    starts: Annotated[NDArray[np.int8], "E A O"]
    over: Annotated[NDArray[np.bool_], "E A"]  # whether the option that is followed stops here


class Alike(NamedTuple):
    """What a step teaches options that were not followed."""

    rows: Annotated[NDArray[np.int32], "E A O"]  # before the step
    same: Annotated[NDArray[np.bool_], "E A O"]  # would have done the same
    stops: Annotated[NDArray[np.float64], "E A O"]  # probability to stop after the step


@jit
def first_bad_step(num_obs: int, step: Step) -> Any:
    """Return the flat index of the first number outside its space, reward that is not finite or empty mask.

    Observations are numbers below `num_obs`, int32 [E, A, K].
    """
    for e in range(step.obs.shape[0]):
        for a in range(step.obs.shape[1]):
            allowed = 0
            for b in range(step.mask.shape[2]):
                allowed |= step.mask[e, a, b]
            good = 0 <= step.actions[e, a] < step.mask.shape[2]
            for k in range(step.obs.shape[2]):
                good &= 0 <= step.obs[e, a, k] < num_obs and 0 <= step.after[e, a, k] < num_obs
            if not good or allowed == 0 or not np.isfinite(step.reward[e, a]):
                return e * step.obs.shape[1] + a
    return OK


@jit(inner=True)
def best_start(q: Any, t: int, kinds: Any, sequel: Sequel, e: int, a: int) -> Any:
    """Return the highest value of an option that may be started, float64; -inf if there is none."""
    best = -np.inf
    for o in range(kinds.shape[0]):
        if sequel.starts[e, a, o] != 0:
            best = max(best, np.float64(q[t, sequel.rows[e, a, o], kinds[o]]))
    return best


@jit
def stop_by_table(option: Any, step: Step, actions: Any, stops: Any, rng: Any, over: Any) -> None:
    """Write whether options are over: by themselves, with the episode, or because they cannot go on.

    actions and stops are those of `Options`, [O, S]; the step's observations are int32 [E, A].
    """
    for e in range(option.shape[0]):
        for a in range(option.shape[1]):
            o, after = option[e, a], step.after[e, a]
            over[e, a] = True
            if o == NONE or not step.alive[e, a] or step.ended[e] or step.terminated[e, a]:
                continue
            if actions[o, after] < 0 or step.mask[e, a, actions[o, after]] == 0:
                continue
            stop = stops[o, after]
            over[e, a] = stop == 1.0 or (stop > 0.0 and draw_unit(rng, e) < stop)
