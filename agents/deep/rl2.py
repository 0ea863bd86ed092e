"""RL^2: a recurrent policy that learns to learn. What it finds out about a task it keeps in its memory, not in weights.

A trial is one task of a family, played for a number of steps. The policy sees its last action, the last reward and
whether an episode ended with it, and its memory lasts for the whole trial, across episodes. It is trained over many
trials by actor-critic descent on all of a trial's rewards, so exploring early pays where it helps later.
Duan et al., "RL^2: Fast reinforcement learning via slow reinforcement learning", 2016 (there with TRPO);
advantages as in Schulman et al., "High-dimensional continuous control using generalized advantage estimation", 2016.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

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
    """What happened in a batch of trials, each [T, B]."""

    reward: Tensor
    chance: Tensor  # logarithm of the probability of what was done
    value: Tensor  # what the critic expected
    entropy: Tensor


class Policy(nn.Module):
    """From what was seen, done and paid to the next action's probabilities and what is still to be earned.

    The last action comes one-hot, then the same times the reward, the reward, and whether an episode ended.
    """

    def __init__(self, observation: int, actions: int, hidden: int) -> None:
        super().__init__()
        self.actions = actions
        self.cell = nn.GRUCell(observation + 2 * actions + 2, hidden)
        self.actor, self.critic = nn.Linear(hidden, actions), nn.Linear(hidden, 1)

    def forward(self, seen: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits [B, N], values [B] and the new memory [B, H]."""
        memory = self.cell(seen, memory)
        return self.actor(memory), self.critic(memory)[:, 0], memory


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
        hidden: int = 64,
        trials: int = 256,
        learning_rate: float = 6e-3,
        gamma: float = 0.99,
        lam: float = 0.9,
        entropy: float = 0.03,
        clip: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Make a learner.

        Args:
            draw: gives tasks.
            actions: of a task, N.
            steps: of a trial, T.
            observation: numbers of an observation, D.
            hidden: units of the memory.
            trials: of a batch, B.
            learning_rate: of Adam; falls to a tenth over the training.
            gamma: discount.
            lam: how far rewards count beyond what the critic expects (lambda; 1: to the end of the trial).
            entropy: bonus for chance in choosing, which falls to 0 over the training.
            clip: largest norm of a gradient.
            seed: of weights, tasks and choices.

        Raises:
            ParameterError: a value that is not allowed.
        """
        self.draw, self.steps = draw, check_int("steps", steps, 1)
        self.trials, self.entropy = check_int("trials", trials, 1), check_float("entropy", entropy, 0.0, 1e3)
        self.gamma, self.lam = check_float("gamma", gamma, 0.0, 1.0), check_float("lam", lam, 0.0, 1.0)
        self.learning_rate, self.clip = check_float("learning_rate", learning_rate, 1e-12, 1.0), clip
        check_int("observation", observation, 0)
        with first_weights(check_int("seed", seed, 0, 2**63 - 1)):
            self.policy = Policy(observation, check_int("actions", actions, 2), check_int("hidden", hidden, 1))
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
            trial = self.play(self.draw(self.trials, self._generator), self._generator)
            loss = self._loss(trial, self.entropy * (1.0 - number / rounds))
            if not bool(torch.isfinite(loss)):
                raise LossError(
                    f"the loss is {loss.item()} in round {self.rounds}, with learning rate {self.learning_rate:g}"
                )
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.policy.parameters(), self.clip)
            self.optimiser.param_groups[0]["lr"] = self.learning_rate * (1.0 - 0.9 * number / rounds)
            self.optimiser.step()
            self.rounds += 1
            earned.append(float(trial.reward.sum(0).mean()))
        return earned

    def play(self, tasks: Any, generator: torch.Generator | None) -> Trial:
        """Play a trial of each task; without a generator the likeliest action is taken every time."""
        count = len(tasks.see())
        memory = torch.zeros(count, self.policy.cell.hidden_size)
        last = torch.zeros(count, 2 * self.policy.actions + 2)
        steps = []
        for _ in range(self.steps):
            logits, value, memory = self.policy(torch.cat([tasks.see(), last], 1), memory)
            chances = logits.log_softmax(1)
            likely = chances.detach().exp()
            action = likely.argmax(1) if generator is None else likely.multinomial(1, generator=generator)[:, 0]
            reward, ended = tasks.step(action)
            shown = nn.functional.one_hot(action, self.policy.actions)
            paid = reward[:, None]
            # The reward in the place of its action: adding up what each has paid needs no product of inputs then.
            last = torch.cat([shown, shown * paid, paid, ended[:, None]], 1).float()
            chosen = chances.gather(1, action[:, None])[:, 0]
            steps.append((reward, chosen, value, -(chances.exp() * chances).sum(1)))
        return Trial(*map(torch.stack, zip(*steps, strict=True)))

    def _loss(self, trial: Trial, entropy: float) -> Tensor:
        advantage = advantages(trial.reward, trial.value.detach(), self.gamma, self.lam)
        wanted = advantage + trial.value.detach()
        scaled = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        acting, judging = -(trial.chance * scaled).mean(), ((trial.value - wanted) ** 2).mean()
        return acting + 0.5 * judging / self.steps - entropy * trial.entropy.mean()

    @torch.no_grad()
    def score(self, trials: int, seed: int) -> float:
        """Return the mean reward of new trials, with the likeliest action every time."""
        tasks = self.draw(trials, torch.Generator().manual_seed(seed))
        return float(self.play(tasks, None).reward.sum(0).mean())


def advantages(reward: Tensor, value: Tensor, gamma: float, lam: float) -> Tensor:
    """Return sum over k of (gamma lam)^k d_(t+k), d_t = r_t + gamma v_(t+1) - v_t; [T, B], nothing follows the end."""
    after = torch.cat([value[1:], torch.zeros_like(value[:1])])
    errors = reward + gamma * after - value
    total, found = torch.zeros_like(value[0]), []
    for error in errors.flip(0):
        total = error + gamma * lam * total
        found.append(total)
    return torch.stack(found[::-1])
