"""How fast learners learn: the update of a step of a batch, on the climbing game and on the warehouse's tabular task.

python -m benchmarks speed --only learners    one figure a learner and task: the kernel of the update alone
python -m benchmarks.speed.learners           on the game, beside the whole call of `update`, with its checks
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.speed.measure import Block, Case, measure, prepare

ENVS, SECONDS, REPEATS = 4096, 0.2, 5
GAME, WAREHOUSE = "climbing game", "warehouse, tabular"
MOST = 0.1  # CPU time of one measurement in `run_learners` [s]: an update takes milliseconds, and there are many

Make = Callable[[Any], Any]


def _learners() -> dict[str, Make]:
    """Return the learners that play both."""
    import agents
    from agents import multi

    return {
        "Q-learning": agents.IndependentQLearning,
        "SARSA": agents.Sarsa,
        "Expected SARSA": agents.ExpectedSarsa,
        "double Q": agents.DoubleQLearning,
        "n-step SARSA": agents.NStepSarsa,
        "Watkins Q(lambda)": agents.WatkinsQLambda,
        "SARSA(lambda)": agents.SarsaLambda,
        "Dyna-Q": agents.DynaQ,
        "prioritised sweeping": agents.PrioritizedSweeping,
        "distributed Q": partial(multi.DistributedQLearning, initial=-30.0),
        "hysteretic Q": multi.HystereticQLearning,
        "joint-action learner": multi.JointActionLearner,
        "lenient Q": multi.LenientQLearning,
        "PHC": multi.PHC,
        "VDN": multi.VDN,
        "WoLF-PHC": multi.WoLFPHC,
    }


def _of_games() -> dict[str, Make]:
    """Return those whose tables are too large for the warehouse, or that are for games alone."""
    from agents import multi

    return {
        "central Q": multi.CentralQLearning,
        "coordination graph": partial(multi.CoordinationGraphQLearning, edges=[(0, 1)]),
        "FMQ": multi.FMQ,
        "recursive FMQ": multi.RecursiveFMQ,
    }


def _world(name: str, num_envs: int, team: bool) -> Any:
    """Return a batch of the game or the warehouse."""
    from marl_envs import matrix_v0, warehouse_v0

    if name == GAME:
        return matrix_v0.vector_env(num_envs=num_envs, game="climbing")
    floor: dict[str, Any] = {"layout": "tiny", "num_robots": 2, "observation": "tabular", "max_cycles": 500}
    return warehouse_v0.vector_env(num_envs=num_envs, reward="team" if team else "individual", **floor)


def _learner(name: str, num_envs: int, make: Make) -> tuple[Any, Any]:
    """Return a batch and the learner for it, with the reward that it needs."""
    from marl_envs.core.params import ParameterError

    vec = _world(name, num_envs, team=False)
    try:
        return vec, make(vec)
    except ParameterError:
        vec = _world(name, num_envs, team=True)
        return vec, make(vec)


def updates(make: Make, kernel_alone: bool, num_envs: int = ENVS, world: str = GAME) -> Block:
    """Return updates of a learner by a step of random play; unit: agents' updates (joint learners do A at once).

    `kernel_alone` leaves out the checks of what the learner is given.
    """
    vec, learner = _learner(world, num_envs, make)
    obs, info = vec.reset(seed=0)
    number = int(vec.action_space.n)
    actions = np.random.default_rng(0).integers(0, number, (num_envs, vec.num_agents))
    alive = info["alive"].copy()
    after, reward, terminated, _, info = vec.step(actions)
    step = (obs.copy(), actions, reward.copy(), after.copy(), info["final_obs"], info["ended"], terminated, alive)
    masks = (info["action_mask"], info["final_action_mask"])
    kernel = _kernel(learner, step, masks)

    def block() -> int:
        if kernel_alone:
            kernel()
        else:
            learner.update(*step, *masks)
        return actions.size

    return block


def _kernel(learner: Any, step: tuple[Any, ...], masks: tuple[Any, Any]) -> Callable[[], object]:
    """Return the update of a step without its checks: single learners take arrays, those of teams a step."""
    if hasattr(learner, "step_of"):
        return partial(learner._learn, learner.step_of(*step, *masks), 0.1)
    obs, actions, reward, after, final_obs, ended, terminated, alive = step
    following = (after, masks[0], final_obs, masks[1], ended, terminated, alive)
    return partial(learner._learn, 0.1, obs, actions, reward, *following)


def cases() -> list[Case]:
    """Return the kernel's and the whole update's case of every learner, on the game."""

    def case(name: str, make: Make, alone: bool) -> Case:
        kind = "kernel" if alone else "update"
        return Case(f"{name}, {kind}", lambda: updates(make, alone), group=kind, compared=False)

    every = _learners() | _of_games()
    return [case(name, make, alone) for name, make in every.items() for alone in (True, False)]


def kernel_cases() -> list[Case]:
    """Return the kernel's case of every learner and world that it plays."""
    plays = {GAME: _learners() | _of_games(), WAREHOUSE: _learners()}
    return [
        Case(name, partial(updates, make, True, ENVS, world), group=world, compared=False)
        for world, makes in plays.items()
        for name, make in makes.items()
    ]


def kernel_table(found: Sequence[Case]) -> Table:
    """Return the table of measured kernels, a line a learner."""
    title = "Million updates per CPU-second, kernel alone"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("learner", GAME, WAREHOUSE):
        table.add_column(column, justify="left" if column == "learner" else "right")
    rates = {(case.name, case.group): f"{case.median / 1e6:.1f}" for case in found}
    for name in dict.fromkeys(case.name for case in found):
        table.add_row(name, *(rates.get((name, world), "-") for world in (GAME, WAREHOUSE)))
    return table


def run_learners(seconds: float, repeats: int, console: Console) -> None:
    """Measure every learner's kernel and print the table."""
    from benchmarks.warmup import compiling_message

    found = kernel_cases()
    with compiling_message(console):
        blocks = prepare(found)
    measure(found, blocks, min(seconds, MOST), repeats, lambda: None)
    console.print(kernel_table(found))
    console.print(f"Batches of {ENVS}, one thread; a dash: its tables would be too large there.", style="dim")


def main() -> None:
    """Print millions of updates per CPU-second."""
    argparse.ArgumentParser(prog="python -m benchmarks.speed.learners", description=__doc__).parse_args()
    found = cases()
    measure(found, prepare(found), SECONDS, REPEATS, lambda: None)
    print(f"{'million updates per CPU-second':32} {'kernel':>8} {'checked':>8}")
    for kernel, whole in zip(found[::2], found[1::2], strict=True):
        print(f"{kernel.name.rpartition(',')[0]:32} {kernel.median / 1e6:8.1f} {whole.median / 1e6:8.1f}")


if __name__ == "__main__":
    main()
