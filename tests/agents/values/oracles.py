"""The learners of value, each for one agent, written from the definitions in plain Python with float64 tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Moment(NamedTuple):
    """One step of one agent."""

    obs: int
    action: int
    reward: float
    after: int
    mask: Any  # at `after`
    terminated: bool
    ended: bool  # terminated, or cut off


def mixed(row: Any, mask: Any, epsilon: float) -> float:
    """Mean of a row of values under epsilon-greedy choice."""
    allowed = row[mask.astype(bool)]
    return float((1 - epsilon) * allowed.max() + epsilon * allowed.mean())


def expected_sarsa(q: Any, moments: list[Moment], alpha: float, gamma: float, epsilon: float) -> None:
    for m in moments:
        value = 0.0 if m.terminated else mixed(q[m.after], m.mask, epsilon)
        q[m.obs, m.action] += alpha * (m.reward + gamma * value - q[m.obs, m.action])


def episodes(moments: list[Moment]) -> list[list[Moment]]:
    found: list[list[Moment]] = [[]]
    for m in moments:
        found[-1].append(m)
        if m.ended:
            found.append([])
    return found


def n_step_sarsa(q: Any, moments: list[Moment], alpha: float, gamma: float, epsilon: float, n: int) -> None:
    """Sutton and Barto's box of 7.2: at time t the pair of time t - n + 1 is learned, once A of t + 1 is known."""
    for episode in episodes(moments):
        last, cut = len(episode), bool(episode) and not episode[-1].ended
        for tau in range(last):
            if tau + n >= last and cut:
                break  # the training stopped before the target was known
            rewards = [m.reward for m in episode[tau : tau + n]]
            target = sum(gamma**i * r for i, r in enumerate(rewards))
            if tau + n < last:
                target += gamma**n * q[episode[tau + n].obs, episode[tau + n].action]
            elif not episode[-1].terminated:
                target += gamma ** len(rewards) * mixed(q[episode[-1].after], episode[-1].mask, epsilon)
            q[episode[tau].obs, episode[tau].action] += alpha * (target - q[episode[tau].obs, episode[tau].action])


def watkins(q: Any, moments: list[Moment], alpha: float, gamma: float, lam: float, replacing: bool) -> None:
    traces, allowed = np.zeros_like(q), None
    for m in moments:
        if allowed is not None and q[m.obs, m.action] < q[m.obs][allowed.astype(bool)].max():
            traces[:] = 0
        best = 0.0 if m.terminated else q[m.after][m.mask.astype(bool)].max()
        error = m.reward + gamma * best - q[m.obs, m.action]
        traces[m.obs, m.action] = 1 if replacing else traces[m.obs, m.action] + 1
        q += alpha * error * traces
        traces *= 0 if m.ended else gamma * lam
        allowed = None if m.ended else m.mask


def sarsa_lambda(
    q: Any, moments: list[Moment], alpha: float, gamma: float, epsilon: float, lam: float, replacing: bool
) -> None:
    for episode in episodes(moments):
        traces = np.zeros_like(q)
        for i, m in enumerate(episode):
            value = 0.0
            if i + 1 < len(episode):
                value = q[episode[i + 1].obs, episode[i + 1].action]
            elif not m.ended:
                break
            elif not m.terminated:
                value = mixed(q[m.after], m.mask, epsilon)
            error = m.reward + gamma * value - q[m.obs, m.action]
            traces[m.obs, m.action] = 1 if replacing else traces[m.obs, m.action] + 1
            q += alpha * error * traces
            traces *= gamma * lam
