"""Learning the inner policies of ready-made options: which moves bring a robot to what its option is about.

`WorkerEnv` gives options at random and pays 1 for each that reaches its goal, and nothing else; what breaks off because
its target vanished or it stalled pays nothing. An option that is over ends its sample (no bootstrapping), the robot
goes on with the next. So any learner of values learns the inner policies of all options at once, as the subgoals of
Sutton, Precup and Singh 1999, section 7: the observation says by the errand which kind of option it is about.

    workshop = WorkerEnv(OptionsEnv(vec, ShelfOptions(vec)))
    worker = IndependentQLearning(workshop, gamma=0.95)
    train(worker, workshop, 2_000_000, seed=0)
    env = OptionsEnv(vec, ShelfOptions(vec, worker=worker.q))
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from agents.options.env import OptionsEnv, streams
from agents.tabular.kernels import random_allowed
from marl_envs.core.jit import jit
from marl_envs.core.params import ParameterError
from marl_envs.core.snapshot import Snapshot

_STREAMS = 1 << 44  # far from those of environments, learners and inner policies of the same seed


class WorkerEnv:
    """The moves below an `OptionsEnv`, which is told at random what to do. A VectorEnv for learners on tables.

    Observations are int32 [E, A], what the option set's `see` gives; actions and masks are those of the environment
    below, rewards 1 where an option has reached its goal. `terminated` is True wherever an option was over, and agents
    live on. Metrics are the environment's.
    """

    def __init__(self, env: OptionsEnv) -> None:
        """Work below `env`, which is changed.

        Raises:
            ParameterError: its options do not say what their inner policies see, or its moves are not numbered.
        """
        if not env.options.num_seen or not isinstance(env.env.action_space, Discrete):
            raise ParameterError(f"{type(env.options).__name__} has no inner policy that could be learned from a table")
        self.env = env
        self.observation_space = Discrete(env.options.num_seen)
        self.action_space = env.env.action_space
        self._draws = streams(0, _STREAMS, env.num_envs)

    def __getattr__(self, name: str) -> Any:
        """Return the attribute of the environment below."""
        if name == "env" or name.startswith("__"):  # not there yet, as while it is being copied
            raise AttributeError(name)
        return getattr(self.env, name)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """That of the options' environment, marked as the workers'."""
        return {**self.env.fingerprint, "workers": True}

    @property
    def action_mask(self) -> NDArray[np.int8]:
        """The mask of moves that goes with the last observation, int8 [E, A, N]."""
        return np.array(self.env.env.action_mask)

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode everywhere, with an option for everybody."""
        _, info = self.env.reset(seed=seed)
        if seed is not None:
            self._draws[:] = streams(seed, _STREAMS, self.env.num_envs)
        self._assign()
        return self._begin(info)

    def _begin(self, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return what `reset` does, as things stand."""
        shown, mask = self._see(), self.action_mask
        return shown, info | {"action_mask": mask, "final_obs": shown, "final_action_mask": mask}

    def _assign(self) -> None:
        """Give who follows nothing an option at random: a brief one only where there is no other."""
        mask, brief = self.env.action_mask, self.env.options.brief
        longer = mask * ~brief
        mask = np.where(longer.any(axis=-1, keepdims=True), longer, mask).astype(np.int8)
        chosen = np.empty(mask.shape[:2], np.int64)
        draw_allowed(mask, self._draws, chosen)
        self.env.choose(chosen)

    def _see(self) -> NDArray[np.int32]:
        """Return what robots see of the ways to their options' targets."""
        return self.env.options.see(self.env.env, self.env.following)

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance by one step with these moves [E, A], as the environment's `step`."""
        brief = self.env.options.brief[self.env.following.option]
        _, _, _, truncated, info = self.env.carry_out(actions, see=True)
        reward = (info["option_reached"] & ~brief).astype(np.float32)
        self._assign()
        shown, mask = self._see(), self.action_mask
        info |= {"action_mask": mask, "final_obs": info["final_seen"], "final_action_mask": info["final_moves"]}
        return shown, reward, info["option_over"], truncated & ~info["option_over"], info

    def get_state(self) -> Snapshot:
        """Return the snapshot of the options' environment, with what is drawn next."""
        taken = self.env.get_state()
        meta = {**taken.meta, "fingerprint": self.fingerprint}
        return Snapshot(meta=meta, arrays={**taken.arrays, "draws": self._draws.copy()})

    def set_state(self, state: Snapshot) -> tuple[Any, dict[str, Any]]:
        """Continue from a snapshot.

        Raises:
            ValueError: it is of something else; nothing has changed then.
        """
        if state.meta["fingerprint"] != self.fingerprint:
            raise ValueError("the snapshot was taken from another environment, or with other options")
        rest = {name: array for name, array in state.arrays.items() if name != "draws"}
        _, info = self.env.set_state(Snapshot({**state.meta, "fingerprint": self.env.fingerprint}, rest))
        self._draws[:] = state.arrays["draws"]
        return self._begin(info)


@jit
def draw_allowed(mask: Any, rng: Any, chosen: Any) -> None:
    """Write for each agent one of what its mask allows, all alike."""
    for e in range(chosen.shape[0]):
        for a in range(chosen.shape[1]):
            chosen[e, a] = random_allowed(mask, e, a, rng)
