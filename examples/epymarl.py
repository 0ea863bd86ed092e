"""EPyMARL: independent Q-learners, VDN or QMIX by EPyMARL's own program, over Gymnasium's registry.

EPyMARL is not on PyPI, so say where your clone of github.com/uoe-agents/epymarl is:

    pip install torch pyyaml sacred "setuptools<81"
    python -m examples.epymarl --checkout PATH [--algorithm iql|vdn|qmix]

Its `gymma` wrapper makes "marl_envs:<our id>" by Gymnasium, and gets the whole team as one environment. It shows
EPyMARL no action masks (a forbidden action is a no-op, in evaluation, too); the state is all observations together.
The networks that it saves on its way are evaluated here afterwards. PATH stays as it is: the program runs in a copy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from examples import task

ROOT = Path(__file__).resolve().parent.parent
EPISODE = 50  # steps; EPyMARL learns once after each episode, so short ones let it learn more often
# What `python src/main.py` does, but where smaclite (another environment, which it imports always) is not installed.
START = """
import importlib.util, runpy, sys, types
sys.path.insert(0, "src")
if importlib.util.find_spec("smaclite") is None:
    sys.modules["smaclite"] = types.ModuleType("smaclite")
runpy.run_path("src/main.py", run_name="__main__")
"""


def configuration(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return what EPyMARL's folder config/envs holds for an environment, with what we choose of its settings."""
    steps = chosen.steps // len(task.AGENTS)  # EPyMARL counts steps of the environment
    env_args = {"key": f"marl_envs:{task.ID}", "pretrained_wrapper": None, **task.PARAMETERS}
    env_args |= {"time_limit": EPISODE, "max_cycles": EPISODE}
    config: dict[str, Any] = {"env": "gymma", "env_args": env_args, "t_max": steps, "use_cuda": False}
    config |= {"save_model": True, "save_model_interval": steps // 10, "local_results_path": "results"}
    config |= {"test_nepisode": 1, "test_interval": steps}
    return config


def command(chosen: argparse.Namespace) -> list[str]:
    """Return the command line that one would give to EPyMARL's main.py; it goes before what its files say."""
    options: dict[str, Any] = {"seed": chosen.seed, "lr": 0.002, "hidden_dim": 128, "batch_size": 32}
    options |= {"target_update_interval_or_tau": 0.02, "epsilon_anneal_time": chosen.steps // 4}
    options |= {"use_rnn": False, "standardise_rewards": False, "common_reward": chosen.algorithm != "iql"}
    named = [f"{name}={value}" for name, value in options.items()]
    return [sys.executable, "-c", START, f"--config={chosen.algorithm}", "--env-config=marl_envs", "with", *named]


def train(chosen: argparse.Namespace, folder: Path) -> list[tuple[int, Path]]:
    """Run EPyMARL; return (steps, file) of each network that it saved."""
    shutil.copytree(chosen.checkout / "src", folder / "src")
    (folder / "src" / "config" / "envs" / "marl_envs.yaml").write_text(json.dumps(configuration(chosen)))
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": paths}
    told = subprocess.run(command(chosen), cwd=folder, env=environment, capture_output=True, text=True)
    if told.returncode:
        raise RuntimeError(f"EPyMARL stopped with {told.returncode}:\n{told.stdout[-2000:]}\n{told.stderr[-4000:]}")
    return sorted((int(file.parent.name), file) for file in (folder / "results" / "models").rglob("agent.th"))


def actor(weights: dict[str, torch.Tensor]) -> task.Act:
    """Return what EPyMARL's agent does, if it has no recurrent layer."""

    def act(obs: Any, mask: Any) -> torch.Tensor:
        who = torch.eye(obs.shape[1]).expand(len(obs), -1, -1)  # it is told which robot it is
        x = torch.cat([torch.from_numpy(obs), who], -1)
        for layer in ("fc1", "rnn"):
            x = torch.relu(x @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"])
        return (x @ weights["fc2.weight"].T + weights["fc2.bias"]).argmax(-1)

    return act


def main() -> None:
    """Train for a minute or two, then evaluate what was saved on the way."""
    parser = task.parser(steps=60_000)
    parser.add_argument("--checkout", type=Path, required=True, help="a clone of EPyMARL")
    parser.add_argument("--algorithm", choices=("iql", "vdn", "qmix"), default="iql")
    chosen = parser.parse_args()
    if not (chosen.checkout / "src" / "main.py").is_file():
        parser.error(f"{chosen.checkout} is no clone of EPyMARL: it has no src/main.py")
    torch.set_num_threads(1)
    curve = task.Curve(f"EPyMARL {chosen.algorithm.upper()}", chosen)
    with tempfile.TemporaryDirectory() as folder:
        for steps, file in train(chosen, Path(folder)):
            curve.point(steps * len(task.AGENTS), actor(torch.load(file)))
    curve.finish()


if __name__ == "__main__":
    main()
