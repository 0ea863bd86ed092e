"""The intelligent driver model: how fast a vehicle drives next, freely or behind another. A pure function of numbers.

Source: Treiber, Hennecke and Helbing, "Congested traffic states in empirical observations and microscopic
simulations", Physical Review E 62, 1805 (2000): dv/dt = a [1 - (v / v0)^4 - (s* / s)^2], with
s* = s0 + max(0, v T + v dv / (2 sqrt(a b))).
"""

from __future__ import annotations

import math

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.following import least
from marl_envs.traffic.engine.types import Settings

LONGEST_STEP = 0.25  # longer steps are cut into equal parts [s]: the law's own reaction time must stay well above
NEAREST = 0.1  # gaps below this count as this [m]


@jit(inline=True)
def wanted_gap(own: Real, closing: Real, min_gap: Real, headway: Real, calm: Real) -> Real:
    """Return s* [m], the gap that the law wants.

    Args:
        own: the vehicle's speed [m/s].
        closing: by how much it is faster than its leader [m/s].
        min_gap: s0, bumper to bumper, standing [m].
        headway: T [s].
        calm: 2 sqrt(a b) [m/s2].
    """
    return min_gap + max(0.0, own * headway + own * closing / calm)


@jit(inner=True)
def idm_speed(
    own: Real,
    lead: Real,
    gap: Real,
    wish: Real,
    power: Real,
    comfort: Real,
    min_gap: Real,
    headway: Real,
    calm: Real,
    dt: Real,
) -> Real:
    """Return the next speed [m/s]; the leader's speed is taken as constant within the step.

    Who is faster than `wish` brakes by `comfort` at most, as the fourth power would brake far too hard.

    Args:
        own: the vehicle's speed [m/s].
        lead: the leader's speed [m/s].
        gap: to it, bumper to bumper [m]; infinite: there is none.
        wish: v0, the speed wanted [m/s].
        power: a, the highest acceleration [m/s2].
        comfort: b, the comfortable deceleration [m/s2].
        min_gap: s0 [m].
        headway: T [s].
        calm: 2 sqrt(a b) [m/s2].
        dt: the time step [s].
    """
    parts: Int = math.ceil(dt / LONGEST_STEP)
    part = dt / parts
    for _ in range(parts):
        ratio = own / wish
        ratio *= ratio
        free = max(power * (1.0 - ratio * ratio), -comfort)
        tight = wanted_gap(own, own - lead, min_gap, headway, calm) / max(gap, NEAREST)
        after = max(0.0, own + (free - power * tight * tight) * part)
        gap += (lead - (own + after) / 2) * part
        own = after
    return own


@jit(inner=True)
def idm_of(settings: Settings, k: Int, own: Real, lead: Real, gap: Real, limit: Real) -> Real:
    """Return `idm_speed` of a vehicle of kind `k` where `limit` [m/s] is allowed."""
    return idm_speed(
        own,
        lead,
        gap,
        least(settings.top_speed[k], limit),
        settings.boost[k] / settings.dt,
        settings.usual[k],
        settings.min_gap[k],
        settings.headway[k],
        settings.calm[k],
        settings.dt,
    )
