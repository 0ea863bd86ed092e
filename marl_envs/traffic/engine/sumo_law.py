"""SUMO's version of Krauss's law, and how its drivers judge times and gaps. Pure functions of numbers.

Rules: S. Krauss, "Microscopic modeling of traffic flow" (1998), with the changes that SUMO documents (Car-Following
Models, Krauss; Simulation/Intersections) and as its version 1.28 computes them: positions advance by the new speed
(Euler), so braking goes by whole steps. Our own wording of them; SUMO itself is under the EPL.
"""

from __future__ import annotations

import math

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.core.random import draw_unit

SLACK = 0.001  # what gaps are taken to be smaller by [m]
NEAR = 0.1  # how far before a line one stops where nothing asks for more [m]
RED_ROOM = 1.0  # the same before a red light, or where one has the right of way [m]
VISIBLE = 4.5  # from here on drivers see whether anyone has the right of way [m]
LOOK_AHEAD = 1.0  # gap before a vehicle that has the right of way (jmTimegapMinor) [s]
PATIENCE = 180.0  # after waiting for so long one counts on others to brake (time-to-impatience) [s]
EMERGENCY = 9.0  # the hardest braking of all [m/s2]
SLOW = 0.1  # who is slower stands [m/s]
HOPELESS = 30.0  # how much later one comes who can stop, in the eyes of the impatient [s]
SPREAD = (0.2, 2.0)  # bounds of a driver's factor
SURE = 0.01  # by how much more than needed a gap must be to be taken for wide without computing a speed [m]


@jit(inline=True)
def brake_gap(speed: Real, brake: Real, dt: Real) -> Real:
    """Return how far one gets from `speed` [m/s], braking by `brake` [m/s2] in each step."""
    loss = brake * dt
    if speed < loss:
        return 0.0
    steps = math.floor(speed / loss)
    return dt * (steps * speed - loss * steps * (steps + 1) / 2)


@jit(inline=True)
def brake_gap_over(room: Real, speed: Real, brake: Real, dt: Real) -> Real:
    """Return `brake_gap` [m]; 0 without computing it where it is surely less than `room` [m]."""
    return 0.0 if 2.0 * brake * (room - SURE) >= speed * speed else brake_gap(speed, brake, dt)


@jit(inner=True)
def stop_speed(gap: Real, brake: Real, tau: Real, dt: Real) -> Real:
    """Return the highest next speed [m/s] from which one stops within `gap` [m], at first keeping it for `tau` [s].

    With n whole steps of braking behind it, the way is n (n - 1) / 2 brake dt^2 + n brake dt tau; what is left of the
    gap is spread over n steps and tau.
    """
    gap -= SLACK
    loss = brake * dt
    if gap <= 0.0:
        return 0.0
    if gap <= loss:
        return min(loss, gap / dt)
    n = math.floor(0.5 - (tau - 0.5 * math.sqrt(dt * dt + 4.0 * (dt * (2.0 * gap / loss - tau) + tau * tau))) / dt)
    way = 0.5 * n * (n - 1) * loss * dt + n * loss * tau
    return n * loss + (gap - way) / (n * dt + tau)


@jit(inline=True)
def gap_speed(gap: Real, lead: Real, lead_brake: Real, brake: Real, tau: Real, dt: Real) -> Real:
    """Return the highest next speed [m/s] at `gap` [m] behind a leader that may brake; the gap is without room."""
    return stop_speed(gap + brake_gap(lead, max(brake, lead_brake), dt), brake, tau, dt)


@jit(inline=True)
def is_wide(gap: Real, speed: Real, lead: Real, lead_brake: Real, brake: Real, tau: Real, dt: Real) -> Bool:
    """Return True only where `gap_speed` is `speed` [m/s] or more: a quick look, without its root and divisions.

    In whole steps one gets at most v^2 / (2 brake) far, and at least v dt / 2 less than that. Most gaps are wide.
    """
    way = 2.0 * brake * (gap - SURE - speed * max(tau, dt) - 0.5 * lead * dt)
    ahead = lead * lead if lead_brake <= brake else 0.0
    return gap > brake * dt + SURE and way + ahead >= speed * speed


@jit(inline=True)
def at_most_behind(bound: Real, gap: Real, lead: Real, lead_brake: Real, brake: Real, tau: Real, dt: Real) -> Real:
    """Return `gap_speed`, or `bound` if that is less [m/s]."""
    if bound <= 0.0 or is_wide(gap, bound, lead, lead_brake, brake, tau, dt):
        return bound
    return min(bound, gap_speed(gap, lead, lead_brake, brake, tau, dt))


@jit(inline=True)
def at_most_to(bound: Real, gap: Real, brake: Real, dt: Real) -> Real:
    """Return `stop_speed` for a stop within `gap` [m], or `bound` if that is less [m/s]."""
    if bound <= 0.0 or is_wide(gap, bound, 0.0, brake, brake, dt, dt):
        return bound
    return min(bound, stop_speed(gap, brake, dt, dt))


@jit(inner=True)
def slowing_speed(room: Real, target: Real, brake: Real, dt: Real) -> Real:
    """Return the highest next speed [m/s] from which one is down to `target` [m/s] after `room` [m]."""
    way = target * dt
    if room < way:
        return target
    b = brake * dt * dt
    y = max(0.0, ((math.sqrt((b + 2.0 * way) * (b + 2.0 * way) + 8.0 * b * room) - b) * 0.5 - way) / b)
    full = math.floor(y)
    exact = (full * full + full) * 0.5 * b + full * way + (way if y > full else 0.0)
    return max(0.0, room - exact) / (full + 1.0) / dt + full * brake * dt + target


@jit(inline=True)
def at_most_slowing(bound: Real, room: Real, target: Real, brake: Real, dt: Real) -> Real:
    """Return `slowing_speed`, or `bound` if that is less [m/s]; the former is never below its target."""
    way = 2.0 * brake * (room - SURE - (bound + target) * dt)
    if bound <= target or way >= bound * bound - target * target:
        return bound
    return min(bound, slowing_speed(room, target, brake, dt))


@jit(inline=True)
def speed_after(room: Real, speed: Real, pull: Real) -> Real:
    """Return the speed [m/s] after `room` [m] of acceleration `pull` [m/s2]."""
    return math.sqrt(2.0 * max(room, 0.0) * pull + speed * speed)


@jit(inline=True)
def dawdled(speed: Real, pull: Real, sigma: Real, dt: Real, drawn: Real) -> Real:
    """Return `speed` [m/s] less what a driver falls short of it, by `drawn` from 0 to 1; starting is less affected."""
    return max(0.0, speed - sigma * min(speed, pull) * dt * drawn)


@jit(inline=True)
def arrival_after(room: Real, speed: Real, arrival: Real, pull: Real, brake: Real) -> Real:
    """Return how long `room` [m] takes at least for one that drives `speed` and will drive `arrival` there [m/s]."""
    rate = pull if arrival >= speed else -brake
    time = (arrival - speed) / rate
    rest = max(0.0, room - time * (arrival + speed) * 0.5)
    return time + rest / max(max(speed, arrival), SLOW)


@jit(inline=True)
def passing_time(length: Real, arrival: Real, leave: Real) -> Real:
    """Return how long one takes over `length` [m], between the speeds at its ends [m/s]."""
    return length / max(0.5 * (arrival + leave), SLACK)


@jit(inline=True)
def arrival_braking(room: Real, speed: Real, arrival: Real, brake: Real, tau: Real, dt: Real) -> Real:
    """Return the speed [m/s] `room` [m] ahead of one that brakes from now on; 0: it stops before."""
    if room >= brake_gap(speed, brake, dt):
        return 0.0
    if room < speed * dt:
        return arrival
    square = speed * speed - 2.0 * (room - speed * tau) * brake
    return min(arrival, math.sqrt(square) if square >= 0.0 else brake)


@jit(inline=True)
def is_too_slow(front: Real, front_brake: Real, back: Real, back_brake: Real) -> Bool:
    """Return whether one that comes onto a lane could run into the one before it there, if that brakes."""
    return front * front / front_brake <= back * back / back_brake


@jit(inner=True)
def foe_if_braking(mine: Real, theirs: Real, room: Real, brake: Real, dt: Real) -> tuple[Real, Real]:
    """Return when a foe comes, and how fast [m/s], if it brakes by `brake` [m/s2] for one that is there first.

    Args:
        mine: when the other is there [s].
        theirs: when the foe would be [s].
        room: the foe's way to its line [m].
        brake: what it is expected to brake [m/s2].
        dt: the time step [s].
    """
    if math.floor(mine / dt) == math.floor(theirs / dt):  # in the same step
        return theirs, np.inf
    lag = theirs - mine
    speed = room / (theirs + dt)
    if 0.5 * speed * speed / brake <= room - speed * mine:
        return theirs + HOPELESS, 0.0
    left = speed - lag * brake
    root = 4.0 * left * left - 4.0 * brake * lag * lag * brake
    if root < 0.0:
        return theirs + HOPELESS, 0.0
    late = (left - 0.5 * math.sqrt(root)) / brake
    return theirs + late, speed - (lag + late) * brake


@jit(inner=True)
def is_blocked(
    mine: tuple[Real, Real, Real, Real],
    foe: tuple[Real, Real, Real, Real, Real, Real],
    brakes: tuple[Real, Real],
    merges: Bool,
    impatience: Real,
    dt: Real,
) -> Bool:
    """Return whether one must wait for a foe that has the right of way.

    It goes after the foe has left, or so early that it has left LOOK_AHEAD before the foe comes; onto the same lane,
    only if neither would have to brake for the other.

    Args:
        mine: when one would come to the line and have left [s], and the speeds there [m/s].
        foe: the same of the foe, then its speed if it brakes now [m/s] and its way to its line [m].
        brakes: how hard one can brake, and the foe [m/s2].
        merges: whether both come onto one lane.
        impatience: 0: counts on foes to drive on; 1: to brake as hard as they can.
        dt: the time step [s].
    """
    comes, leaves, comes_at, leaves_at = mine
    theirs, gone, _, gone_at, braking, room = foe
    if impatience > 0.0 and comes < theirs:
        later, slower = foe_if_braking(comes, theirs, room, brakes[1] * impatience, dt)
        theirs = (1.0 - impatience) * theirs + impatience * later
        braking = min(braking, slower)
    if gone < comes:
        return merges and (comes - gone < LOOK_AHEAD or is_too_slow(gone_at, brakes[1], comes_at, brakes[0]))
    if theirs > leaves + LOOK_AHEAD:
        return merges and is_too_slow(leaves_at, brakes[0], braking, brakes[1])
    return True


@jit(inner=True)
def draw_factor(rng: object, e: Int, spread: Real) -> Real:
    """Return by which factor a driver wishes to be faster than allowed: normal around 1, within SPREAD."""
    if spread <= 0.0:
        return 1.0
    while True:  # Box and Muller
        radius = math.sqrt(-2.0 * math.log(1.0 - draw_unit(rng, e)))
        factor = 1.0 + spread * radius * math.cos(2.0 * math.pi * draw_unit(rng, e))
        if SPREAD[0] <= factor <= SPREAD[1]:
            return factor
