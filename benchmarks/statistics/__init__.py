"""Statistics on one number a run: estimates with intervals, profiles, comparisons; seeded, so deterministic.

The unit of inference is the run (a seed). Formulas of pooled scores follow Agarwal et al., "Deep reinforcement learning
at the edge of the statistical precipice" (NeurIPS 2021). Undefined values (NaN) are left out everywhere.
"""

from benchmarks.statistics.comparison import (
    Comparison,
    compare_pairs,
    paired_improvement,
    probability_of_improvement,
    sign_flip_p_value,
    wilson,
)
from benchmarks.statistics.estimates import (
    FEW_SEEDS,
    NOTHING,
    Estimate,
    caution,
    iqm,
    median,
    optimality_gap,
    stratified_bootstrap,
    t_interval,
)
from benchmarks.statistics.profiles import Profile, performance_profile

__all__ = [
    "FEW_SEEDS",
    "NOTHING",
    "Comparison",
    "Estimate",
    "Profile",
    "caution",
    "compare_pairs",
    "iqm",
    "median",
    "optimality_gap",
    "paired_improvement",
    "performance_profile",
    "probability_of_improvement",
    "sign_flip_p_value",
    "stratified_bootstrap",
    "t_interval",
    "wilson",
]
