"""How fast networks learn, and what part of a training the environment takes: two robots on RWARE's tiny floor.

The training is the loop of `train` (act, step, learn), a batch learned in every step, with the time of each part apart.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.warmup import compiling_message

ENVS, LEARN_AFTER = 32, 1000
WARM = 20  # batches that are learned before anything is measured
MISSING = "Networks: not measured, the extra `deep` is missing"


def learners() -> dict[str, Callable[[str], tuple[Any, Any]]]:
    """Return what is measured by name: from a device to a batch of environments and a learner that lives there."""
    from agents.deep import GRU, MLP, QMIX, Attention, IndependentDQN
    from marl_envs import warehouse_v0

    def made(cls: Any, body: Any, reward: str = "individual") -> Callable[[str], tuple[Any, Any]]:
        def make(device: str) -> tuple[Any, Any]:
            vec = warehouse_v0.vector_env(ENVS, layout="tiny", num_robots=2, observation="goal", reward=reward)
            return vec, cls(vec, body=body, learn_after=LEARN_AFTER, device=device)

        return make

    return {
        "DQN, feed-forward": made(IndependentDQN, MLP()),
        "DQN, GRU": made(IndependentDQN, GRU()),
        "DQN, attention": made(IndependentDQN, Attention()),
        "QMIX, feed-forward": made(QMIX, MLP(), "team"),
    }


class Spent(NamedTuple):
    """Time of a part of a training [s], and the batches learned in it."""

    environment: float  # of all
    wall: float
    cpu: float
    batches: int

    @property
    def share(self) -> float:
        """The environment's part of the time, in [0, 1]."""
        return self.environment / self.wall


class Training:
    """A training, as far as `spend` takes it; learning has begun."""

    def __init__(self, make: Callable[[str], tuple[Any, Any]], device: str = "cpu") -> None:
        """Make it, and remember what is needed to learn from."""
        self.vec, self.learner = make(device)
        self.learner.begin(10**9)
        self.obs, self.info = self.vec.reset(seed=0)
        while self.learner.counts[2] < WARM:
            self._step()

    def spend(self, seconds: float) -> Spent:
        """Train for at least `seconds`, by the clock."""
        inside, before = 0.0, int(self.learner.counts[2])
        self._finish()
        begin, cpu = time.perf_counter(), time.process_time()
        while time.perf_counter() < begin + seconds:
            inside += self._step()
        self._finish()
        wall, used = time.perf_counter() - begin, time.process_time() - cpu
        return Spent(inside, wall, used, int(self.learner.counts[2]) - before)

    def _finish(self) -> None:
        """Wait for what the device has still to do."""
        if self.learner.device.type == "cuda":
            import torch

            torch.cuda.synchronize(self.learner.device)

    def _step(self) -> float:
        """Act, step and learn once; return what the environment took [s]."""
        obs, alive = self.obs, self.info["alive"]
        actions = self.learner.act(obs, self.info.get("action_mask"))  # has come from the device, which is idle now
        begin = time.perf_counter()
        self.obs, reward, terminated, _, self.info = self.vec.step(actions)
        named = {"state": self.vec.state()} if "state" in getattr(self.learner, "wants", ()) else {}
        stepping = time.perf_counter() - begin
        info = self.info
        self.learner.update(
            *(obs, actions, reward, self.obs, info["final_obs"], info["ended"], terminated, alive),
            next_mask=info.get("action_mask"),
            final_mask=info.get("final_action_mask"),
            **named,
        )
        return stepping


def places() -> list[tuple[str, str, int]]:
    """Return where networks are measured: what that is called, the device, and the threads of the processor."""
    import torch

    found = [("1 thread", "cpu", 1), ("2 threads", "cpu", 2)]
    if torch.cuda.is_available():
        found.append((torch.cuda.get_device_name(), "cuda", 1))
    return found


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch use so many threads of the processor in this context."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_deep_speed(seconds: float, repeats: int, console: Console) -> None:
    """Measure and print; without the extra say that it is missing."""
    try:
        found = learners()
    except ImportError:
        console.print(MISSING)
        return
    title = "Batches learned, acting and stepping included"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("learner", "on", "per second", "per CPU-second", "environment's share"):
        table.add_column(column, justify="left" if column in ("learner", "on") else "right")
    for name, make in found.items():
        for where, device, number in places():
            with threads(number):
                with compiling_message(console):
                    training = Training(make, device)
                parts = [training.spend(seconds) for _ in range(repeats)]
            table.add_row(name, where, *cells(parts))
    console.print(table)
    about = f"{ENVS} environments of two robots, batches of {training.learner.chosen.batch}; medians of {repeats} times"
    console.print(f"{about} {seconds:g} s. The share is of the time by the clock.", style="dim")


def cells(parts: list[Spent]) -> tuple[str, str, str]:
    """Return what the table shows of repeated measurements: their medians."""
    rate = statistics.median(one.batches / one.wall for one in parts)
    busy = statistics.median(one.batches / one.cpu for one in parts)
    return f"{rate:,.0f}", f"{busy:,.0f}", f"{statistics.median(one.share for one in parts):.1%}"
