"""Max-plus: a good joint action of a coordination graph by messages between neighbours; the best one on trees.

Agent i tells neighbour j what j's actions are worth to its part of the graph:
m_ij(b_j) = max over b_i of q_ij(b_i, b_j) + sum of m_ki(b_i) over the other neighbours k, less its mean. Agents send in
order from the leaves to the roots of a spanning forest and back, so that one round is exact on trees. After each round
agents choose in that order, knowing the choices made before; the best joint action of all rounds is kept ("anytime").
Kok and Vlassis, "Collaborative multiagent reinforcement learning by payoff propagation", JMLR 7, 2006.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.multi.edges import gather, ragged
from marl_envs.core.jit import jit
from marl_envs.core.random import draw_below

_SMALL = 1e-9  # messages that change by less have settled


class Links(NamedTuple):
    """Who is whose neighbour; what agent a has lies from at[a] to at[a + 1]."""

    at: NDArray[np.int64]
    end: NDArray[np.int64]  # 2 * edge + which end of it the agent is: also the number of the message that it sends
    order: NDArray[np.int64]  # agents, parents before children in a spanning forest


def make_links(edges: NDArray[np.int64], num_agents: int) -> Links:
    """Return the links of a graph."""
    ends = [
        [2 * g + side for g, pair in enumerate(edges.tolist()) for side in (0, 1) if pair[side] == a]
        for a in range(num_agents)
    ]
    order: list[int] = []
    for root in range(num_agents):
        queue = [] if root in order else [root]
        while queue:
            agent = queue.pop(0)
            order.append(agent)
            near = [int(edges[end // 2, 1 - end % 2]) for end in ends[agent]]
            queue += [b for b in dict.fromkeys(near) if b not in order and b not in queue]
    return Links(*ragged(ends), np.array(order, np.int64))


@jit(inline=True)
def _payoff(payoffs: Any, end: Any, own: Any, other: Any) -> Any:
    """Return an edge's payoff, seen from one of its ends."""
    return payoffs[end // 2, own, other] if end % 2 == 0 else payoffs[end // 2, other, own]


@jit(inner=True)
def _send(payoffs: Any, links: Any, messages: Any, fresh: Any, mask: Any, e: Any, agent: Any) -> Any:
    """Send the agent's messages [2 G, N] to all neighbours; return the largest change. fresh [N] is scratch."""
    choices, change = payoffs.shape[1], 0.0
    for i in range(links.at[agent], links.at[agent + 1]):
        end = links.end[i]
        for other in range(choices):
            fresh[other] = -np.inf
        for own in range(choices):
            if mask[e, agent, own] == 0:
                continue
            heard = 0.0
            for k in range(links.at[agent], links.at[agent + 1]):
                if k != i:
                    heard += messages[links.end[k] ^ 1, own]
            for other in range(choices):
                fresh[other] = max(fresh[other], heard + _payoff(payoffs, end, own, other))
        mean = 0.0
        for other in range(choices):
            mean += fresh[other] / choices
        for other in range(choices):
            change = max(change, abs(fresh[other] - mean - messages[end, other]))
            messages[end, other] = fresh[other] - mean
    return change


@jit(inner=True)
def _decide(payoffs: Any, edges: Any, links: Any, messages: Any, mask: Any, e: Any, rng: Any, joint: Any) -> Any:
    """Write the joint action that follows from the messages, parents first; return what it is worth."""
    for a in range(joint.shape[0]):
        joint[a] = -1
    for n in range(joint.shape[0]):
        agent = links.order[n]
        best, ties, choice = -np.inf, 0, np.int64(0)
        for own in range(payoffs.shape[1]):
            if mask[e, agent, own] == 0:
                continue
            worth = 0.0
            for k in range(links.at[agent], links.at[agent + 1]):
                end = links.end[k]
                other = joint[edges[end // 2, 1 - end % 2]]
                worth += messages[end ^ 1, own] if other < 0 else _payoff(payoffs, end, own, other)
            ties = ties + 1 if worth == best else 1 if worth > best else ties
            if worth > best or (worth == best and draw_below(rng, e, ties) == 0):
                best, choice = worth, np.int64(own)
        joint[agent] = choice
    total = 0.0
    for g in range(payoffs.shape[0]):
        total += payoffs[g, joint[edges[g, 0]], joint[edges[g, 1]]]
    return total


@jit(inner=True)
def max_plus(
    payoffs: Any,
    edges: Any,
    links: Any,
    rounds: int,
    messages: Any,
    fresh: Any,
    trial: Any,
    mask: Any,
    e: Any,
    rng: Any,
    joint: Any,
) -> Any:
    """Write the best joint action [A] found in at most `rounds` rounds for payoffs [G, N, N] of the edges [G, 2].

    messages float64 [2 G, N], fresh float64 [N] and trial int64 [A] are scratch; mask int8 [E, A, N]. Return what it is
    worth.
    """
    messages[:] = 0.0
    best, agents = -np.inf, joint.shape[0]
    for _ in range(rounds):
        change = 0.0
        for n in range(2 * agents):
            agent = links.order[agents - 1 - n] if n < agents else links.order[n - agents]
            change = max(change, _send(payoffs, links, messages, fresh, mask, e, agent))
        worth = _decide(payoffs, edges, links, messages, mask, e, rng, trial)
        if worth > best:
            best = worth
            joint[:] = trial
        if change < _SMALL:
            break
    return best


@jit
def max_plus_all(
    q: Any,
    owner: Any,
    states: Any,
    mask: Any,
    rng: Any,
    edges: Any,
    links: Any,
    rounds: int,
    payoffs: Any,
    messages: Any,
    fresh: Any,
    trial: Any,
    values: Any,
    joints: Any,
) -> None:
    """Write good joint actions [E, A] of all environments and what they are worth, [E]."""
    for e in range(joints.shape[0]):
        gather(q, owner[e, 0], states, e, payoffs)
        values[e] = max_plus(payoffs, edges, links, rounds, messages, fresh, trial, mask, e, rng, joints[e])


class MaxPlus:
    """Max-plus for one graph, with its scratch memory."""

    def __init__(self, edges: NDArray[np.int64], num_agents: int, num_actions: int, rounds: int = 20) -> None:
        """Take at most `rounds` rounds in each solution."""
        self.edges, self._links, self._rounds = edges, make_links(edges, num_agents), rounds
        messages = np.zeros((2 * len(edges), num_actions))
        trial = np.zeros(num_agents, np.int64)
        self._scratch = (np.zeros((len(edges), num_actions, num_actions)), messages, np.zeros(num_actions), trial)

    def solve(
        self, q: NDArray[np.float32], owner: Any, states: Any, mask: Any, rng: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return joint actions and what they are worth; arguments and results are as for `Elimination.solve`."""
        values, joints = np.zeros(len(mask)), np.zeros(mask.shape[:2], np.int64)
        rest = (self._links, self._rounds, *self._scratch)
        max_plus_all(q, owner, states, mask, rng, self.edges, *rest, values, joints)
        return values, joints
