"""RL^2: a recurrent policy that learns to learn. What it finds out about a task it keeps in its memory, not in weights.

A trial is one task of a family, played for a number of steps. The policy sees its last action, the last reward and
whether an episode ended with it, and its memory lasts for the whole trial, across episodes. It is trained over many
trials by actor-critic descent on all of a trial's rewards, so exploring early pays where it helps later.
Duan et al., "RL^2: Fast reinforcement learning via slow reinforcement learning", 2016 (there with TRPO); advantages as
in Schulman et al., "High-dimensional continuous control using generalized advantage estimation", 2016; several passes
over a batch as in Schulman et al., "Proximal policy optimization algorithms", 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from agents.deep.body import GRU, Body, as_body
from agents.deep.descent import LossError, first_weights
from marl_envs.core.params import check_float, check_int


class Tasks(Protocol):
    """A batch of B tasks, drawn from a family, that are played side by side."""

    def see(self) -> Tensor:
        """Return observations [B, D]."""
        ...

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Do actions int64 [B]; return rewards [B] and whether an episode ended, bool [B]."""
        ...


Draw = Callable[[int, torch.Generator], Tasks]  # of a number of tasks


class Bandits:
    """Slot machines: each of `arms` pays 1 with a probability of its own, drawn alike from 0 to 1. D = 0."""

    def __init__(self, tasks: int, arms: int, generator: torch.Generator) -> None:
        """Draw `tasks` bandits."""
        self.chances = torch.rand(tasks, arms, generator=generator)
        self._generator = generator

    def see(self) -> Tensor:
        """Return nothing to see, [B, 0]."""
        return self.chances.new_zeros(len(self.chances), 0)

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Pull; each pull is an episode."""
        chance = self.chances.gather(1, actions[:, None])[:, 0]
        won = torch.rand(len(chance), generator=self._generator) < chance
        return won.float(), torch.ones_like(won)


class Trial(NamedTuple):
    """What happened in a batch of trials."""

    seen: Tensor  # what the policy saw, [B, T, D + 2 N + 2]
    action: Tensor  # int64 [B, T]
    reward: Tensor  # [B, T]
    chance: Tensor  # logarithm of the probability of what was done, [B, T]
    value: Tensor  # what the critic expected, [B, T]


class Policy(nn.Module):
    """From what was seen, done and paid to the next action's probabilities and what is still to be earned.

    The last action comes one-hot, then the same times the reward, the reward, and whether an episode ended.
    """

    def __init__(self, observation: int, actions: int, body: Body) -> None:
        super().__init__()
        self.inputs, self.actions = observation + 2 * actions + 2, actions
        self.body = body.build(self.inputs)
        features = int(self.body.features)
        self.actor, self.critic = nn.Linear(features, actions), nn.Linear(features, 1)

    def forward(self, seen: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits [B, T, N], mean rewards to come [B, T] and the memories [B, T, S], of seen [B, T, ...]."""
        fresh = torch.zeros(seen.shape[:2], dtype=torch.bool, device=seen.device)
        features, memories = self.body(seen, memory, fresh)
        return self.actor(features), self.critic(features)[..., 0], memories

    def start(self, trials: int) -> Tensor:
        """Return the memory [B, S] before a trial."""
        return self.actor.weight.new_zeros(trials, int(self.body.memory_size))


class RL2:
    """Trains a `Policy` over trials.

    Attributes:
        policy: the network.
        rounds: batches of trials learned from.
        steps, lam, learning_rate, entropy: as given; may be changed between trainings. Short trials are learned much
            sooner, and are a start for long ones.
    """

    def __init__(
        self,
        draw: Draw,
        actions: int,
        steps: int,
        *,
        observation: int = 0,
        body: Body = GRU(64),  # noqa: B008 - frozen
        trials: int = 256,
        epochs: int = 1,
        parts: int = 1,
        learning_rate: float = 6e-3,
        gamma: float = 0.99,
        lam: float = 0.9,
        entropy: float = 0.03,
        ratio: float = 0.2,
        clip: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Make a learner.

        Args:
            draw: gives tasks.
            actions: of a task, N.
            steps: of a trial, T.
            observation: numbers of an observation, D.
            body: the memory; `GRU`, or `Traces` where sums of what was paid are enough.
            trials: of a batch, B, at least 2: what an action was worth is told by what others earned at that step.
            epochs: passes over a batch.
            parts: of a batch; each is a step of descent.
            learning_rate: of Adam; falls to a tenth over the training.
            gamma: discount.
            lam: how far rewards count beyond what the critic expects (lambda; 1: to the end of the trial).
            entropy: bonus for chance in choosing, which falls to 0 over the training.
            ratio: by which share an action may become more or less likely in the passes over a batch.
            clip: largest norm of a gradient.
            seed: of weights, tasks and choices.

        Raises:
            ParameterError: a value that is not allowed.
        """
        self.draw, self.steps = draw, check_int("steps", steps, 1)
        self.trials, self.entropy = check_int("trials", trials, 2), check_float("entropy", entropy, 0.0, 1e3)
        self.epochs, self.parts = check_int("epochs", epochs, 1), check_int("parts", parts, 1, trials)
        self.gamma, self.lam = check_float("gamma", gamma, 0.0, 1.0), check_float("lam", lam, 0.0, 1.0)
        self.learning_rate, self.clip = check_float("learning_rate", learning_rate, 1e-12, 1.0), clip
        self.ratio = check_float("ratio", ratio, 1e-6, 1e3)
        check_int("observation", observation, 0)
        with first_weights(check_int("seed", seed, 0, 2**63 - 1)):
            self.policy = Policy(observation, check_int("actions", actions, 2), as_body(body))
        self.optimiser = torch.optim.Adam(self.policy.parameters(), lr=learning_rate)
        self._generator = torch.Generator().manual_seed(seed + 1)
        self.rounds = 0

    def train(self, rounds: int) -> list[float]:
        """Learn from `rounds` batches of trials; return the mean reward of a trial in each.

        Raises:
            LossError: a loss is not finite; names the round and the learning rate.
        """
        earned = []
        for number in range(rounds):
            left = 1.0 - number / rounds
            trial = self.play(self.draw(self.trials, self._generator), self._generator)
            self.optimiser.param_groups[0]["lr"] = self.learning_rate * (0.1 + 0.9 * left)
            self._learn(trial, self.entropy * left)
            self.rounds += 1
            earned.append(float(trial.reward.sum(1).mean()))
        return earned

    @torch.no_grad()
    def play(self, tasks: Any, generator: torch.Generator | None) -> Trial:
        """Play a trial of each task; without a generator the likeliest action is taken every time."""
        count, actions = len(tasks.see()), self.policy.actions
        memory = self.policy.start(count)
        last = torch.zeros(count, 2 * actions + 2)
        steps = []
        for _ in range(self.steps):
            seen = torch.cat([tasks.see(), last], 1)
            logits, value, memories = self.policy(seen[:, None], memory)
            chances, memory = logits[:, 0].log_softmax(1), memories[:, 0]
            drawn = chances if generator is None else chances + gumbel(chances, generator)
            action = drawn.argmax(1)
            reward, ended = tasks.step(action)
            shown, paid = nn.functional.one_hot(action, actions), reward[:, None]
            # The reward in the place of its action: adding up what each has paid needs no product of inputs then.
            last = torch.cat([shown, shown * paid, paid, ended[:, None]], 1).float()
            chosen = chances.gather(1, action[:, None])[:, 0]
            steps.append((seen, action, reward, chosen, value[:, 0]))
        seen, action, reward, chance, value = (torch.stack(parts, 1) for parts in zip(*steps, strict=True))
        return Trial(seen, action, reward, chance, value * self._rest())

    def _learn(self, trial: Trial, entropy: float) -> None:
        """Pass over a batch of trials, `epochs` times."""
        advantage = advantages(trial.reward, trial.value, self.gamma, self.lam)
        wanted = (advantage + trial.value) / self._rest()
        scaled = (advantage - advantage.mean(0)) / (advantage.std() + 1e-6)  # around what is usual at that step
        for _ in range(self.epochs):
            for part in torch.arange(len(scaled)).chunk(self.parts):
                loss = self._loss(Trial(*(one[part] for one in trial)), scaled[part], wanted[part], entropy)
                if not bool(torch.isfinite(loss)):
                    rate = self.optimiser.param_groups[0]["lr"]
                    raise LossError(f"the loss is {loss.item()} in round {self.rounds}, with learning rate {rate:g}")
                self.optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.policy.parameters(), self.clip)
                self.optimiser.step()

    def _loss(self, trial: Trial, advantage: Tensor, wanted: Tensor, entropy: float) -> Tensor:
        """Return the loss of trials played again, in which nothing but the weights may have changed."""
        logits, value, _ = self.policy(trial.seen, self.policy.start(len(trial.seen)))
        chances = logits.log_softmax(-1)
        likelier = (chances.gather(-1, trial.action[..., None])[..., 0] - trial.chance).exp()
        limited = likelier.clamp(1.0 - self.ratio, 1.0 + self.ratio)
        acting = -torch.minimum(likelier * advantage, limited * advantage).mean()
        judging = ((value - wanted) ** 2).mean()
        return acting + 0.5 * judging + entropy * (chances.exp() * chances).sum(-1).mean()

    def _rest(self) -> Tensor:
        """Return the discounted steps from each to the end, [T]. The critic says what one of them pays: never much."""
        return torch.full((self.steps,), self.gamma).pow(torch.arange(self.steps)).cumsum(0).flip(0)

    @torch.no_grad()
    def score(self, trials: int, seed: int) -> float:
        """Return the mean reward of new trials. Actions are drawn, as they were learned: chance may explore, too."""
        generator = torch.Generator().manual_seed(seed)
        return float(self.play(self.draw(trials, generator), generator).reward.sum(1).mean())


def gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    """Return random numbers shaped as `like`; the largest of chances' logarithms plus these is one drawn by chance."""
    return -torch.empty_like(like).exponential_(generator=generator).log()


def advantages(reward: Tensor, value: Tensor, gamma: float, lam: float) -> Tensor:
    """Return sum over k of (gamma lam)^k d_(t+k), d_t = r_t + gamma v_(t+1) - v_t; [B, T], nothing follows the end."""
    after = torch.cat([value[:, 1:], torch.zeros_like(value[:, :1])], 1)
    errors = reward + gamma * after - value
    total, found = torch.zeros_like(value[:, 0]), []
    for error in errors.flip(1).unbind(1):
        total = error + gamma * lam * total
        found.append(total)
    return torch.stack(found[::-1], 1)
