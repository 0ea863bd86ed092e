"""Dyna with a network: a model of one step is learned beside the values, and short imagined walks train these too.

The model says of an observation and an action how the observation changes, what is paid, whether that is the end, and
what is allowed then. From remembered observations the current policy walks at most `horizon` steps in it, since errors
grow with every step: Sutton 1990 for the idea, Janner et al., "When to trust your model: model-based policy
optimization", 2019, for networks and short walks. Each agent has its own view; the others are part of its world.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from agents.checkpoint import Arrays
from agents.deep import descent
from agents.deep.dqn import IndependentDQN
from agents.deep.policy import allowed_at_random
from agents.deep.replay import Replay
from agents.deep.targets import best, follow, huber, value_of_best
from agents.streams import LEARNING
from marl_envs.core.params import ParameterError, check_float, check_int

IMAGINING = LEARNING + 2  # stream of what is drawn for the model and from it
SMALLEST = 1e-6  # scale below which a number is taken to be constant


class Guess(NamedTuple):
    """What a model expects of steps [...]."""

    obs: Tensor  # [..., D], after the step
    reward: Tensor  # [...]
    end: Tensor  # [...], the chance of a termination, as a logit
    mask: Tensor | None  # [..., N], the chances of being allowed, as logits


class OneStep(nn.Module):
    """A model of one step: layers from an observation [..., D], the agent's number and its action to a `Guess`."""

    def __init__(self, numbers: int, agents: int, actions: int, masked: bool, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.numbers, self.agents, self.actions, self.masked = numbers, agents, actions, masked
        widths = [numbers + agents + actions, *hidden, numbers + 2 + actions * masked]
        parts: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            parts += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*parts[:-1])

    def forward(self, obs: Tensor, action: Tensor, scales: Tensor) -> Guess:
        """Guess the steps from obs [B, A, D] with action int64 [B, A]; scales: rows of `DynaDQN.scales`."""
        centre, spread, change, pay = scales
        who = torch.eye(self.agents, device=obs.device).expand(*obs.shape[:-2], -1, -1)
        did = functional.one_hot(action, self.actions).float()
        found = self.layers(torch.cat([(obs - centre) / spread, who, did], -1))
        moved, rest = found[..., : self.numbers], found[..., self.numbers :]
        return Guess(obs + moved * change, rest[..., 0] * pay[0], rest[..., 1], rest[..., 2:] if self.masked else None)


class DynaDQN(IndependentDQN):
    """A DQN that also learns from imagined steps; with `planning=0` a DQN that learns a model for nothing.

    Attributes:
        model: the `OneStep`.
        scales: float32 [4, D], of observations the mean and standard deviation, and the deviation of their changes;
            then that of rewards. Measured once, of what is remembered when learning begins.
        measured: bool [1], whether they were.
    """

    def __init__(
        self,
        vec: Any,
        *,
        planning: int = 4,
        horizon: int = 3,
        model_after: int = 50,
        model_batches: int = 4,
        model: tuple[int, ...] = (64, 64),
        model_rate: float = 1e-3,
        **settings: Any,
    ) -> None:
        """Make a learner.

        Args:
            vec: its observations are vectors (a Box of one axis).
            planning: imagined batches for each real one, each of `batch` steps.
            horizon: most steps of an imagined walk.
            model_after: real batches before the first imagined one.
            model_batches: batches of remembered steps that the model learns from for each real one.
            model: widths of the model's layers.
            model_rate: its learning rate.
            settings: see `Settings`.

        Raises:
            ParameterError: as `NetworkLearner`; a body with memory, or observations that are no vectors.
        """
        self.planning, self.horizon = check_int("planning", planning, 0), check_int("horizon", horizon, 1, 1000)
        self.model_after = check_int("model_after", model_after, 0)
        self.model_batches = check_int("model_batches", model_batches, 1)
        if not isinstance(model, (tuple, list)) or not model:
            raise ParameterError(f"model must be the widths of its layers, such as (64, 64), not {model!r}")
        self.widths = tuple(check_int("model", width, 1) for width in model)
        self.model_rate = check_float("model_rate", model_rate, 1e-12, 1.0)
        super().__init__(vec, **settings)

    def _make_networks(self) -> None:
        super()._make_networks()
        if self.team.memory_size:
            raise ParameterError("imagined walks need a body without memory: body=MLP(...)")
        if len(self.sizes.obs_shape) != 1:
            raise ParameterError("a model needs observations that are vectors: a Box of one axis")
        sizes = self.sizes
        net = OneStep(sizes.numbers, sizes.num_agents, sizes.num_actions, self.masked, self.widths)
        self.model = nn.ModuleDict({"model": net}).to(self.device)
        self.model_optimiser = descent.adam(self.model)
        self.scales = np.ones((4, sizes.numbers), np.float32)
        self.scales[0] = 0.0
        self.measured = np.zeros(1, np.bool_)

    def _descend(self) -> None:
        """Learn from a real batch: values and model; then from imagined ones."""
        if not self.measured[0]:
            self._measure()
        super()._descend()
        for k in range(self.model_batches):
            self._learn_model(self._imagining(k))
        if self.counts[2] > self.model_after:
            for k in range(self.planning):
                self._plan(self._imagining(self.model_batches + k))

    def _imagining(self, k: int) -> np.random.Generator:
        """Return the random numbers of the k-th use since the last real batch."""
        return np.random.default_rng([self.chosen.seed, IMAGINING, int(self.counts[2]), k])

    def _measure(self) -> None:
        """Find the scales of what is remembered."""
        held = {name: ring[: int(self.replay.count[0])] for name, ring in self.replay.ring.items()}
        there = held["alive"]
        obs, after = held["obs"][there].astype(np.float32), held["after"][there].astype(np.float32)
        spreads = [obs.std(0), (after - obs).std(0), np.full(obs.shape[1], held["reward"][there].std())]
        self.scales[0] = obs.mean(0)
        for row, spread in enumerate(spreads, 1):
            self.scales[row] = np.where(spread < SMALLEST, 1.0, spread)
        self.measured[0] = True

    def guess(self, obs: Tensor, action: Tensor) -> Guess:
        """Return what the model expects of steps from obs [B, A, D] with actions int64 [B, A]."""
        guess: Guess = self.model["model"](obs, action, torch.from_numpy(self.scales).to(self.device))
        return guess

    def _draw(self, rng: np.random.Generator, count: int) -> dict[str, Tensor]:
        """Return `count` remembered steps, tensors [count, A, ...]."""
        steps = drawn_alike(self.replay, rng, count)
        return {name: torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for name, array in steps.items()}

    def _learn_model(self, rng: np.random.Generator) -> None:
        """Move the model toward a batch of remembered steps."""
        step = self._draw(rng, self.chosen.batch)
        guess, scales = self.guess(step["obs"].float(), step["action"]), torch.from_numpy(self.scales).to(self.device)
        loss = (((guess.obs - step["after"].float()) / scales[2]) ** 2).mean(-1)
        loss = loss + ((guess.reward - step["reward"]) / scales[3, 0]) ** 2
        loss = loss + functional.binary_cross_entropy_with_logits(
            guess.end, step["terminated"].float(), reduction="none"
        )
        if guess.mask is not None:
            allowed = (step["mask"] != 0).float()
            loss = loss + functional.binary_cross_entropy_with_logits(guess.mask, allowed, reduction="none").mean(-1)
        loss = (loss * step["alive"]).sum() / step["alive"].sum().clamp(min=1)
        self._refuse_infinite(loss, "model's", self.model_rate)
        descent.descend(loss, self.model, self.model_optimiser, self.model_rate, self.chosen.clip)

    def _plan(self, rng: np.random.Generator) -> None:
        """Learn from a batch of imagined steps: walks from where remembered steps led, as the policy would go."""
        chosen, rate = self.chosen, self.chosen.rate(self.progress)
        step = self._draw(rng, max(chosen.batch // self.horizon, 1))
        obs, mask = step["after"].float(), step.get("mask")
        going = step["alive"] & ~step["terminated"]
        losses, counted = [], []
        for _ in range(self.horizon):
            values = self._judged(self.team, obs)
            action = self._chosen(rng, values.detach(), mask)
            with torch.no_grad():
                guess = self.guess(obs, action)
                mask = None if guess.mask is None else possible(guess.mask)
                theirs = self._judged(self.target["team"], guess.obs)
                choosing = self._judged(self.team, guess.obs) if chosen.double else theirs
                goes_on = 1.0 - guess.end.sigmoid()
                wanted = guess.reward + chosen.gamma * goes_on * value_of_best(theirs, choosing, mask)
            error = wanted - values.gather(-1, action[..., None]).squeeze(-1)
            losses.append((huber(error, chosen.huber) * going).sum())
            counted.append(going.sum())
            obs, going = guess.obs, going & (goes_on > 0.5)
        loss = torch.stack(losses).sum() / torch.stack(counted).sum().clamp(min=1)
        self._refuse_infinite(loss, "imagined", rate)
        descent.descend(loss, self.learned, self.optimiser, rate, chosen.clip)
        if chosen.target_every == 1:  # copies are made after real batches alone
            follow(self.target, self.learned, chosen.tau)

    def _refuse_infinite(self, loss: Tensor, whose: str, rate: float) -> None:
        if not bool(torch.isfinite(loss)):
            raise descent.LossError(
                f"the {whose} loss is {loss.item()} at step {self.steps} (of {self.total_steps}), batch "
                f"{self.counts[2]}, with learning rate {rate:g}: a lower rate or a shorter horizon may help"
            )

    def _judged(self, team: Any, obs: Tensor) -> Tensor:
        """Return a network's values [B, A, N] of observations [B, A, D]."""
        begins = torch.zeros((obs.shape[0], 1, obs.shape[1]), dtype=torch.bool, device=obs.device)
        values: Tensor = team(obs[:, None], obs.new_zeros((*obs.shape[:2], 0)), begins)[0][:, 0]
        return values

    def _chosen(self, rng: np.random.Generator, values: Tensor, mask: Tensor | None) -> Tensor:
        """Return actions int64 [B, A] as the policy explores now."""
        tries = rng.random(values.shape[:2]) < self.chosen.exploration.strength(self.progress)
        drawn = allowed_at_random(rng, None if mask is None else mask.cpu().numpy(), tuple(values.shape))
        tried, random = (torch.from_numpy(array).to(values.device) for array in (tries, drawn))
        return torch.where(tried, random, best(values, mask))

    def knowledge(self) -> Arrays:
        """Return the weights, those of the model too, and the scales of what it sees and says."""
        model = descent.weights_of(self.model, "model")
        return {**super().knowledge(), **model, "scales": self.scales, "measured": self.measured}

    def know(self, arrays: Arrays) -> None:
        """Take over what another moment's `knowledge` was: a model and its scales belong together.

        Raises:
            ParameterError: as `NetworkLearner.know`; there is no model, or one of other sizes.
        """
        super().know(arrays)
        descent.put_weights(self.model, "model", arrays)
        self.scales[...], self.measured[...] = arrays["scales"], arrays["measured"]

    def course(self) -> Arrays:
        """Return what else decides how the training goes on."""
        return {**super().course(), **descent.moments_of(self.model, self.model_optimiser)}

    def filled(self, arrays: Arrays) -> None:
        """Take over a checkpoint's arrays."""
        super().filled(arrays)
        descent.put_weights(self.model, "model", arrays)
        if "counts" in arrays:
            descent.put_moments(self.model, self.model_optimiser, arrays)

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        names = ("planning", "horizon", "model_after", "model_batches", "model_rate")
        return {**super().settings(), **{name: getattr(self, name) for name in names}, "model": list(self.widths)}


def possible(logits: Tensor) -> Tensor:
    """Return the guessed mask int8 [..., N] of logits: what is more likely allowed than not, at least the likeliest."""
    likeliest = functional.one_hot(logits.argmax(-1), logits.shape[-1])
    return ((logits > 0) | (likeliest > 0)).to(torch.int8)


def drawn_alike(replay: Replay, rng: np.random.Generator, count: int) -> Arrays:
    """Return `count` remembered steps of single environments, all alike: arrays [count, ...]."""
    slots = rng.integers(min(int(replay.count[0]), replay.slots), size=count)
    envs = rng.integers(replay.num_envs, size=count)
    return {name: ring[slots, envs] for name, ring in replay.ring.items()}
