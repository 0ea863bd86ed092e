"""Picture of two robots in a corridor, one with memory, for docs/learning.md (seconds; nothing is learned here).

python -m examples.gallery_memory [--out docs/images]

Both play the best that they can (`benchmarks.deep.corridor` says why it is that), written down as rules.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from examples.gallery_learning import STYLE
from marl_envs import warehouse_v0

matplotlib.use("agg")
from matplotlib import pyplot as plt

N, STEPS = 4, 110  # cells from the goal to a home
FORWARD, RIGHT, TOGGLE = 1, 3, 4
UP, DOWN = 0, 1
FLOOR = "\n".join(["x", *"." * (N - 1), "g", *"." * (N - 1), "x"])


def choose(state: Any, mask: Any, home: int | None) -> int:
    """Return the action of the only robot; `home`: the end where its shelf belongs, None if it does not remember."""
    heading, loaded, delivered = int(state.heading[0, 0]), state.load[0, 0] >= 0, bool(state.has_delivered[0, 0])
    shelf = state.shelf_at[0, state.pos[0, 0]]
    if heading not in (UP, DOWN):
        return RIGHT
    if mask[TOGGLE] and (delivered if loaded else shelf >= 0 and state.requested[0, shelf]):
        return TOGGLE
    if loaded and delivered and home is not None and heading != (UP if home == 0 else DOWN):
        return RIGHT
    return FORWARD if mask[FORWARD] else RIGHT


def walk(memory: bool) -> tuple[list[int], list[int]]:
    """Return the robot's places, -N to N, and the steps in which it delivered, from the first delivery on."""
    vec = warehouse_v0.vector_env(num_envs=1, layout=FLOOR, num_robots=1, request_queue_size=1)
    _, info = vec.reset(seed=0)
    first, last = sorted(int(cell) for cell in vec.arrays.shelf_pos[0])
    apart = (last - first) // (2 * N)
    places, deliveries, home = [], [], 0
    for step in range(2 * STEPS):
        places.append((int(vec.arrays.pos[0, 0]) - first) // apart - N)
        action = choose(vec.arrays, info["action_mask"][0, 0], home if memory else None)
        if action == TOGGLE and vec.arrays.load[0, 0] < 0:
            home = 0 if places[-1] < 0 else 1
        _, reward, _, _, info = vec.step(np.array([[action]]))
        if reward[0, 0]:
            deliveries.append(step + 1)
    begin = deliveries[0]
    return places[begin : begin + STEPS], [step - begin for step in deliveries if step - begin < STEPS]


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    out = parser.parse_args().out
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 1, figsize=(7.5, 3.6), sharex=True, sharey=True, layout="constrained")
        for axis, memory in zip(axes, (True, False), strict=True):
            places, deliveries = walk(memory)
            axis.axhline(0, color="tab:green", lw=6, alpha=0.25)
            axis.plot(places, color="tab:blue")
            axis.plot(deliveries, [0] * len(deliveries), "o", color="tab:green", label="delivery")
            apart = np.diff(deliveries)
            assert (apart == apart[0]).all()
            name = "remembers" if memory else "sees the next cells only"
            axis.set_title(f"{name}: a delivery every {apart[0]} steps", loc="left", fontsize=10)
            axis.set_yticks([-N, 0, N], ["shelf", "goal", "shelf"])
        axes[-1].set_xlabel("steps after a delivery")
        figure.savefig(out / "learning-memory.png", dpi=110)
        plt.close(figure)


if __name__ == "__main__":
    main()
