"""The pictures of docs/learning.md, from somewhat longer trainings than its code (about a minute).

python -m examples.gallery_learning [--out docs/images]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from numpy.typing import NDArray

from agents import (
    Boltzmann,
    DynaQ,
    EpsilonGreedy,
    GymnasiumEnv,
    IndependentQLearning,
    Linear,
    LinearSarsaLambda,
    SMDPQLearning,
    TileCoder,
    decaying,
    hallway_options,
    primitive_options,
    train,
)
from agents.multi import HystereticQLearning, LenientQLearning
from benchmarks.classics.play import Player, play_episodes
from marl_envs import gridworld_v0, matrix_v0, vacuum_v0
from marl_envs.small.grid.worlds import HALLWAYS, WORLDS
from marl_envs.wrappers import shaped

matplotlib.use("agg")
from matplotlib import pyplot as plt

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "marl_envs",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=["#8a8f98", "#d9822b", "#2b6cb0"]),
    "legend.frameon": False,
}


def vacuum(figure: Any) -> None:
    """Four moments of Q-learning: the rows that matter of the vacuum's table."""
    env, draw, q = vacuum_v0.parallel_env(), np.random.default_rng(0), np.zeros((192, 4))
    axes = figure.subplots(1, 4, sharey=True)
    for ax, (first, last) in zip(axes, ((0, 0), (0, 10), (10, 100), (100, 2000)), strict=True):
        for episode in range(first, last):
            vacuum_episode(env, q, episode + 1, draw)
        rows = np.where([[0, 1, 1, 0], [1, 0, 1, 1]], q[[122, 100]], np.nan)  # the doors of each room
        ax.imshow(rows, cmap="RdBu", vmin=-7, vmax=7, aspect="auto")
        for (row, column), worth in np.ndenumerate(rows):
            ax.text(column, row, "" if np.isnan(worth) else f"{worth:.1f}", ha="center", va="center")
        ax.set_title(f"{last} episodes" if last else "at the start", fontsize=10)
        ax.set_xticks(range(4), ["living\nroom", "kitchen", "bed-\nroom 1", "bed-\nroom 2"], fontsize=8)
        ax.set_yticks([0, 1], ["living room,\nall dirty", "kitchen,\ncleaned"])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    figure.supxlabel("go to", fontsize=10)


def vacuum_episode(env: Any, q: NDArray[np.float64], seed: int, draw: np.random.Generator) -> None:
    """Play one episode at random and learn from each step."""
    seen, infos = env.reset(seed=seed)
    while env.agents:
        s, b = seen["robot_0"], draw.choice(infos["robot_0"]["action_mask"].nonzero()[0])
        seen, rewards, over, _, infos = env.step({"robot_0": b})
        doors = infos["robot_0"]["action_mask"].nonzero()[0]
        target = rewards["robot_0"] + (0 if over["robot_0"] else q[seen["robot_0"], doors].max())
        q[s, b] += 0.1 * (target - q[s, b])


def exploration(figure: Any) -> None:
    """Mean payoff of a thousand runs on five slot machines."""
    pulls, runs, axes = 1000, 1000, figure.subplots()
    vec = matrix_v0.vector_env(runs, payoff=[1, 2, 3, 4, 5], alternative=[0] * 5, repeated=True, max_cycles=pulls)
    for name, epsilon in (("0 (greedy)", 0.0), ("0.3", 0.3), ("falling from 0.5 to 0", Linear(0.5, 0.0, until=0.5))):
        rule = EpsilonGreedy(epsilon)
        learner = IndependentQLearning(vec, alpha=0.05, gamma=0.0, exploration=rule, separate_runs=True, seed=0)
        player = Player(learner, vec, 0, pulls * runs)
        earned = np.array([player.step()[0].mean() for _ in range(pulls)])
        axes.plot(np.arange(10, pulls, 20), earned.reshape(-1, 20).mean(axis=1), label=f"epsilon {name}")
    axes.axhline(2.5, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlabel="pulls", ylabel="earned a pull", ylim=(0.9, 2.6))
    axes.legend(loc="lower right")


def cart_pole(figure: Any) -> None:
    """Learning curve, and the policy over angle and angular speed."""
    limits = [2.4, 2.5, 0.21, 3.0]
    tiles = TileCoder(low=[-most for most in limits], high=limits, bins=[4, 4, 8, 8], tilings=8)
    vec, judge = GymnasiumEnv("CartPole-v1", 64, tiles), GymnasiumEnv("CartPole-v1", 16, tiles)
    rule = EpsilonGreedy(Linear(0.1, 0.0, until=0.8))
    learner = LinearSarsaLambda(vec, alpha=Linear(0.2, 0.02), gamma=0.99, exploration=rule, seed=0)
    history = train(learner, vec, 200_000, seed=0, eval_every=5_000, eval_env=judge, progress=False)
    left, right = figure.subplots(1, 2)
    left.plot(
        [one.steps / 1000 for one in history.evaluations], [one.mean("return") for one in history.evaluations], "C2"
    )
    left.set(xlabel="thousand steps", ylabel="steps until the pole falls", ylim=(0, 510))
    angle, speed = np.meshgrid(np.linspace(-0.2, 0.2, 81), np.linspace(-2, 2, 81))
    points = np.stack([0 * angle, 0 * angle, angle, speed], axis=-1).reshape(-1, 4).astype(np.float32)
    rows = tiles.code(points) + np.cumsum([0, *learner.layout[:-1]])  # each tiling's rows lie below the last one's
    parts = learner.q[0][rows]  # [points, tilings, actions]
    lead = np.where(parts.any(axis=1).all(axis=1), np.diff(parts.sum(axis=1))[:, 0], np.nan).reshape(angle.shape)
    right.pcolormesh(np.degrees(angle), speed, np.sign(lead), cmap="RdBu", vmin=-3, vmax=3, rasterized=True)
    right.text(-3, -0.8, "push left", ha="center")
    right.text(3, 1.0, "push right", ha="center")
    right.set(xlabel="angle of the pole [degrees]", ylabel="its speed [rad/s]")


def teams(figure: Any) -> None:
    """Shares of joint actions at the end of the climbing game."""
    vec = matrix_v0.vector_env(num_envs=500, game="climbing")
    common: dict[str, Any] = {"gamma": 0.0, "separate_runs": True, "share_table": False, "seed": 0}
    cooling: dict[str, Any] = {"alpha": 0.1, "exploration": Boltzmann(decaying(5000.0, 0.997, 4000)), **common}
    learners: dict[str, Any] = {
        "independent": IndependentQLearning(vec, **cooling),
        "hysteretic": HystereticQLearning(vec, beta=0.01, **cooling),
        "lenient": LenientQLearning(vec, theta=1e7, omega=1.0, **common),
    }
    for ax, (name, learner) in zip(figure.subplots(1, 3), learners.items(), strict=True):
        train(learner, vec, 5000 * 500 * 2, seed=0, progress=False)
        played = learner.greedy().act(vec, vec.reset(seed=0)[0])
        shares = np.bincount(3 * played[:, 0] + played[:, 1], minlength=9).reshape(3, 3) / 5.0
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=130)
        for (row, column), share in np.ndenumerate(shares):
            ax.text(column, row, f"{share:.0f} %", ha="center", va="center", color="white" if share > 70 else "black")
        ax.set_title(name, fontsize=10)
        ax.set_xticks(range(3), "abc")
        ax.set_yticks(range(3), "abc")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    figure.supxlabel("second agent", fontsize=10)
    figure.supylabel("first agent", fontsize=10)


def distance(obs: Any) -> Any:
    """Return the steps to the goal of the Dyna maze, as if there were no walls."""
    return obs // 9 + 8 - obs % 9


def potential(obs: Any) -> Any:
    """Return what a cell would be worth without walls."""
    return 0.95 ** distance(obs)


def reward(figure: Any) -> None:
    """Episode lengths with and without a potential, and where the bonus makes the agent stay."""
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    for name, hinted in (("the goal alone", False), ("with the potential", True)):
        vec: Any = gridworld_v0.vector_env(num_envs=100, world="dyna_maze", max_cycles=100_000)
        vec = shaped(vec, potential, gamma=0.95) if hinted else vec
        rule = EpsilonGreedy(0.2)
        learner = IndependentQLearning(vec, alpha=0.5, gamma=0.95, exploration=rule, separate_runs=True, seed=0)
        lengths = play_episodes(learner, vec, 30, seed=0).lengths.mean(axis=0)
        left.plot(np.arange(1, 31), lengths, "C2" if hinted else "C0", label=name)
    left.set(xlabel="episode", ylabel="steps to the goal")
    _logarithmic(left)
    left.legend()
    _visits(right)


def _logarithmic(axes: Any) -> None:
    """Give the axes of episode lengths a logarithmic scale with plain numbers."""
    axes.set_yscale("log")
    axes.set_yticks([20, 50, 100, 200, 500, 1000], ["20", "50", "100", "200", "500", "1000"])
    axes.minorticks_off()


def _visits(axes: Any) -> None:
    """Draw how often each cell is entered by who is paid for each step that comes nearer."""
    vec = gridworld_v0.vector_env(num_envs=20, world="dyna_maze", max_cycles=200)
    learner = IndependentQLearning(vec, alpha=0.5, gamma=0.95, exploration=EpsilonGreedy(0.2), seed=0)
    learner.begin(100_000)
    (obs, info), visits = vec.reset(seed=0), np.zeros(54)
    for step in range(5200):
        before, actions = obs, learner.act(obs, info["action_mask"], explore=step < 5000)
        obs, pay, terminated, _, info = vec.step(actions)
        after = np.where(info["ended"][:, None], info["final_obs"], obs)
        pay = (pay + 0.2 * (distance(after) < distance(before))).astype(np.float32)
        if step < 5000:
            alive = np.ones_like(terminated)
            learner.update(before, actions, pay, obs, info["final_obs"], info["ended"], terminated, alive)
        else:
            visits += np.bincount(after[:, 0], minlength=54)
    rows = WORLDS["dyna_maze"].rows
    walls = np.array([[letter == "#" for letter in row] for row in rows])
    axes.imshow(np.where(walls, np.nan, visits.reshape(6, 9) / visits.sum()), cmap="Oranges", vmin=0)
    axes.imshow(np.where(walls, 0.25, np.nan), cmap="gray", vmin=0, vmax=1)
    for r, row in enumerate(rows):
        for c, letter in enumerate(row):
            axes.text(c, r, letter if letter in "SG" else "", ha="center", va="center")
    axes.set_title("where the bonus leads (200 greedy steps)", fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)


def options(figure: Any) -> None:
    """Steps of each episode in four rooms."""
    rows, axes = WORLDS["four_rooms"].rows, figure.subplots()
    steps = primitive_options(len(rows) * len(rows[0]), 4)
    hallways = hallway_options(rows, HALLWAYS, slip=1 / 3)
    vec = gridworld_v0.vector_env(num_envs=100, world="four_rooms", start=(1, 1), max_cycles=100_000)
    for name, chosen, color in (("single steps", steps, "C0"), ("with hallways", hallways + steps, "C2")):
        rule = EpsilonGreedy(0.1)
        learner = SMDPQLearning(
            vec, options=chosen, alpha=0.25, gamma=0.9, exploration=rule, separate_runs=True, seed=0
        )
        lengths = play_episodes(learner, vec, 100, seed=0).lengths.mean(axis=0)
        axes.plot(np.arange(1, 101), lengths, color, label=name)
    axes.set(xlabel="episode", ylabel="steps to the goal")
    _logarithmic(axes)
    axes.legend()


def dyna(figure: Any) -> None:
    """Steps of each episode in the Dyna maze, by the number of remembered steps."""
    axes = figure.subplots()
    vec = gridworld_v0.vector_env(num_envs=100, world="dyna_maze", max_cycles=100_000)
    for planning in (0, 5, 50):
        rule = EpsilonGreedy(0.1)
        learner = DynaQ(vec, planning=planning, alpha=0.1, gamma=0.95, exploration=rule, separate_runs=True, seed=0)
        lengths = play_episodes(learner, vec, 50, seed=0).lengths.mean(axis=0)
        axes.plot(np.arange(1, 51), lengths, label=f"{planning} remembered steps")
    axes.axhline(14, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlabel="episode", ylabel="steps to the goal")
    _logarithmic(axes)
    axes.legend()


def transfer(figure: Any) -> None:
    """Greedy return on the wet floor, from nothing and from the dry floor's table."""
    axes = figure.subplots()
    pay: dict[str, Any] = {"step_reward": -1.0, "goal_reward": -1.0, "max_cycles": 200}
    dry, wet = (gridworld_v0.vector_env(num_envs=20, world="dyna_maze", slip=slip, **pay) for slip in (0.0, 0.2))
    settings: dict[str, Any] = {"alpha": 0.1, "gamma": 1.0, "exploration": EpsilonGreedy(0.1), "seed": 0}
    expert = IndependentQLearning(dry, **settings)
    train(expert, dry, 100_000, seed=0, progress=False)
    for name, known, color in (("from nothing", False, "C0"), ("from the dry floor's table", True, "C2")):
        learner = IndependentQLearning(wet, **settings)
        if known:
            learner.know(expert.knowledge())
        history = train(learner, wet, 60_000, seed=1, eval_every=2_000, eval_episodes=100, progress=False)
        returns = [one.mean("return") for one in history.evaluations]
        axes.plot([one.steps / 1000 for one in history.evaluations], returns, color, label=name)
    axes.set(xlabel="thousand steps on the wet floor", ylabel="return")
    axes.legend(loc="lower right")


FIGURES: dict[str, tuple[Callable[[Any], None], tuple[float, float]]] = {
    "vacuum": (vacuum, (8.4, 2.2)),
    "exploration": (exploration, (5.6, 3.0)),
    "cart-pole": (cart_pole, (7.6, 3.0)),
    "teams": (teams, (6.6, 2.7)),
    "reward": (reward, (7.6, 3.0)),
    "options": (options, (5.6, 3.0)),
    "dyna": (dyna, (5.6, 3.0)),
    "transfer": (transfer, (5.6, 3.0)),
}


def main() -> None:
    """Train and draw all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder of the pictures")
    out = parser.parse_args().out
    for name, (draw, size) in FIGURES.items():
        with plt.rc_context(STYLE):
            figure = plt.figure(figsize=size, layout="constrained", facecolor="white")
            draw(figure)
            figure.savefig(out / f"learning-{name}.png", dpi=110)
            plt.close(figure)
        print(out / f"learning-{name}.png", flush=True)


if __name__ == "__main__":
    main()
