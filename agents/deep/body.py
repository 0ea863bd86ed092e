"""Bodies of networks: from what was seen to features, with a memory or without. One takes the place of another.

A body gets rows (an agent in an environment, R of them) of T steps:

    features [R, T, H], memories [R, T, S] = body(inputs [R, T, D], memory [R, S], fresh [R, T])

`memory` is what it remembered before the first step, zeros at the start of an episode; `memories` is what it remembers
after each. Where `fresh` is True a new episode begins, and what was before is forgotten. S is 0 without a memory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from agents.deep.traces import Traces
from marl_envs.core.params import ParameterError, check_int

Step = tuple[Tensor, Tensor]  # features and memories


@dataclass(frozen=True)
class MLP:
    """Layers of `hidden` units with ReLU between; no memory."""

    hidden: tuple[int, ...] = (64, 64)
    name: ClassVar[str] = "mlp"

    def __post_init__(self) -> None:
        """Check the widths."""
        object.__setattr__(self, "hidden", tuple(check_int("hidden", width, 1) for width in self.hidden))
        if not self.hidden:
            raise ParameterError("hidden must have at least one width")

    def build(self, inputs: int) -> nn.Module:
        """Return the body for inputs of D = `inputs` numbers."""
        return Layers(inputs, self.hidden)


@dataclass(frozen=True)
class GRU:
    """One layer of `hidden` units, then as many gated recurrent ones (Cho et al. 2014): S = `hidden`."""

    hidden: int = 64
    name: ClassVar[str] = "gru"

    def __post_init__(self) -> None:
        """Check the width."""
        check_int("hidden", self.hidden, 1)

    def build(self, inputs: int) -> nn.Module:
        """Return the body for inputs of D = `inputs` numbers."""
        return Recurrent(inputs, self.hidden)


@dataclass(frozen=True)
class Attention:
    """A causal transformer over the last `window` observations, which are its memory: S = (window - 1) (D + 1)."""

    width: int = 64
    window: int = 16
    layers: int = 1
    heads: int = 4
    name: ClassVar[str] = "attention"

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name in ("width", "window", "layers", "heads"):
            check_int(name, getattr(self, name), 1)
        if self.width % self.heads:
            raise ParameterError(f"width must be a multiple of heads = {self.heads}, not {self.width}")

    def build(self, inputs: int) -> nn.Module:
        """Return the body for inputs of D = `inputs` numbers."""
        return Attending(inputs, self.width, self.window, self.layers, self.heads)


Body = MLP | GRU | Attention | Traces
BODIES: dict[str, type[Any]] = {kind.name: kind for kind in (MLP, GRU, Attention, Traces)}


def body_config(body: Body) -> dict[str, Any]:
    """Return a body as a JSON-able dict."""
    return {"body": body.name, **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(body).items()}}


def as_body(value: Any) -> Body:
    """Return `value`, a body or what `body_config` made of one, as a body.

    Raises:
        ParameterError: it is neither, or has a size that is not allowed.
    """
    if isinstance(value, (MLP, GRU, Attention, Traces)):
        return value
    if not isinstance(value, dict) or value.get("body") not in BODIES:
        raise ParameterError(f"body must be MLP(), GRU(), Attention() or Traces(), not {value!r}")
    rest = {name: tuple(v) if isinstance(v, (list, tuple)) else v for name, v in value.items() if name != "body"}
    kind: Any = BODIES[value["body"]]
    body: Body = kind(**rest)
    return body


class Layers(nn.Module):
    """The body of an `MLP`."""

    memory_size = 0

    def __init__(self, inputs: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        widths = (inputs, *hidden)
        pairs = pairwise(widths)
        self.layers = nn.Sequential(*[part for a, b in pairs for part in (nn.Linear(a, b), nn.ReLU())])
        self.features = hidden[-1]

    def forward(self, inputs: Tensor, memory: Tensor, fresh: Tensor) -> Step:
        """Return features and empty memories."""
        return self.layers(inputs), memory[:, None].expand(-1, inputs.shape[1], -1)


class Recurrent(nn.Module):
    """The body of a `GRU`."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.embed, self.cell = nn.Linear(inputs, hidden), nn.GRUCell(hidden, hidden)
        self.features = self.memory_size = hidden

    def forward(self, inputs: Tensor, memory: Tensor, fresh: Tensor) -> Step:
        """Step through the rows; a feature is the memory after its step."""
        embedded = functional.relu(self.embed(inputs))
        memories = []
        for t in range(inputs.shape[1]):
            memory = self.cell(embedded[:, t], memory.masked_fill(fresh[:, t, None], 0.0))
            memories.append(memory)
        stacked = torch.stack(memories, 1)
        return stacked, stacked


class Attending(nn.Module):
    """The body of an `Attention`. Memory: the past inputs, each with a 1 behind it that says it is there."""

    def __init__(self, inputs: int, width: int, window: int, layers: int, heads: int) -> None:
        super().__init__()
        self.inputs, self.window, self.features = inputs, window, width
        self.memory_size = (window - 1) * (inputs + 1)
        self.embed = nn.Linear(inputs, width)
        # Where in the window an input lies; from the start as large as what it is, so that ages can be told apart.
        self.age = nn.Parameter(torch.randn(window, width) * 0.5)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, inputs: Tensor, memory: Tensor, fresh: Tensor) -> Step:
        """Attend from each step to those of its window that lie in the same episode."""
        rows, steps = inputs.shape[:2]
        past = memory.reshape(rows, self.window - 1, self.inputs + 1)
        line = torch.cat([past, functional.pad(inputs, (0, 1), value=1.0)], 1)
        same = self._same_episode(fresh)[..., None]
        windows = self._windows(line, steps) * same  # [R, T, window, D + 1]
        there = windows[..., -1].flatten(0, 1) > 0
        tokens = self._windows(self.embed(line[..., :-1]), steps)  # each input once; of others' episodes none is there
        hidden = tokens.flatten(0, 1) + self.age
        for block in self.blocks[:-1]:
            hidden = block(hidden, there, self.window)
        hidden = self.blocks[-1](hidden, there, 1)  # features are those of the present: nothing else is asked for
        features = self.norm(hidden[:, -1]).reshape(rows, steps, -1)
        return features, windows[:, :, 1:].reshape(rows, steps, self.memory_size)

    def _windows(self, line: Tensor, steps: int) -> Tensor:
        """Return the windows [R, T, window, ...] of a line [R, window - 1 + T, ...]; as slices, which ONNX knows."""
        return torch.stack([line[:, k : k + steps] for k in range(self.window)], 2)

    def _same_episode(self, fresh: Tensor) -> Tensor:
        """Return which inputs of each window are of its last one's episode, float [R, T, window]."""
        steps = fresh.shape[1]
        episode = functional.pad(fresh.long().cumsum(1), (self.window - 1, 0))
        return (self._windows(episode, steps) == episode[:, self.window - 1 :, None]).float()


class Block(nn.Module):
    """A layer of a transformer, normalised before each part (Xiong et al. 2020); causal."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask, self.look, self.out = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, hidden: Tensor, there: Tensor, last: int) -> Tensor:
        """Return the `last` of the K places of hidden [R, K, width] after the layer.

        `there` [R, K] says which inputs there are.
        """
        rows, length, width = hidden.shape
        normed, hidden = self.first(hidden), hidden[:, length - last :]
        key, value = (self._heads(part) for part in self.look(normed).chunk(2, -1))
        place = torch.arange(length, device=hidden.device)
        asking = place[length - last :, None]
        # Each may look at itself, so that no softmax is over nothing.
        seen = (there[:, None] & (place <= asking)) | (place == asking)
        query = self._heads(self.ask(normed[:, length - last :]))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen[:, None])
        hidden = hidden + self.out(mixed.transpose(1, 2).reshape(rows, last, width))
        return hidden + self.think(self.second(hidden))

    def _heads(self, whole: Tensor) -> Tensor:
        """Return [R, K, width] as [R, heads, K, width / heads]."""
        return whole.unflatten(-1, (self.heads, whole.shape[-1] // self.heads)).transpose(1, 2)


class Head(nn.Module):
    """From features to the values of N actions; `dueling`: V + A - mean A (Wang et al. 2016)."""

    def __init__(self, features: int, actions: int, dueling: bool) -> None:
        super().__init__()
        self.advantage = nn.Linear(features, actions)
        self.state = nn.Linear(features, 1) if dueling else None

    def forward(self, features: Tensor) -> Tensor:
        """Return values [..., N]."""
        values = self.advantage(features)
        if self.state is None:
            return values
        return self.state(features) + values - values.mean(-1, keepdim=True)
