"""What all learners on networks share: acting, remembering, and one step of gradient descent. Rules are in their files.

A rule says with `_errors` how far the values of a batch are from their targets; the rest is here.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents import checkpoint
from agents.deep import descent
from agents.deep.batch import Batch, refuse_infinite
from agents.deep.policy import GreedyNetwork, allowed_at_random, masked_best, play
from agents.deep.replay import Fields, Replay
from agents.deep.settings import Settings
from agents.deep.targets import at_steps, follow, huber, value_of_best
from agents.deep.team import Sizes, Team
from agents.streams import LEARNING
from agents.tabular.inputs import expect
from agents.tabular.trainable import Trainable
from marl_envs.core.params import ParameterError

DRAWING = LEARNING + 1  # stream of what is drawn from the replay


class NetworkLearner(Trainable):
    """Learns the values of actions with a network. E environments, A agents, N actions, S numbers of memory.

    Attributes:
        chosen: the `Settings`.
        team, target: the networks that learn and that targets come from.
        memory: float32 [E, A, S], what the agents remember of their episodes.
        replay: what is learned from.
        counts: int64 [3], actions chosen, steps of the batch since `begin`, batches learned.
        steps, total_steps: agent-steps (environment steps x E x A) since `begin`, and planned.
    """

    needs_team_reward: ClassVar[bool | None] = None  # None: learns from either

    def __init__(self, vec: Any, **settings: Any) -> None:
        """Make a learner for the VectorEnv `vec`, of which it keeps only sizes and the fingerprint.

        Args:
            vec: observations Discrete or a Box, actions Discrete.
            settings: those of `Settings`.

        Raises:
            ParameterError: a value that is not allowed, an environment that does not fit, too large a replay.
        """
        self.chosen = chosen = Settings(**settings)
        self._check_reward(getattr(vec.params, "reward", None))
        self.sizes = Sizes(vec)
        self.num_envs, self.num_agents = int(vec.num_envs), self.sizes.num_agents
        self.num_actions = self.sizes.num_actions
        self.masked = getattr(vec, "action_mask", None) is not None
        self.fingerprint: dict[str, Any] = dict(vec.fingerprint)
        self.steps = self.total_steps = 0
        self.counts = np.zeros(3, np.int64)
        self.device = descent.device_of(chosen.device)
        with descent.first_weights(chosen.seed):
            self._make_networks()
        self._batch = (self.num_envs, self.num_agents)
        self.memory = np.zeros((*self._batch, self.team.memory_size), np.float32)
        self._memory_after = self.memory.copy()
        self.replay = Replay(
            self._fields(), self.num_envs, chosen.replay, chosen.window, chosen.prioritised, chosen.correction
        )

    def _check_reward(self, reward: object) -> None:
        """Refuse the wrong kind of reward."""
        name = type(self).__name__
        if self.needs_team_reward and reward != "team":
            raise ParameterError(f'{name} needs an environment built with reward="team", not reward={reward!r}')
        if self.needs_team_reward is False and reward == "team":
            raise ParameterError(
                f'{name} learns from each agent\'s own reward, but the environment was built with reward="team": '
                "use SharedRewardDQN"
            )

    def _make_networks(self) -> None:
        """Make the networks and the optimiser, whose state is there from the start, for checkpoints."""
        chosen = self.chosen
        self.team: Any = Team(self.sizes, chosen.body, chosen.dueling, chosen.share_network).to(self.device)
        self.learned = nn.ModuleDict({"team": self.team, **self._make_mixer()}).to(self.device)
        self.target = copy.deepcopy(self.learned).requires_grad_(False)
        self.optimiser = descent.adam(self.learned)

    def _make_mixer(self) -> dict[str, nn.Module]:
        """Return further networks that are learned."""
        return {}

    def _fields(self) -> Fields:
        """Return what the replay holds of a step of one environment."""
        agents, obs = self.num_agents, (self.num_agents, *self.sizes.obs_shape)
        found: Fields = {
            "obs": (obs, self.sizes.dtype.type),
            "action": ((agents,), np.int64),
            "reward": ((agents,), np.float32),
            "after": (obs, self.sizes.dtype.type),
            "ended": ((), np.bool_),
            "terminated": ((agents,), np.bool_),
            "alive": ((agents,), np.bool_),
        }
        if self.masked:
            found["mask"] = ((agents, self.num_actions), np.int8)
        if self.team.memory_size:
            found["memory"] = (self.memory.shape[1:], np.float32)
        return found

    def begin(self, total_steps: int) -> None:
        """Plan a training of `total_steps` agent-steps: schedules and replay start anew, networks stay."""
        super().begin(total_steps)
        self.counts[1] = 0
        self.memory[...] = 0.0
        self.replay.clear()

    def act(self, obs: NDArray[Any], mask: NDArray[np.int8] | None = None, explore: bool = True) -> NDArray[np.int64]:
        """Return actions int64 [E, A] for observations [E, A, ...] and mask int8 [E, A, N] (None: all allowed).

        Raises:
            ValueError: wrong shapes or dtypes, an observation that is not finite, or a mask that allows nothing.
        """
        obs = self._expect_obs("obs", obs)
        refuse_infinite(self.counts[1], "obs", obs)
        mask = self._expect_mask("mask", mask)
        values, self._memory_after = play(self.team, obs, self.memory)
        actions = masked_best(values, mask)
        if explore:
            rng = self._stream(LEARNING, 0)
            tries = rng.random(self._batch) < self.chosen.exploration.strength(self.progress)
            actions = np.where(tries, allowed_at_random(rng, mask, values.shape), actions)
        return actions

    def update(
        self,
        obs: NDArray[Any],
        actions: NDArray[np.int64],
        reward: NDArray[np.float32],
        next_obs: NDArray[Any],
        final_obs: NDArray[Any],
        ended: NDArray[np.bool_],
        terminated: NDArray[np.bool_],
        alive: NDArray[np.bool_],
        next_mask: NDArray[np.int8] | None = None,
        final_mask: NDArray[np.int8] | None = None,
        **named: Any,
    ) -> None:
        """Remember one step of the batch and, when it is time, learn; arguments as of `TabularQLearning.update`.

        Raises:
            ValueError: wrong shapes or dtypes, or numbers that are not finite; nothing is remembered then.
            LossError: a loss is not finite; names the step, the batch and the learning rate.
        """
        ended = expect("ended", ended, self._batch[:1], np.bool_)
        over = ended.reshape(-1, *[1] * (1 + len(self.sizes.obs_shape)))
        step: dict[str, Any] = {
            "obs": self._expect_obs("obs", obs),
            "action": expect("actions", actions, self._batch, np.int64),
            "reward": expect("reward", reward, self._batch, np.float32),
            "after": np.where(over, self._expect_obs("final_obs", final_obs), self._expect_obs("next_obs", next_obs)),
            "ended": ended,
            "terminated": expect("terminated", terminated, self._batch, np.bool_),
            "alive": expect("alive", alive, self._batch, np.bool_),
        }
        for name in ("obs", "after", "reward"):  # final_obs may hold anything where no episode ended
            refuse_infinite(self.counts[1], name, step[name])
        if self.masked:
            masks = [self._expect_mask(*pair) for pair in (("final_mask", final_mask), ("next_mask", next_mask))]
            everything = np.ones((*self._batch, self.num_actions), np.int8)
            final, following = (everything if one is None else one for one in masks)
            step["mask"] = np.where(ended[:, None, None], final, following)
        self._remember(step, named)
        self.counts[1] += 1
        self.steps += step["action"].size
        self._learn_if_due()

    def _remember(self, step: dict[str, Any], named: dict[str, Any]) -> None:
        """Store a checked step; `named` is what else the learner `wants` of the environment."""
        if named:
            raise TypeError(f"update() got what {type(self).__name__} has no use for: {', '.join(named)}")
        if self.team.memory_size:
            step["memory"] = self.memory
        self.replay.add(**step)
        self.memory[...] = self._memory_after
        self.memory[step["ended"][:, None] | ~step["alive"]] = 0.0

    def _learn_if_due(self) -> None:
        chosen, done = self.chosen, int(self.counts[1])
        if done * self.num_envs < chosen.learn_after or done % chosen.train_every or not len(self.replay):
            return
        for _ in range(chosen.gradient_steps):
            self._descend()

    def _descend(self) -> None:
        """Learn from one batch."""
        chosen, rate = self.chosen, self.chosen.rate(self.progress)
        drawn = self.replay.draw(chosen.batch, self._stream(DRAWING, 2))
        batch = Batch.of(drawn.steps, chosen.burn_in, self.team.memory_size, self.device)
        errors, counted = self._errors(batch)
        weights = torch.from_numpy(drawn.weights).to(self.device)[:, None, None] * counted
        loss = (huber(errors, chosen.huber) * weights).sum() / counted.sum().clamp(min=1.0)
        if not bool(torch.isfinite(loss)):
            raise descent.LossError(
                f"the loss is {loss.item()} at step {self.steps} (of {self.total_steps}), batch {self.counts[2]}, with "
                f"learning rate {rate:g}: a lower rate, smaller rewards or a smaller `huber` may help"
            )
        descent.descend(loss, self.learned, self.optimiser, rate, chosen.clip)
        if self.counts[2] % chosen.target_every == 0:
            follow(self.target, self.learned, chosen.tau)
        if chosen.prioritised:
            mean = (errors.detach().abs() * counted).sum((1, 2)) / counted.sum((1, 2)).clamp(min=1.0)
            self.replay.prioritise(drawn.places, mean.cpu().numpy())

    def _errors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return target - value, and how much each counts (0 or 1), both [B, L, A or 1]. Each rule has its own."""
        raise NotImplementedError

    def _values(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the values [B, L, A] of what was done, and the memories [B, K, A, S] after each step."""
        learned = self.chosen.sequence
        steps = batch if self.team.memory_size else batch.first(learned)
        values, memories = self.team(steps.obs, batch.warmed(self.team), steps.fresh)
        return values[:, :learned].gather(-1, batch.action[:, :learned, :, None]).squeeze(-1), memories

    @torch.no_grad()
    def _values_after(self, batch: Batch, memories: Tensor, last: Tensor) -> Tensor:
        """Return what is expected [B, L, A] after the steps `last` [B, L, A] of the window, as the target sees it."""
        target = self.target["team"]
        _, theirs = target(batch.obs, batch.warmed(target), batch.fresh) if target.memory_size else (None, memories)
        obs = at_steps(batch.after, last)
        begins = torch.zeros(last.shape, dtype=torch.bool, device=last.device).flatten(0, 1)[:, None]

        def judge(team: Any, remembered: Tensor) -> Tensor:
            memory = at_steps(remembered, last) if team.memory_size else remembered.new_zeros((*last.shape, 0))
            values, _ = team(obs.flatten(0, 1)[:, None], memory.flatten(0, 1), begins)
            return values[:, 0].unflatten(0, last.shape[:2])

        judged = judge(target, theirs)
        choosing = judge(self.team, memories) if self.chosen.double else judged
        return value_of_best(judged, choosing, None if batch.mask is None else at_steps(batch.mask, last))

    def _expect_obs(self, name: str, obs: NDArray[Any]) -> NDArray[Any]:
        return expect(name, obs, (*self._batch, *self.sizes.obs_shape), self.sizes.dtype)

    def _expect_mask(self, name: str, mask: NDArray[np.int8] | None) -> NDArray[np.int8] | None:
        if mask is not None and not self.masked:
            raise ValueError(f"{name} is given, but the learner was made for an environment without masks")
        return None if mask is None else expect(name, mask, (*self._batch, self.num_actions), np.int8)

    def _stream(self, stream: int, counter: int) -> np.random.Generator:
        """Return the random numbers of the next use of a stream, which depend on how often it was used before."""
        self.counts[counter] += 1
        return np.random.default_rng([self.chosen.seed, stream, int(self.counts[counter])])

    def greedy(self) -> GreedyNetwork:
        """Return the greedy policy over the learner's own network; it remembers its own episodes."""
        return GreedyNetwork(self.team)

    def knowledge(self) -> checkpoint.Arrays:
        """Return the learning networks' weights; on the CPU these are the live arrays."""
        return descent.weights_of(self.learned, "net")

    def know(self, arrays: checkpoint.Arrays) -> None:
        """Take over what another moment's `knowledge` was; the target network begins with the same.

        Raises:
            ParameterError: something is missing there, or has another shape; nothing has changed then.
        """
        descent.refuse_unlike(self.knowledge(), arrays)
        descent.put_weights(self.learned, "net", arrays)
        follow(self.target, self.learned, 1.0)

    def course(self) -> checkpoint.Arrays:
        """Return what else decides how the training goes on: target, optimiser, replay, memory, counts."""
        found = descent.weights_of(self.target, "target") | descent.moments_of(self.learned, self.optimiser)
        return {**found, "memory": self.memory, "counts": self.counts, **self.replay.arrays()}

    def filled(self, arrays: checkpoint.Arrays) -> None:
        """Take over a checkpoint's arrays, which were put into those of `knowledge` and `course`."""
        descent.put_weights(self.learned, "net", arrays)
        if "counts" not in arrays:  # of another batch size: a training cannot go on, but begin with these weights
            follow(self.target, self.learned, 1.0)
            return
        descent.put_weights(self.target, "target", arrays)
        descent.put_moments(self.learned, self.optimiser, arrays)

    @property
    def layout(self) -> list[list[int]]:
        """Shapes of the weights, in order."""
        return [list(weight.shape) for weight in self.learned.parameters()]

    def settings(self) -> dict[str, Any]:
        """Return everything that was chosen for the learner, as a JSON-able dict."""
        return {"algorithm": type(self).__name__, **self.chosen.to_config()}
