"""How far our simulation is from SUMO's: `python -m marl_envs.traffic.sumo.compare NETWORK DEMAND`.

Plays the file's signal programs, MaxPressure and the longest queue in both simulations, with the same seeds, and
prints the mean delays.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core import params
from marl_envs.core.params import ParameterError, check_int
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.formats.sumo_signals import program_at
from marl_envs.traffic.signals.controllers import LongestQueue, MaxPressure
from marl_envs.traffic.signals.env import build
from marl_envs.traffic.signals.networks import network_of
from marl_envs.traffic.signals.types import Params
from marl_envs.traffic.sumo.evaluate import FILE_PROGRAM, evaluate
from marl_envs.traffic.sumo.process import library
from marl_envs.traffic.sumo.scenario import scenario_of

POLICIES: dict[str, Any] = {
    "the file's program": FILE_PROGRAM,
    "MaxPressure": MaxPressure(),
    "longest queue": LongestQueue(),
}
Delays = NDArray[np.float64]  # [seeds]


def ours(policy: Any, seeds: Sequence[int], **parameters: Any) -> Delays:
    """Return the mean delay [s] of an episode of each seed in our simulation; `policy` and parameters as `evaluate`."""
    chosen = params.build(Params, parameters)
    simulation = build(chosen)
    is_program = isinstance(policy, str)
    if is_program:
        simulation = replace(simulation, settings=simulation.settings._replace(program=1))
    found = []
    for seed in seeds:
        vec = VectorEnv(simulation, autoreset=False)
        obs, _ = vec.reset(seed=seed)
        vec.arrays.demand[0] = seed % simulation.settings.sets  # as in SUMO; nobody has come yet
        if is_program:
            _set_programs(vec, chosen)
        else:
            policy.reset(seed)
        for _ in range(vec.max_cycles):
            obs, *_ = vec.step(_idle(vec) if is_program else policy.act(vec, obs))
        found.append(float(vec.metrics()["delay"][0]))
    return np.array(found)


def _idle(vec: VectorEnv) -> NDArray[np.int64]:
    """Return actions that keep every phase."""
    keep: NDArray[np.int64] = vec.arrays.pending.astype(np.int64)
    return keep if vec.params.actions == "phase" else np.zeros_like(keep)


def _set_programs(vec: VectorEnv, chosen: Params) -> None:
    """Let every junction show what its own program shows when the demand begins."""
    scenario = scenario_of(chosen)
    network, _ = network_of(chosen.network, chosen.phases)
    begin = scenario.demands[0].begin
    for j in range(len(network.junction_ids)):
        if network.num_phases(j) > 1:
            phase, left = program_at(network, j, float(scenario.town.offset[j]), begin)
            vec.arrays.phase[0, j], vec.arrays.remaining[0, j] = phase, left


def theirs(policy: Any, seeds: Sequence[int], **parameters: Any) -> tuple[Delays, str]:
    """Return the same in SUMO, and its version; seeds must follow each other."""
    result = evaluate(
        policy,
        parameters.pop("network"),
        parameters.pop("demand"),
        episodes=len(seeds),
        seed=seeds[0],
        **parameters,
    )
    return result.metrics["delay"], result.version


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help='a .net.xml, or "rilsa"')
    parser.add_argument("demand", help='a .rou.xml, or arrivals by name, such as "rilsa"')
    parser.add_argument("--seeds", type=int, default=5, help="episodes of an hour in each simulation")
    parser.add_argument("--yellow", type=float, default=3.0, help="of the controllers [s]")
    given = parser.parse_args(arguments)
    try:
        library()  # before our half is played for nothing
        _print_table(given)
    except (ImportError, ParameterError) as error:
        parser.error(str(error))


def _print_table(given: argparse.Namespace) -> None:
    seeds = range(check_int("--seeds", given.seeds, 1, 10_000))
    parameters = {"network": given.network, "demand": given.demand, "yellow": given.yellow, "demand_sets": given.seeds}
    scenario_of(params.build(Params, parameters))  # refuses what SUMO cannot play, before we do
    print(f"{'':20}{'ours':>10}{'SUMO':>10}{'ratio':>8}   ours by seed | SUMO by seed")
    for name, policy in POLICIES.items():
        mine = ours(policy, seeds, **parameters)
        other, version = theirs(policy, seeds, **parameters)
        each = " ".join(f"{value:.1f}" for value in mine) + " | " + " ".join(f"{value:.1f}" for value in other)
        print(f"{name:20}{mine.mean():10.1f}{other.mean():10.1f}{mine.mean() / other.mean():8.2f}   {each}", flush=True)
    print(f"delay [s], {version}, seeds 0 to {given.seeds - 1}, decisions every 10 s, yellow {given.yellow:g} s")


if __name__ == "__main__":
    main()
