"""A short GIF of every family of environments, each played by Q-learning that was trained for it (some CPU-minutes).

python -m examples.gallery_families [--out docs/images] [--only warehouse errands ...] [--scale 1.0]
"""

from __future__ import annotations

import argparse
import importlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from agents import EpsilonGreedy, IndependentQLearning, Linear, evaluate, train
from agents.multi import HystereticQLearning
from marl_envs.render import pictures, record, rollout
from marl_envs.render.files import write_pictures
from marl_envs.traffic.both.policies import Together


class Scene(NamedTuple):
    """What is trained, and what is shown of it."""

    module: str
    parameters: dict[str, Any]
    steps: int  # agent-steps of training
    headline: str  # metric that is printed, and by which the episode that is shown is chosen: a middling one
    shown: int  # steps of the GIF, at most
    smooth: int  # pictures a step
    fps: float
    learner: Any = IndependentQLearning
    settings: tuple[tuple[str, Any], ...] = ()  # of the learner


TRAFFIC, FLOW, BEGINNING = "traffic", 900.0, 60  # both kinds learn: [veh/h], and the step at which the GIF begins
SHAPED = {"shaping": 0.5, "shaping_gamma": 1.0}  # pays for every cell nearer to the goal
SCENES = {
    "warehouse": Scene(
        "warehouse_v0",
        {"layout": "5x5", "num_robots": 2, "observation": "tabular", "max_cycles": 200, **SHAPED},
        3_000_000,
        "deliveries",
        40,
        2,
        6.0,
        settings=(("gamma", 0.98),),
    ),
    "errands": Scene(
        "errands_v0",
        {"floor": "aisles-3x1x6", "num_robots": 8, "observation": "tabular", "max_cycles": 200, **SHAPED},
        6_000_000,
        "tasks",
        40,
        2,
        6.0,
        settings=(("gamma", 0.95),),
    ),
    "signals": Scene(
        "traffic_signals_v0",
        {"network": "cross", "observation": "tabular", "actions": "fullest", "warmup": 60.0, "max_cycles": 120},
        200_000,
        "delay",
        24,
        1,
        3.0,
        settings=(("gamma", 0.9),),
    ),
    "intersection": Scene(
        "intersection_v0",
        {"layout": "cross", "observation": "tabular", "mask_unsafe": True, "num_vehicles": 4, "max_cycles": 120},
        4_000_000,
        "delay",
        40,
        2,
        6.0,
    ),
    "vacuum": Scene("vacuum_v0", {"rules": "dock", "num_robots": 2}, 600_000, "return", 12, 6, 1.5),
    "grid": Scene("gridworld_v0", {"world": "cliff"}, 200_000, "return", 40, 3, 5.0, settings=(("gamma", 1.0),)),
    "matrix": Scene(
        "matrix_v0",
        {"game": "climbing", "reward": "team", "repeated": True, "max_cycles": 20},
        400_000,
        "return",
        6,
        1,
        1.5,
        HystereticQLearning,
        (("beta", 0.001), ("gamma", 0.0)),
    ),
}

NAMES = (*SCENES, TRAFFIC)


def trained(scene: Scene, scale: float, seed: int = 0) -> Any:
    """Return a learner after its training."""
    vec = importlib.import_module(f"marl_envs.{scene.module}").vector_env(32, **scene.parameters)
    rule = EpsilonGreedy(Linear(0.3, 0.0, until=0.8))
    learner = scene.learner(vec, alpha=Linear(0.2, 0.005), exploration=rule, seed=seed, **dict(scene.settings))
    train(learner, vec, round(scale * scene.steps), seed=seed, progress=False)
    return learner


def middling(scene: Scene, learner: Any) -> tuple[int, float]:
    """Return the seed of an episode whose headline is the median of 15, and that median."""
    vec = importlib.import_module(f"marl_envs.{scene.module}").vector_env(1, **scene.parameters)
    found = [evaluate(learner, vec, 1, seed)[0][scene.headline] for seed in range(15)]
    order = np.argsort(np.nan_to_num(np.array(found), nan=np.inf), kind="stable")
    return int(order[len(order) // 2]), float(found[order[len(order) // 2]])


def show_traffic(folder: Path, scale: float) -> str:
    """Train cars and signals together, record `folder`/play-traffic.gif from the midst of an episode; see `show`."""
    from examples.learn_together import TASK, train  # which draws with matplotlib

    began, parameters = time.process_time(), {**TASK, "flow": FLOW}
    learners = train(("vehicles", "signals"), parameters, round(6000 * scale), 0)
    env = importlib.import_module("marl_envs.traffic_v0").parallel_env(**parameters)
    policy = Together(*(learner.greedy() for learner in learners.values()))
    played = sorted(
        (rollout(env, policy, seed=seed) for seed in range(15)), key=lambda one: one.info["metrics"]["delay"]
    )
    middle, path = played[7], folder / "play-traffic.gif"
    frames = {name: values[BEGINNING : BEGINNING + 50] for name, values in middle.positions.items()}
    shown = replace(middle, actions=middle.actions[BEGINNING : BEGINNING + 49], positions=frames)
    write_pictures(path, pictures(shown, (420, 440), smooth=2), 10.0)
    took, size = time.process_time() - began, path.stat().st_size / 1024
    return f"traffic: {took:.0f} CPU-s, delay {middle.info['metrics']['delay']:g}, {path} {size:.0f} KiB"


def show(name: str, folder: Path, scale: float) -> str:
    """Train, record `folder`/play-NAME.gif, and return a line that says what came of it."""
    if name == TRAFFIC:
        return show_traffic(folder, scale)
    scene, began = SCENES[name], time.process_time()
    learner = trained(scene, scale)
    seed, value = middling(scene, learner)
    took = time.process_time() - began
    env = importlib.import_module(f"marl_envs.{scene.module}").parallel_env(**scene.parameters)
    path = folder / f"play-{name}.gif"
    size = {"errands": (440, 320), "signals": (420, 440), "intersection": (420, 440)}.get(name)
    settings: dict[str, Any] = {"seed": seed, "steps": scene.shown, "fps": scene.fps, "smooth": scene.smooth}
    record(env, learner.greedy(), path, size=size, **settings)
    return f"{name}: {took:.0f} CPU-s, {scene.headline} {value:g}, {path} {path.stat().st_size / 1024:.0f} KiB"


def main() -> None:
    """Train and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder of the GIFs")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="families")
    parser.add_argument("--scale", type=float, default=1.0, help="of the training's length")
    chosen = parser.parse_args()
    for name in chosen.only:
        print(show(name, chosen.out, chosen.scale), flush=True)


if __name__ == "__main__":
    main()
