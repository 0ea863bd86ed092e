"""Playing whole episodes in SUMO with a policy."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError, check_int
from marl_envs.core.policy import Policy
from marl_envs.traffic.signals.metrics import METRICS
from marl_envs.traffic.sumo.env import MOST_SEED, vector_env
from marl_envs.traffic.sumo.process import library

FILE_PROGRAM = "program"  # in the place of a policy: the signals of the network's file


@dataclass(frozen=True)
class Evaluation:
    """What was measured in N episodes."""

    metrics: dict[str, NDArray[np.float64]]
    """float64 [N] each; `traffic_signals_v0`'s, with their units, are in signals/metrics.py."""
    seeds: tuple[int, ...]
    """[N] SUMO's."""
    warnings: tuple[tuple[str, ...], ...]
    """[N] what SUMO warned of."""
    version: str
    """Such as "SUMO 1.28.0"."""

    def mean(self, name: str) -> float:
        """Return the mean of a metric over the episodes."""
        return float(self.metrics[name].mean())


def evaluate(
    policy: Policy | str,
    network: str | Path,
    demand: str | Path | Sequence[str | Path],
    *,
    episodes: int = 1,
    seed: int = 0,
    options: Sequence[str] = (),
    isolated: bool = True,
    **parameters: Any,
) -> Evaluation:
    """Play episodes in SUMO and return the metrics of `traffic_signals_v0`, by the same definitions.

    Observations, actions, masks, the law of the signals and the metrics are computed by the same code as in our
    simulation. The time lost by a vehicle counts from its own speed: the limit times its driver's factor.

    Args:
        policy: what acts; "program": nothing does, and signals run the programs of the network's file.
        network: as in `traffic_signals_v0`: "rilsa" or a `.net.xml`.
        demand: as there: route files, or arrivals by name.
        episodes: how many.
        seed: SUMO's, and that of the policy's random choices, in the first episode; one more in each that follows.
        options: SUMO's own options, after ours.
        isolated: play each episode in a new process (some seconds each), to which the policy is pickled: in a process
            that has run SUMO before, libsumo's results may differ a little from those of a new one. Scripts call this
            below `if __name__ == "__main__":` then.
        **parameters: the others of `traffic_signals_v0`.

    Raises:
        ImportError: SUMO is not installed.
        RuntimeError: SUMO runs already in this process, and `isolated` is False; or SUMO cannot go on.
        ParameterError: a bad argument.
    """
    check_int("episodes", episodes, 1)
    check_int("seed", seed, 0, MOST_SEED - episodes + 1)
    if policy != FILE_PROGRAM if isinstance(policy, str) else not hasattr(policy, "act"):
        raise ParameterError(f'policy must be a policy or "{FILE_PROGRAM}", not {policy!r}')
    if not isinstance(demand, (str, Path, Sequence)):
        raise ParameterError(f"demand must be a name or a path, or several of them, not {demand!r}")
    demands = (demand,) if isinstance(demand, (str, Path)) else tuple(demand)
    library()
    given = {"network": str(network), "demand": tuple(map(str, demands)), "options": tuple(options), **parameters}
    jobs = [(policy, seed + k, given) for k in range(episodes)]
    if isolated:
        with _known_start(), multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            played = pool.starmap(_play, jobs, chunksize=1)
    else:
        played = [_play(*job) for job in jobs]
    return Evaluation(
        metrics={name: np.array([metrics[name] for metrics, _ in played]) for name in METRICS},
        seeds=tuple(range(seed, seed + episodes)),
        warnings=tuple(warnings for _, warnings in played),
        version=str(library().getVersion()[1]),
    )


@contextmanager
def _known_start() -> Iterator[None]:
    """Name a start method that new processes know.

    They are told the default one of this process, whatever starts them. Joblib's workers have one of their own, with
    which the new processes fail, and a pool would make others for ever.
    """
    before = multiprocessing.get_start_method(allow_none=True)
    if before in (None, *multiprocessing.get_all_start_methods()):
        yield
        return
    multiprocessing.set_start_method("spawn", force=True)
    try:
        yield
    finally:
        multiprocessing.set_start_method(before, force=True)


def _play(policy: Policy | str, seed: int, arguments: dict[str, Any]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return metrics and warnings of one episode."""
    vec = vector_env(program=isinstance(policy, str), **arguments)
    try:
        idle = np.zeros((1, vec.num_agents), np.int64)
        if not isinstance(policy, str):
            policy.reset(seed)
        obs, _ = vec.reset(seed=seed)
        for _ in range(vec.max_cycles):
            obs, *_ = vec.step(idle if isinstance(policy, str) else policy.act(vec, obs))
        metrics = {name: float(value[0]) for name, value in vec.metrics().items()}
    finally:
        vec.close()
    return metrics, vec.warnings
