"""What one agent's action tells about another's: mutual information with its bias and its null, in bits.

Of decentralised policies the information between actions, given all observations, is 0 by construction: what is found
between actions alone is shared context as well as coordination. So it is an action *correlation*; the lagged form asks
whether what one does now tells what the other does next. Neither says who causes what: see `influence` for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from marl_envs.core.params import ParameterError, check_int
from marl_envs.metrics.checks import Floats, Ints, integers

Pair = tuple[Ints, Ints]

SAMPLES_PER_CELL = 5  # fewer samples than this for each pair of actions, and there is no estimate


class Coupling(NamedTuple):
    """Mutual information of two sequences of actions [bits]; all NaN, and why, where samples are too few."""

    plug_in: float  # from frequencies; too large by about (Ka-1)(Kb-1)/(2N) nats
    miller_madow: float  # corrected for that; may be below 0
    null_mean: float  # plug-in of sequences shifted against each other
    excess: float  # plug-in above that
    p_value: float  # share of shifts with at least as much, (1 + count) / (1 + shifts)
    normalised: float  # Miller-Madow over the lesser entropy, at least 0; NaN where an agent always does the same
    samples: int
    reason: str = ""


def entropy(counts: Any, miller_madow: bool = False) -> float:
    """Return the entropy of counts (any shape) [bits], by frequencies, or with Miller and Madow's correction.

    Range: 0 to log2 K. The correction adds (K - 1)/(2N) nats for K counts that are not 0 (Miller 1955).
    """
    flat = np.asarray(counts, np.float64).ravel()
    flat = flat[flat > 0]
    n = flat.sum()
    if n == 0:
        return float("nan")
    p = flat / n
    plug_in = float(-(p * np.log2(p)).sum())
    return plug_in + float((flat.size - 1) / (2 * n * np.log(2))) if miller_madow else plug_in


def information_of(table: Any, miller_madow: bool = False) -> float:
    """Return I(a; b) = H(a) + H(b) - H(a, b) of a table of counts [Ka, Kb] [bits].

    Range: 0 to log2 min(Ka, Kb); with the correction it may be slightly below 0.
    """
    joint = integers("table", table, 2)
    first, second, both = (entropy(c, miller_madow) for c in (joint.sum(axis=1), joint.sum(axis=0), joint))
    return first + second - both


def action_information(
    first: Sequence[Any],
    second: Sequence[Any],
    lag: int = 0,
    num_actions: int | tuple[int, int] | None = None,
    shifts: int = 200,
    seed: int = 0,
) -> Coupling:
    """Return the mutual information between `first` at t and `second` at t + lag [bits], with its null and p-value.

    The null shifts the second sequence of every episode in a circle, each by a number of its own: that keeps how each
    sequence depends on its own past, which a free shuffle would destroy (and then find coupling everywhere).

    Range: plug-in 0 to log2 of the smaller number of actions; Miller-Madow and the excess may be slightly below 0. NaN,
    and the reason, with fewer than 5 samples a pair of actions.

    Args:
        first: one sequence of integers [T] an episode.
        second: the same lengths.
        lag: steps by which the second comes later.
        num_actions: sizes Ka, Kb; None: the actions that occur.
        shifts: number of shifted samples.
        seed: of the shifts; the same seed gives the same null.

    Raises:
        ParameterError: lengths that differ, an action outside the sizes, a number out of range.

    Source: plug-in and bias: Miller (1955), Panzeri et al. (2007); lagged: Jaques et al. (2019).
    """
    check_int("lag", lag, 0)
    check_int("shifts", shifts, 1)
    pairs, sizes = _numbered(_paired(first, second, lag), num_actions)
    n = sum(len(a) for a, _ in pairs)
    if n < SAMPLES_PER_CELL * sizes[0] * sizes[1]:
        nan = float("nan")
        reason = f"{n} samples are fewer than {SAMPLES_PER_CELL} for each of {sizes[0]} x {sizes[1]} pairs of actions"
        return Coupling(nan, nan, nan, nan, nan, nan, n, reason)
    return _coupling(pairs, sizes, shifts, seed)


def team_information(episodes: Sequence[Any], lag: int = 0, **options: Any) -> list[list[Coupling | None]]:
    """Return `action_information` of every ordered pair of agents, from actions [T, A] an episode; None of oneself.

    Unit, range and source: see there.
    """
    played = [integers(f"episodes[{k}]", episode, 2) for k, episode in enumerate(episodes)]
    agents = range(played[0].shape[1]) if played else range(0)
    return [
        [
            None if i == j else action_information([p[:, i] for p in played], [p[:, j] for p in played], lag, **options)
            for j in agents
        ]
        for i in agents
    ]


def combined_p_value(p_values: Sequence[float]) -> float:
    """Return one p-value of several that depend on each other, such as those of the pairs of a team, by Cauchy's sum.

    T = mean of tan(pi (1/2 - p)) has tails like Cauchy's whatever the dependence, so small results are about right. A p
    of 1, whose tangent would outweigh all others, counts as 1 - 1/K among K.

    Unit: 1. Range: above 0, at most 1.

    Raises:
        ParameterError: no p-value, or one outside 0 to 1.

    Source: Liu, Xie (2020), Cauchy combination test.
    """
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1 or not p.size or not ((p > 0) & (p <= 1)).all():
        raise ParameterError(f"p_values must be at least one number above 0 and at most 1, not {p_values!r}")
    if p.size == 1:
        return float(p[0])
    mean = np.tan(np.pi * (0.5 - np.where(p == 1, 1 - 1 / p.size, p))).mean()
    return float(0.5 - np.arctan(mean) / np.pi)


def conditional_information(first: Any, second: Any, given: Any) -> float:
    """Return I(a; b | z) = sum_z p(z) I(a; b | z) of integers [N] each, by Miller and Madow [bits].

    Bins z of what agents saw take out the context they share; choose few, since each needs samples of its own.

    Range: 0 to log2 min(Ka, Kb), slightly below 0 by the correction; NaN without samples.
    """
    a, b, z = (integers(name, x, 1) for name, x in (("first", first), ("second", second), ("given", given)))
    if not a.shape == b.shape == z.shape:
        raise ParameterError(f"first, second and given must have the same length, not {a.size}, {b.size}, {z.size}")
    if not a.size:
        return float("nan")
    sizes = (int(a.max()) + 1, int(b.max()) + 1)
    parts = [(np.mean(z == one), _table(a[z == one], b[z == one], sizes)) for one in np.unique(z)]
    return float(sum(share * information_of(table, miller_madow=True) for share, table in parts))


def _paired(first: Sequence[Any], second: Sequence[Any], lag: int) -> list[Pair]:
    """Return the pairs (a at t, b at t + lag) of each episode."""
    if len(first) != len(second):
        raise ParameterError(f"first has {len(first)} episodes, second {len(second)}")
    pairs = []
    for k, (one, other) in enumerate(zip(first, second, strict=True)):
        a, b = integers(f"first[{k}]", one, 1), integers(f"second[{k}]", other, 1)
        if len(a) != len(b):
            raise ParameterError(f"first[{k}] has {len(a)} steps, second[{k}] {len(b)}")
        pairs.append((a[: max(0, len(a) - lag)], b[lag:]))
    return pairs


def _numbered(pairs: list[Pair], given: int | tuple[int, int] | None) -> tuple[list[Pair], tuple[int, int]]:
    """Return the pairs and the sizes; where none are given, actions are numbered anew, those that occur."""
    if given is not None:
        sizes = (given, given) if isinstance(given, int) else given
        for i, name in enumerate(("first", "second")):
            most = max((int(pair[i].max()) for pair in pairs if len(pair[i])), default=-1)
            if most >= sizes[i]:
                raise ParameterError(f"{name} holds action {most}; with num_actions {sizes[i]} it must be less")
        return pairs, sizes
    names = [np.unique(np.concatenate([pair[i] for pair in pairs] or [np.zeros(0, np.int64)])) for i in (0, 1)]
    anew = [(np.searchsorted(names[0], a), np.searchsorted(names[1], b)) for a, b in pairs]
    return anew, (max(1, len(names[0])), max(1, len(names[1])))


def _table(a: Ints, b: Ints, sizes: tuple[int, int]) -> Ints:
    return np.bincount(a * sizes[1] + b, minlength=sizes[0] * sizes[1]).reshape(sizes)


def _coupling(pairs: list[Pair], sizes: tuple[int, int], shifts: int, seed: int) -> Coupling:
    a = np.concatenate([pair[0] for pair in pairs])
    table = _table(a, np.concatenate([pair[1] for pair in pairs]), sizes)
    plug_in, corrected = information_of(table), information_of(table, miller_madow=True)
    null = _null(a, [pair[1] for pair in pairs], sizes, shifts, seed)
    p_value = (1 + int((null >= plug_in - 1e-12).sum())) / (1 + shifts)
    least = min(entropy(table.sum(axis=1)), entropy(table.sum(axis=0)))
    normalised = max(0.0, corrected) / least if least > 0 else float("nan")
    reason = "" if least > 0 else "an agent always does the same"
    null_mean = float(null.mean())
    return Coupling(plug_in, corrected, null_mean, plug_in - null_mean, p_value, normalised, len(a), reason)


def _null(a: Ints, second: list[Ints], sizes: tuple[int, int], shifts: int, seed: int) -> Floats:
    """Return the plug-in information of `shifts` samples in which every episode is turned by 1 to T - 1 steps."""
    rng = np.random.default_rng(seed)
    found = np.empty(shifts)
    for s in range(shifts):
        turned = [np.roll(b, int(rng.integers(1, len(b)))) if len(b) > 1 else b for b in second]
        found[s] = information_of(_table(a, np.concatenate(turned), sizes))
    return found
