"""Q-learning on sums of tables: for observations of several integers, of which a single table would be too large.

Q(s, b) = w_1[s_1, b] + ... + w_K[s_K, b], and each of the K weights moves by alpha / K times the error: semi-gradient
Q-learning with tile coding (Sutton and Barto, Reinforcement Learning, 2nd edition, 2018, 9.5.4 and 10.1).
Everything else (arguments, exploration, masks, checkpoints) is that of agents.tabular.qlearning.
"""

from __future__ import annotations

from agents.linear.tiles import Tiles
from agents.tabular.qlearning import IndependentQLearning, SharedRewardQLearning


class IndependentLinearQLearning(IndependentQLearning):
    """Each agent learns from its own reward; needs MultiDiscrete observations, such as `observation="tiles"`."""

    reads = Tiles


class SharedRewardLinearQLearning(SharedRewardQLearning):
    """All agents learn from the team's reward; needs MultiDiscrete observations, and `reward="team"`."""

    reads = Tiles
