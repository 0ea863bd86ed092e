"""Coordination metrics: pure functions on arrays, episodes' records, and a simulator that can be put back.

Each says its definition, unit, range and source; docs/metrics.md has all of them in a table. What the environments
count themselves (refused moves, deadlocks, waiting, collisions, time to collision) is not counted again: `records`
turns it into rates.
"""

from marl_envs.metrics.best_response import best_response_gaps, greedy_policy, team_optimum, team_values
from marl_envs.metrics.credit import (
    Shapley,
    counterfactual_advantage,
    difference_rewards,
    factoredness,
    shapley,
)
from marl_envs.metrics.cross_play import CrossPlay, Interval, cross_play, jackknife
from marl_envs.metrics.diversity import (
    disagreement,
    diversity,
    mean_policy_change,
    policy_distances,
    total_variation,
)
from marl_envs.metrics.fairness import gini, jain, worst_to_mean
from marl_envs.metrics.games import (
    action_values,
    best_response_gap,
    common,
    equilibria,
    miscoordination,
    optimism,
    price_of_anarchy,
    shadow_gap,
)
from marl_envs.metrics.influence import Influence, draw, social_influence
from marl_envs.metrics.information import (
    Coupling,
    action_information,
    combined_p_value,
    conditional_information,
    entropy,
    information_of,
    team_information,
)
from marl_envs.metrics.labour import Labour, division_of_labour
from marl_envs.metrics.learning import Reached, area_under_curve, policy_churn, time_to_level
from marl_envs.metrics.records import (
    blocked_fraction,
    collision_rate,
    conflict_rate,
    deadlock_rate,
    deadlock_share,
    livelock_rate,
    waiting_fraction,
)
from marl_envs.metrics.robustness import FrozenAgents, LostObservations, NoisyActions, Retention, retention
from marl_envs.metrics.safety import Rate, garwood, rule_of_three, safety_rate
from marl_envs.metrics.scores import Price, normalised_score, price_of_decentralisation, regret
from marl_envs.metrics.world import World, explore, of_game

__all__ = [
    "Coupling",
    "CrossPlay",
    "FrozenAgents",
    "Influence",
    "Interval",
    "Labour",
    "LostObservations",
    "NoisyActions",
    "Price",
    "Rate",
    "Reached",
    "Retention",
    "Shapley",
    "World",
    "action_information",
    "action_values",
    "area_under_curve",
    "best_response_gap",
    "best_response_gaps",
    "blocked_fraction",
    "collision_rate",
    "combined_p_value",
    "common",
    "conditional_information",
    "conflict_rate",
    "counterfactual_advantage",
    "cross_play",
    "deadlock_rate",
    "deadlock_share",
    "difference_rewards",
    "disagreement",
    "diversity",
    "division_of_labour",
    "draw",
    "entropy",
    "equilibria",
    "explore",
    "factoredness",
    "garwood",
    "gini",
    "greedy_policy",
    "information_of",
    "jackknife",
    "jain",
    "livelock_rate",
    "mean_policy_change",
    "miscoordination",
    "normalised_score",
    "of_game",
    "optimism",
    "policy_churn",
    "policy_distances",
    "price_of_anarchy",
    "price_of_decentralisation",
    "regret",
    "retention",
    "rule_of_three",
    "safety_rate",
    "shadow_gap",
    "shapley",
    "social_influence",
    "team_information",
    "team_optimum",
    "team_values",
    "time_to_level",
    "total_variation",
    "waiting_fraction",
    "worst_to_mean",
]
