"""How much what one agent does changes what another does next: exact one-step counterfactuals in the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_int
from marl_envs.core.snapshot import Snapshot
from marl_envs.core.vector import VectorEnv
from marl_envs.metrics.checks import Floats, probabilities

Probabilities = Callable[[Any, "NDArray[np.int8] | None"], Any]


class Influence(NamedTuple):
    """Mean influence of agent k (row) on agent j (column) [bits], NaN on the diagonal, and from how many states."""

    matrix: Floats
    samples: int

    @property
    def mean(self) -> float:
        """Mean over ordered pairs of agents [bits]; NaN without samples."""
        apart = ~np.eye(len(self.matrix), dtype=bool)
        return float(self.matrix[apart].mean()) if apart.any() else float("nan")


def social_influence(vec: VectorEnv, policy: Probabilities, steps: int, seed: int = 0) -> Influence:
    """Return I(a_k at t; a_j at t+1 | state) of every ordered pair of agents, mean over the states of joint play.

    In each state the simulator is put back and stepped once for each action a~ that agent k may take, the others doing
    what they did, with the same random numbers. With p(a_j | a~) what j would do next, and k's own probabilities
    pi_k(a~), the influence is sum_a~ pi_k(a~) KL[p(. | a~) || sum_b pi_k(b) p(. | b)]: exact, not sampled, and
    finite also for greedy policies, for which it is 0, as they have no alternative. So use epsilon or softmax.

    Unit: bits. Range: 0 (whatever k does, j does the same next) to log2 of the actions.

    Args:
        vec: environments with discrete actions; reset here, its episodes go on by its own reset. States in which an
            alternative ends an episode are left out, since what is seen then belongs to the next.
        policy: (obs, mask int8 [E, A, N] or None) -> probabilities [E, A, N].
        steps: of the batch, each of which gives at most E samples.
        seed: of the environments and of the actions drawn.

    Raises:
        ParameterError: `steps` below 1, continuous actions, or no probabilities.

    Source: Jaques et al., "Social influence as intrinsic motivation" (ICML 2019), eq. 2 in expectation over a_k.
    """
    check_int("steps", steps, 1)
    if not hasattr(vec.action_space, "n"):
        raise ParameterError(f"social influence needs discrete actions, not {vec.action_space}")
    rng = np.random.default_rng(seed)
    agents = vec.num_agents
    total, samples = np.zeros((agents, agents)), 0
    obs, _ = vec.reset(seed=seed)
    for _ in range(steps):
        chances = _chances(policy, vec, obs)
        actions = draw(chances, rng)
        before = vec.get_state()
        found, kept = _one_state(vec, policy, before, chances, actions)
        total += found[kept].sum(axis=0)
        samples += int(kept.sum())
        vec.set_state(before)
        obs = vec.step(actions)[0]
    matrix = total / samples if samples else np.full_like(total, np.nan)
    np.fill_diagonal(matrix, np.nan)
    return Influence(matrix, samples)


def draw(chances: Any, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return one action for each row of probabilities [..., N], drawn from `rng`."""
    sums = np.cumsum(chances, axis=-1)
    found: NDArray[np.int64] = (rng.random(sums.shape[:-1])[..., None] * sums[..., -1:] >= sums).sum(axis=-1)
    return found


def _chances(policy: Probabilities, vec: VectorEnv, obs: Any) -> Floats:
    return probabilities("policy(obs, mask)", policy(obs, vec.action_mask), 3)


def _one_state(
    vec: VectorEnv, policy: Probabilities, before: Snapshot, chances: Floats, actions: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the influence in the present states, [E, A, A], and where no alternative ended an episode, [E]."""
    agents, choices = chances.shape[1:]
    found, kept = np.zeros((vec.num_envs, agents, agents)), np.ones(vec.num_envs, bool)
    for k in range(agents):
        after = np.zeros((choices, *chances.shape))
        for b in np.flatnonzero((chances[:, k] > 0).any(axis=0)):
            vec.set_state(before)
            changed = actions.copy()
            changed[:, k] = np.where(chances[:, k, b] > 0, b, actions[:, k])
            obs, _, _, _, info = vec.step(changed)
            kept &= ~info["ended"]
            after[b] = _chances(policy, vec, obs)
        found[:, k] = _expected_divergence(chances[:, k], after)
    return found, kept


def _expected_divergence(own: Floats, after: Floats) -> Floats:
    """Return sum_b own_b KL[after_b || sum_c own_c after_c], [E, A]; `own` is [E, N], `after` [N, E, A, N]."""
    weights = own.T[:, :, None]
    mixed = (weights[..., None] * after).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(after > 0, after * np.log2(after / mixed), 0.0)
    divergence: Floats = (weights * np.where(weights > 0, terms.sum(axis=-1), 0.0)).sum(axis=0)
    return np.maximum(divergence, 0.0)
