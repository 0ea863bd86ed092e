"""How much of what is possible a team gets: normalised score, price of decentralisation, regret."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from marl_envs.core.params import ParameterError, check_choice
from marl_envs.metrics.checks import finite

Better = Literal["higher", "lower"]


def normalised_score(value: float, random: float, planner: float, better: Better = "higher") -> float:
    """Return (value - random) / (planner - random): 0 is chance, 1 is the planner.

    Unit: 1. Range: any; above 1 where the planner is no upper bound, below 0 where chance does better. NaN where the
    planner is not better than chance, as there is no scale then. Say with it what the planner is: exact, a heuristic
    (a lower bound of the optimum) or a relaxation (an upper bound).

    Args:
        value: of the team, in any unit; `random` and `planner` in the same.
        random: of random actions.
        planner: of the planner.
        better: whether more or less of it is good.

    Source: usual since Mnih et al. (2015), "human-normalised"; here between chance and a planner.
    """
    check_choice("better", better, ("higher", "lower"))
    sign = 1.0 if better == "higher" else -1.0
    span = sign * (planner - random)
    return sign * (value - random) / span if span > 0 else float("nan")


class Price(NamedTuple):
    """A ratio (NaN where undefined) and a gap in the unit of the values."""

    ratio: float
    gap: float


def price_of_decentralisation(learned: float, central: float, kind: Literal["reward", "cost"] = "reward") -> Price:
    """Return what is lost because nobody decides for all: central / learned reward, or learned / central cost.

    Unit of the ratio: 1; range: above 0, 1 if nothing is lost, below 1 if the central solution is no optimum. It is NaN
    unless both numbers are positive (of rewards of different signs there is no ratio); the gap, in the unit of the
    values and positive where something is lost, is always there.

    Source: after the price of anarchy, Koutsoupias and Papadimitriou (1999), with what was learned for the equilibrium.
    """
    check_choice("kind", kind, ("reward", "cost"))
    better, worse = (central, learned) if kind == "reward" else (learned, central)
    ratio = better / worse if better > 0 and worse > 0 else float("nan")
    return Price(ratio, better - worse)


def regret(steps: Any, values: Any, best: float) -> float:
    """Return the area between `best` and the values of evaluations, by trapezoids.

    Unit: steps x unit of the values. Range: at least 0 where `best` is an upper bound; above it counts negative.

    Args:
        steps: [K] when the evaluations were, increasing; at least two.
        values: [K] what the policy was worth then.
        best: what the best policy is worth.

    Source: cumulative regret, sum over time of J* - J(pi_t).
    """
    times, found = finite("steps", steps, 1), finite("values", values, 1)
    if times.shape != found.shape or len(times) < 2 or (np.diff(times) <= 0).any():
        raise ParameterError("steps must increase and be as many as values, at least two")
    missing = best - found
    return float(((missing[1:] + missing[:-1]) / 2 * np.diff(times)).sum())
