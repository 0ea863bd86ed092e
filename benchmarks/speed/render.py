"""Pictures drawn a second, by CPU time, from frames of episodes at random.

A first pass is what a new painter needs for the first FRAMES frames of an episode, with all that is made once: the map,
the background, the images of shapes. Again are the same frames once more.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.errors import InputError
from benchmarks.speed.measure import Block, Case, measure, prepare

SIZE, FINE = (640, 480), (1280, 960)
FRAMES = 50  # of a pass
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


def pictures(name: str, size: tuple[int, int], fresh: bool) -> Block:
    """Return a block that draws FRAMES frames of a registered environment; `fresh`: as if none had been drawn."""
    import marl_envs

    env = marl_envs.make(f"marl_envs/{name}")
    return _block(env, size, FRAMES, fresh)


def crowd(size: tuple[int, int], fresh: bool) -> Block:
    """Return a block that draws CROWD robots on an open floor of 100 x 100 cells."""
    from marl_envs import errands_v0

    env = errands_v0.parallel_env(floor="\n".join(["." * 100] * 100), num_robots=CROWD, goals="anywhere")
    return _block(env, size, 5, fresh)


def _block(env: Any, size: tuple[int, int], count: int, fresh: bool) -> Block:
    """Return a block that draws frames with one painter, which keeps images, or with a new one each time."""
    from marl_envs.render import Painter

    frames = frames_of(env, count)
    make = partial(Painter, env.vec.simulation.family.scene, env.params, size=size)
    kept = make()

    def block() -> int:
        painter = make() if fresh else kept
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


class Row(NamedTuple):
    """What is measured of an environment at a size."""

    first: Case
    again: Case


def rows() -> list[Row]:
    """Return what is measured."""
    blocks = [(name, size, partial(pictures, name, size)) for size in (SIZE, FINE) for name in SHOWN]
    blocks.append((f"{CROWD:,} robots", SIZE, partial(crowd, SIZE)))
    return [
        Row(*(Case(name, partial(make, fresh), _text(size)) for fresh in (True, False))) for name, size, make in blocks
    ]


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
    measured = rows()
    chosen = [case for row in measured for case in row]
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("drawing", total=len(chosen) * repeats)
        measure(chosen, prepare(chosen), seconds, repeats, lambda: progress.advance(task))
    console.print(table_of(measured))


def table_of(measured: Sequence[Row]) -> Table:
    """Return the medians of all rows."""
    table = Table(title="Pictures per CPU-second, one core")
    for column in ("environment", "pixels", "first pass", "again", "spread"):
        table.add_column(column, justify="left" if column in ("environment", "pixels") else "right")
    for first, again in measured:
        spread = f"{100 * max(first.spread, again.spread):.0f} %"
        table.add_row(first.name, first.group, f"{first.median:,.0f}", f"{again.median:,.0f}", spread)
    return table
