"""What all learners on networks let one choose."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from agents.deep.body import GRU, MLP, Body, as_body, body_config
from agents.deep.traces import Traces
from agents.exploration import EpsilonGreedy, Exploration
from agents.schedules import Linear, Schedule, learning_rate
from agents.tabular.saving import encode
from marl_envs.core.params import ParameterError, check_choice, check_float, check_int


@dataclass
class Settings:
    """Arguments of every learner on networks. A step of the batch is one step of all E environments.

    Raises:
        ParameterError: a value that is not allowed.
    """

    body: Body = MLP()  # noqa: RUF009 - frozen
    """`MLP`, `GRU`, `Attention` or `Traces`."""
    dueling: bool = False
    """Values as V + A - mean A."""
    share_network: bool = True
    """One network for all agents, who are told apart by their number; or one each."""
    gamma: float = 0.99
    """Discount in [0, 1] per step."""
    n_steps: int = 1
    """Rewards that a target adds up before it asks the target network. Not corrected for exploration."""
    double: bool = True
    """The learning network chooses the action that the target network judges."""
    learning_rate: Schedule | float = 5e-4
    """Of Adam (Kingma and Ba 2015): a number or a schedule."""
    exploration: Exploration = EpsilonGreedy(Linear(1.0, 0.05, until=0.5))  # noqa: RUF009 - frozen
    """`EpsilonGreedy`, with any schedule."""
    replay: int = 100_000
    """Steps of single environments that are remembered."""
    prioritised: float = 0.0
    """How much the last error of a window decides whether it is drawn (alpha); 0: all alike. 0.6 is usual."""
    correction: float = 0.4
    """How much of that bias weights take back (beta)."""
    batch: int = 64
    """Windows in a batch."""
    sequence: int | None = None
    """Steps of a window that are learned from; None: 8 with a GRU or Traces, else 1."""
    burn_in: int = 0
    """Steps before these from which the memory is only made fresh, beginning with the stored one (R2D2, 2019)."""
    learn_after: int = 1000
    """Steps of single environments before learning begins."""
    train_every: int = 1
    """Steps of the batch between trainings."""
    gradient_steps: int = 1
    """Batches of one training."""
    tau: float = 0.01
    """Share by which the target network moves toward the learning one; 1 copies it."""
    target_every: int = 1
    """Batches between these moves."""
    huber: float = 1.0
    """Size of an error from which on its loss grows linearly."""
    clip: float = 10.0
    """Largest norm of a gradient."""
    seed: int = 0
    """Of the first weights, of exploration and of what is drawn from the replay."""
    device: str | None = None
    """Where networks live; None: on CUDA if there is a device, else on the CPU."""

    def rate(self, progress: float) -> float:
        """Return the learning rate at `progress` (0 to 1) of a training."""
        return learning_rate(self.learning_rate)(progress)

    def __post_init__(self) -> None:
        """Check everything."""
        self.body, self.learning_rate = as_body(self.body), learning_rate(self.learning_rate, "learning_rate")
        if getattr(self.exploration, "rule", None) != "epsilon_greedy":
            raise ParameterError(f"exploration must be EpsilonGreedy(...), not {self.exploration!r}")
        for name in ("dueling", "share_network", "double"):
            check_choice(name, getattr(self, name), (True, False))
        for name in ("gamma", "prioritised", "correction", "tau"):
            check_float(name, getattr(self, name), 0.0, 1.0)
        for name in ("huber", "clip"):
            check_float(name, getattr(self, name), 1e-9, 1e9)
        if self.sequence is None:
            self.sequence = 8 if isinstance(self.body, (GRU, Traces)) else 1
        for name in ("n_steps", "replay", "batch", "sequence", "train_every", "gradient_steps", "target_every"):
            check_int(name, getattr(self, name), 1, 2**40)
        for name in ("burn_in", "learn_after", "seed"):
            check_int(name, getattr(self, name), 0, 2**63 - 1)
        if self.burn_in and isinstance(self.body, MLP):
            raise ParameterError("burn_in makes a memory fresh, but the body has none: body=GRU(...) or Attention(...)")

    @property
    def window(self) -> int:
        """Steps of a window: to make the memory fresh, to learn from, and to look ahead."""
        return self.burn_in + int(self.sequence or 1) + self.n_steps - 1

    def to_config(self) -> dict[str, Any]:
        """Return all but the device as a JSON-able dict."""
        chosen = {one.name: encode(getattr(self, one.name)) for one in fields(self) if one.name != "device"}
        return chosen | {"body": body_config(self.body)}
