"""Pictures drawn a second, by CPU time: one case a family and size, from frames of episodes at random."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.errors import InputError
from benchmarks.speed.measure import Block, Case, measure, prepare

SIZE, FINE = (640, 480), (1280, 960)
FRAMES = 50  # that take turns
SHOWN = (  # registered ids, one or two a family
    "warehouse-tiny-2ag-v0",
    "warehouse-large-8ag-v0",
    "warehouse-tiny-4ag-battery-v0",
    "errands-8ag-v0",
    "errands-kiva-60ag-v0",
    "signals-cross-tabular-v0",
    "signals-2x2-v0",
    "intersection-cross-8-flow-v0",
    "intersection-grid-2x2-16-v0",
    "traffic-cross-both-v0",
    "vacuum-2ag-v0",
    "climbing-v0",
    "cliff-v0",
)
CROWD = 5000  # robots


def pictures(name: str, size: tuple[int, int]) -> Block:
    """Return a block that draws FRAMES frames of a registered environment."""
    import marl_envs

    env = marl_envs.make(f"marl_envs/{name}")
    return _block(env, size, FRAMES)


def crowd(size: tuple[int, int]) -> Block:
    """Return a block that draws CROWD robots on an open floor of 100 x 100 cells."""
    from marl_envs import errands_v0

    env = errands_v0.parallel_env(floor="\n".join(["." * 100] * 100), num_robots=CROWD, goals="anywhere")
    return _block(env, size, 5)


def _block(env: Any, size: tuple[int, int], count: int) -> Block:
    from marl_envs.render import Painter

    frames = frames_of(env, count)
    painter = Painter(env.vec.simulation.family.scene, env.params, size=size)

    def block() -> int:
        for frame in frames:
            painter.picture(frame)
        return len(frames)

    return block


def frames_of(env: Any, count: int) -> list[dict[str, NDArray[Any]]]:
    """Return frames of episodes that are played at random."""
    from marl_envs.render.viewer.policies import RandomPolicy

    policy, found = RandomPolicy(), []
    env.reset(seed=0)
    for _ in range(count):
        if not env.agents:
            env.reset()
        found.append({name: np.array(values) for name, values in env.frame().items()})
        env.step(dict(zip(env.possible_agents, policy.act(env.vec, None)[0].tolist(), strict=True)))
    env.close()
    return found


def cases() -> list[Case]:
    """Return the cases."""
    usual = [Case(name, partial(pictures, name, SIZE), _text(SIZE)) for name in SHOWN]
    fine = [Case(name, partial(pictures, name, FINE), _text(FINE)) for name in SHOWN]
    many = Case(f"{CROWD:,} robots", partial(crowd, SIZE), _text(SIZE))
    return [*usual, many, *fine]


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def run_render(seconds: float, repeats: int, console: Console) -> None:
    """Measure, and print a table of pictures per CPU-second; raise InputError without pygame."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    try:
        from marl_envs.render.pygame_loader import load_pygame

        load_pygame()
    except ImportError as error:
        raise InputError(str(error)) from error
    chosen = cases()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("drawing", total=len(chosen) * repeats)
        measure(chosen, prepare(chosen), seconds, repeats, lambda: progress.advance(task))
    table = Table(title="Pictures per CPU-second, one core")
    for column in ("environment", "pixels", "median", "best", "spread"):
        table.add_column(column, justify="left" if column in ("environment", "pixels") else "right")
    for case in chosen:
        table.add_row(case.name, case.group, f"{case.median:,.0f}", f"{case.best:,.0f}", f"{100 * case.spread:.0f} %")
    console.print(table)
