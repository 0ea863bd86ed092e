"""Delay against demand under every controller of docs/intersection.md: the table, as Markdown, and the picture.

python -m examples.gallery_crossing [--out docs/images] [--layout cross] [--minutes 30] [--envs 8]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from marl_envs import intersection_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.traffic.vehicles import policies

matplotlib.use("agg")
from matplotlib import pyplot as plt

DEMANDS = (100, 200, 400, 600, 800, 1000, 1200, 1400, 1600)  # [veh/h]
# name, policy, colour
CONTROLLERS = (
    ("all-way stop", "AllWayStop", "#c53030"),
    ("fixed light", "FixedSignal", "#d9822b"),
    ("actuated light", "ActuatedSignal", "#b7950b"),
    ("two-way priority", "TwoWayPriority", "#2f855a"),
    ("engine's driver", "EngineDriver", "#8a8f98"),
    ("reservation", "Reservation", "#2b6cb0"),
)
SERVED = 0.97  # less of the vehicles of the second half finished: demand is beyond the capacity
STYLE: Any = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}


def play(policy: Any, vec: VectorEnv, decisions: int) -> tuple[float, float, int]:
    """Return delay [s], the share of the second half's demand that was served, and collisions."""
    obs, _ = vec.reset(seed=1)
    policy.reset(1)
    half: Any = None
    for step in range(decisions):
        if step == decisions // 2:
            half = vec.metrics()
        obs, *_, info = vec.step(policy.act(vec, obs))
    ends = info["metrics"]
    served, came = ((ends[name] - half[name]).sum() for name in ("arrived", "created"))
    return float(ends["delay"].mean()), float(served / came), int(ends["collisions"].sum())


def measure(layout: str, minutes: float, envs: int) -> dict[str, list[tuple[float, float, int]]]:
    """Return what `play` says of each controller and demand."""
    decisions = round(minutes * 120)
    results: dict[str, list[tuple[float, float, int]]] = {}
    for name, policy, _ in CONTROLLERS:
        results[name] = []
        for flow in DEMANDS:
            chosen: dict[str, Any] = {"layout": layout, "flow": flow, "num_vehicles": 200, "max_cycles": decisions}
            vec = intersection_v0.vector_env(envs, arrivals="flow", **chosen)
            results[name].append(play(getattr(policies, policy)(), vec, decisions))
    return results


def table(results: dict[str, list[tuple[float, float, int]]]) -> str:
    """Return the delays as Markdown; a star: less than SERVED of the demand gets through."""
    head = ["veh/h", *map(str, DEMANDS), "collisions"]
    rows = [head, ["---"] * len(head)]
    for name, found in results.items():
        cells = [f"{delay:.{2 - (delay >= 10)}f}{'*' if served < SERVED else ''}" for delay, served, _ in found]
        rows.append([name, *cells, str(sum(crashed for *_, crashed in found))])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def draw(results: dict[str, list[tuple[float, float, int]]], path: Path) -> None:
    """Draw all lines; hollow points: demand is beyond the capacity."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.6, 4.2), layout="constrained", facecolor="white")
        for name, _, color in CONTROLLERS:
            delays, served, _ = (np.array(column) for column in zip(*results[name], strict=True))
            axes.plot(DEMANDS, delays, color=color, linewidth=1.6, label=name)
            for through, fill in ((served >= SERVED, color), (served < SERVED, "white")):
                axes.plot(
                    np.array(DEMANDS)[through], delays[through], "o", color=color, markerfacecolor=fill, markersize=5
                )
        axes.set(xlabel="demand [veh/h on all entries]", ylabel="mean delay [s]", yscale="log", xlim=(50, 1650))
        ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.grid(axis="y", color="#e2e8f0", linewidth=0.8)
        order = np.argsort([-results[name][-1][0] for name, *_ in CONTROLLERS])
        handles, names = axes.get_legend_handles_labels()
        axes.legend(
            [handles[i] for i in order],
            [names[i] for i in order],
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
        )
        figure.savefig(path, dpi=110)
        plt.close(figure)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder of the picture")
    parser.add_argument("--layout", default="cross")
    parser.add_argument("--minutes", type=float, default=30.0, help="of an episode")
    parser.add_argument("--envs", type=int, default=8, help="episodes of each point")
    chosen = parser.parse_args()
    results = measure(chosen.layout, chosen.minutes, chosen.envs)
    print(table(results))
    draw(results, chosen.out / "crossing-delay.png")


if __name__ == "__main__":
    main()
