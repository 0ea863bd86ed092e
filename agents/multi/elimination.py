"""Variable elimination: the best joint action of a coordination graph, exactly.

Agents are eliminated one by one: for every choice of its neighbours an agent's best action is noted, and what that
brings becomes a payoff of the neighbours. The order (fewest neighbours first) is found once; time and memory grow with
N ** (most neighbours at an elimination).
Guestrin, Koller and Parr, "Multiagent planning with factored MDPs", NIPS 2001.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.multi.edges import gather, ragged
from marl_envs.core.jit import jit
from marl_envs.core.params import ParameterError
from marl_envs.core.random import draw_below

MOST_CELLS = 1 << 22  # of all payoffs that eliminations leave behind


class Plan(NamedTuple):
    """In which order agents are eliminated, and what takes part; lists of step k lie from x_at[k] to x_at[k + 1]."""

    order: NDArray[np.int64]  # [A]
    scope_at: NDArray[np.int64]
    scope: NDArray[np.int64]  # agents whose choice the step's agent answers
    edge_at: NDArray[np.int64]
    edge: NDArray[np.int64]  # edges that the step uses up
    used_at: NDArray[np.int64]
    used: NDArray[np.int64]  # earlier steps whose payoffs it uses up
    cell_at: NDArray[np.int64]  # where the step's payoffs lie


def make_plan(edges: NDArray[np.int64], num_agents: int, num_actions: int) -> Plan:
    """Return the plan for a graph; raise ParameterError if it is too dense for this number of actions."""
    neighbours = [{int(x + y - a) for x, y in edges.tolist() if a in (x, y)} for a in range(num_agents)]
    left, order = set(range(num_agents)), []
    scopes: list[list[int]] = []
    while left:
        agent = min(left, key=lambda a: (len(neighbours[a]), a))
        scope = sorted(neighbours[agent])
        for other in scope:  # all that answer to this agent's elimination now depend on each other
            neighbours[other] = (neighbours[other] | set(scope)) - {agent, other}
        left.remove(agent)
        order.append(agent)
        scopes.append(scope)
    cells = [0, *np.cumsum([num_actions ** len(scope) for scope in scopes], dtype=object).tolist()]
    if cells[-1] > MOST_CELLS:
        raise ParameterError(
            f"eliminating the agents of this graph needs {cells[-1]} numbers, more than {MOST_CELLS}: "
            'use fewer edges, or method="max_plus"'
        )
    place = {agent: k for k, agent in enumerate(order)}
    first = [min(place[x], place[y]) for x, y in edges.tolist()]
    uses = [min((place[a] for a in scope), default=-1) for scope in scopes]
    return Plan(
        np.array(order, np.int64),
        *ragged(scopes),
        *ragged([[g for g in range(len(edges)) if first[g] == k] for k in range(num_agents)]),
        *ragged([[m for m in range(k) if uses[m] == k] for k in range(num_agents)]),
        cell_at=np.array(cells, np.int64),
    )


@jit(inline=True)
def _cell(plan: Any, k: Any, choices: Any, joint: Any) -> Any:
    """Return where the payoff of step `k` for the scope's actions in `joint` lies."""
    index = np.int64(0)
    for i in range(plan.scope_at[k], plan.scope_at[k + 1]):
        index = index * choices + joint[plan.scope[i]]
    return plan.cell_at[k] + index


@jit(inline=True)
def _worth(payoffs: Any, edges: Any, plan: Any, k: Any, gains: Any, joint: Any) -> Any:
    """Return what step `k` adds up for the actions in `joint`: its edges and what earlier steps left behind."""
    total = 0.0
    for i in range(plan.edge_at[k], plan.edge_at[k + 1]):
        g = plan.edge[i]
        total += payoffs[g, joint[edges[g, 0]], joint[edges[g, 1]]]
    for i in range(plan.used_at[k], plan.used_at[k + 1]):
        total += gains[_cell(plan, plan.used[i], payoffs.shape[1], joint)]
    return total


@jit(inner=True)
def eliminate(
    payoffs: Any, edges: Any, plan: Any, gains: Any, answers: Any, mask: Any, e: Any, rng: Any, joint: Any
) -> Any:
    """Write the best joint action [A] for payoffs [G, N, N] of the edges [G, 2], one at random among an agent's equals.

    gains float64 and answers int64 [plan.cell_at[-1]] are scratch; mask int8 [E, A, N]. Return what it is worth.
    """
    choices, value = payoffs.shape[1], 0.0
    for k in range(plan.order.shape[0]):
        agent, width = plan.order[k], plan.scope_at[k + 1] - plan.scope_at[k]
        for cell in range(plan.cell_at[k + 1] - plan.cell_at[k]):
            rest = np.int64(cell)
            for i in range(plan.scope_at[k + 1] - 1, plan.scope_at[k] - 1, -1):
                joint[plan.scope[i]] = rest % choices
                rest //= choices
            best, ties, answer = -np.inf, 0, np.int64(0)
            for b in range(choices):
                if mask[e, agent, b] == 0:
                    continue
                joint[agent] = b
                worth = _worth(payoffs, edges, plan, k, gains, joint)
                ties = ties + 1 if worth == best else 1 if worth > best else ties
                if worth > best or (worth == best and draw_below(rng, e, ties) == 0):
                    best, answer = worth, np.int64(b)
            gains[plan.cell_at[k] + cell] = best
            answers[plan.cell_at[k] + cell] = answer
        if width == 0:
            value += gains[plan.cell_at[k]]
    for k in range(plan.order.shape[0] - 1, -1, -1):
        joint[plan.order[k]] = answers[_cell(plan, k, choices, joint)]
    return value


@jit
def eliminate_all(
    q: Any,
    owner: Any,
    states: Any,
    mask: Any,
    rng: Any,
    edges: Any,
    plan: Any,
    payoffs: Any,
    gains: Any,
    answers: Any,
    values: Any,
    joints: Any,
) -> None:
    """Write the best joint actions [E, A] of all environments and what they are worth, [E]."""
    for e in range(joints.shape[0]):
        gather(q, owner[e, 0], states, e, payoffs)
        values[e] = eliminate(payoffs, edges, plan, gains, answers, mask, e, rng, joints[e])


class Elimination:
    """Variable elimination for one graph, with its scratch memory."""

    def __init__(self, edges: NDArray[np.int64], num_agents: int, num_actions: int) -> None:
        """Plan for the graph; raise ParameterError if it is too dense."""
        self.edges, self._plan = edges, make_plan(edges, num_agents, num_actions)
        cells = int(self._plan.cell_at[-1])
        self._scratch = (np.zeros((len(edges), num_actions, num_actions)), np.zeros(cells), np.zeros(cells, np.int64))

    def solve(
        self, q: NDArray[np.float32], owner: Any, states: Any, mask: Any, rng: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what the best joint actions are worth, [E], and the actions, [E, A].

        q float32 [runs * G, S', N * N]; owner int32 [E, ...] has the run in its first column; states int64 [E, G];
        mask int8 [E, A, N]; rng uint64 [E] breaks ties.
        """
        values, joints = np.zeros(len(mask)), np.zeros(mask.shape[:2], np.int64)
        eliminate_all(q, owner, states, mask, rng, self.edges, self._plan, *self._scratch, values, joints)
        return values, joints
