"""An environment that is played forwards and backwards, by a policy and by the keyboard; no display is needed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.params import ParameterError
from marl_envs.core.policy import Explains
from marl_envs.core.snapshot import Snapshot
from marl_envs.render.marks import RECENT
from marl_envs.render.scene import Artist, Frame, Moment, Pedals, Point, Surveyor, artist_of
from marl_envs.render.trajectory import Trajectory
from marl_envs.render.viewer.past import Past
from marl_envs.render.viewer.source import Details, now_of, seen_by_all, spaces_of

Row = NDArray[Any]  # one action an agent, [A]
Expected = tuple[Point, NDArray[Any]]  # a place [cells], and what is expected of each action there, [N]
MOST_PLACES = 2500  # that a policy is asked about in one picture


@dataclass(frozen=True)
class Paid:
    """What a step brought."""

    reward: NDArray[np.float32]  # [A]
    terms: NDArray[np.float32]  # [A, T]


class Session:
    """Plays `env`, one episode at a time, from `seed` or from a snapshot.

    Steps are remembered, so that `back` and `forward` go through the same moments, bit for bit. Where the keyboard has
    driven an agent, what came later is forgotten, and the policy goes on from what it remembers.

    Args:
        env: a ParallelEnv of this package (wrappers are taken off).
        policy: has `act(vec, obs)`, and `values(vec, obs)` if it explains itself; or a function from observations to
            actions, both dictionaries by agent; None: nobody but the keyboard acts.
        seed: of the first episode, and of the policy.
        start: where the first episode begins, instead of at a reset.
        script: actions [T, A] of its first T steps, instead of the policy's.

    Raises:
        TypeError: an environment of another package, or a policy that is neither kind.
    """

    can = frozenset({"back", "restart", "reseed", "drive", "keep"})

    def __init__(
        self,
        env: Any,
        policy: Any = None,
        seed: int = 0,
        *,
        name: str = "",
        start: Snapshot | None = None,
        script: NDArray[Any] | None = None,
    ) -> None:
        self.env = env.unwrapped
        if not (hasattr(self.env, "frame") and hasattr(self.env, "fingerprint")):
            raise TypeError(f"env must be a ParallelEnv of marl_envs, not {type(env).__name__}")
        if policy is not None and not (hasattr(policy, "act") or callable(policy)):
            raise TypeError(f"policy must have act(vec, obs) or be a function of the observations, not {policy!r}")
        self.policy, self.seed, self.name = policy, seed, name
        self.agents: list[str] = list(self.env.possible_agents)
        self.artist: Artist = importlib.import_module(self.env.vec.simulation.family.scene).artist(self.env.params)
        self._start, self._script = start, script
        self._driver: int | None = None
        self._steering: float | None = None
        self._numbers: bool = self.env.vec.simulation.continuous  # whether actions are numbers
        self._begin()

    @property
    def title(self) -> str:
        """What is played, by whom, from which seed."""
        return f"{self.name or self.env.metadata['name']} - seed {self.seed}"

    @property
    def at(self) -> int:
        """Steps since the beginning."""
        return self._at

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return not self.env.agents

    @property
    def driver(self) -> int | None:
        """The agent that the keyboard drives."""
        return self._driver

    def _begin(self) -> None:
        """Start the episode of `seed`."""
        mode, self.env.render_mode = self.env.render_mode, None  # a window of its own would come in the way
        try:
            self.env.reset(seed=self.seed)
            if self._start is not None:
                self.env.set_state(self._start)
        finally:
            self.env.render_mode = mode
        if hasattr(self.policy, "reset"):
            self.policy.reset(self.seed)
        self._at = 0
        self._actions: list[Row] = [] if self._script is None else list(self._script)
        self._paid: list[Paid] = []
        self._past = Past(self.env)
        self._past.keep(0, self._frame())
        self._values: tuple[int, Any] | None = None
        self._map: tuple[int, list[Expected]] | None = None

    def _frame(self) -> Frame:
        return {name: np.array(values) for name, values in self.env.frame().items()}

    def moment(self, chosen: int | None = None, values: bool = False) -> Moment:
        """Return what is to be drawn."""
        actions = tuple(self._actions[self._at - 1].tolist()) if self._at else ()
        frames = self._past.frames(self._at, RECENT)
        if not values:
            return Moment(frames, actions, None, chosen)
        return Moment(frames, actions, self._expected(), chosen, self._expected_elsewhere(frames[-1]))

    def _expected(self) -> NDArray[Any] | None:
        """Return what the policy expects of each action now, [A, N]; None if it does not say."""
        if self.over or not isinstance(self.policy, Explains):
            return None
        if self._values is None or self._values[0] != self._at:
            self._values = (self._at, self.policy.values(self.env.vec, seen_by_all(self.env.vec))[0])
        found: NDArray[Any] = self._values[1]
        return found

    def _expected_elsewhere(self, frame: Frame) -> list[Expected]:
        """Return what the policy would expect at other places, where the artist knows what is seen there."""
        if not isinstance(self.artist, Surveyor) or not isinstance(self.policy, Explains):
            return []
        if self._map is None or self._map[0] != self._at:
            vec, (places, sights) = self.env.vec, self.artist.elsewhere(frame)
            shape = seen_by_all(vec).shape
            sights = sights if len(places) <= MOST_PLACES else sights[:0]
            found = [self.policy.values(vec, np.broadcast_to(seen, shape).copy())[0, 0] for seen in sights]
            self._map = (self._at, list(zip(places, found, strict=False)))
        return self._map[1]

    def details(self, agent: int) -> Details:
        """Return what is known of an agent."""
        found: dict[str, Any] = {"name": self.agents[agent], "driven": agent == self._driver, "number": self._numbers}
        found |= now_of(self.env.vec, agent)
        if self._at:
            paid = self._paid[self._at - 1]
            found |= {
                "action": float(self._actions[self._at - 1][agent]),
                "reward": float(paid.reward[agent]),
                "earned": float(sum(step.reward[agent] for step in self._paid[: self._at])),
                "terms": tuple(zip(self.env.reward_terms, paid.terms[agent].tolist(), strict=True)),
            }
        values = self._expected()
        count = getattr(spaces_of(self.env.vec, agent)[1], "n", None)
        return Details(**found, values=None if values is None else values[agent, :count])

    def forward(self) -> bool:
        """Go one step on, as before if this one was played before; return whether there was one."""
        if self.over or (self._driver is not None and self._steer_for() is None):
            return False
        known = self._at < len(self._actions) and self._driver is None
        self._play(self._actions[self._at] if known else self._choose())
        return True

    def _steer_for(self) -> float | None:
        """Return the driven agent's action; None while it is waited for."""
        assert self._driver is not None
        if self._steering is not None or self._numbers:
            return self._steering or 0.0
        rests = self.artist.rest(self._past.frames(self._at, 1)[-1], self._driver)
        return None if rests < 0 else rests

    def _choose(self) -> Row:
        """Return everyone's action, and forget the future that it replaces."""
        del self._actions[self._at :], self._paid[self._at :]
        self._past.forget(self._at)
        self._values = self._map = None  # perhaps of that future
        vec = self.env.vec
        kind = np.float64 if self._numbers else np.int64
        if self.policy is None:
            now = self._past.frames(self._at, 1)[-1]
            row = np.array([max(self.artist.rest(now, a), 0) for a in range(len(self.agents))], kind)
        elif hasattr(self.policy, "act"):
            row = np.array(self.policy.act(vec, seen_by_all(vec))[0], kind)
        else:
            given = self.policy(dict(zip(self.agents, seen_by_all(vec)[0], strict=True)))
            row = np.array([np.asarray(given.get(agent, 0)).item() for agent in self.agents], kind)
        if self._driver is not None and (steered := self._steer_for()) is not None:
            row[self._driver] = steered
        self._actions.append(row)
        return row

    def _play(self, row: Row) -> None:
        """Step the environment, and remember."""
        mode, self.env.render_mode = self.env.render_mode, None
        actions = [np.array([value], np.float32) for value in row] if self._numbers else row.tolist()
        try:
            self.env.step(dict(zip(self.agents, actions, strict=True)))
        finally:
            self.env.render_mode = mode
        out = self.env.vec.out
        del self._paid[self._at :]
        self._paid.append(Paid(out.reward[0].copy(), out.terms[0].copy()))
        self._at += 1
        self._past.keep(self._at, self._frame())

    def back(self) -> bool:
        """Go one step back; return whether there was one."""
        if self._at == 0:
            return False
        self.seek(self._at - 1)
        return True

    def seek(self, at: int) -> None:
        """Go to the moment `at` steps after the beginning, of those that have been played.

        Raises:
            ParameterError: there is no such step.
        """
        if not 0 <= at <= len(self._actions):
            raise ParameterError(f"at must be in [0, {len(self._actions)}], not {at}")
        mode, self.env.render_mode = self.env.render_mode, None
        try:
            self._at = self._past.restore(at)
        finally:
            self.env.render_mode = mode
        while self._at < at:
            self._play(self._actions[self._at])

    def restart(self) -> None:
        """Go to the beginning of this episode; what has been played of it is forgotten."""
        self._begin()

    def reseed(self, by: int) -> None:
        """Begin the episode of another seed."""
        self.seed = max(0, self.seed + by)
        self._start = self._script = None
        self._begin()

    def drive(self, agent: int | None) -> None:
        """Let the keyboard drive an agent, or none."""
        self._driver, self._steering = agent, None

    @property
    def controls(self) -> Mapping[str, float]:
        """Actions of the driven agent by the keys that take them: arrows and such, and digits."""
        if self._driver is None:
            return {}
        space, artist = spaces_of(self.env.vec, self._driver)[1], artist_of(self.artist, self._driver)
        if self._numbers:
            low, high = float(space.low[0]), float(space.high[0])
            shares = artist.pedals if isinstance(artist, Pedals) else {}
            return {key: share * (high if share > 0 else -low) for key, share in shares.items()}
        digits = {str((action + 1) % 10): action for action in range(min(10, int(space.n)))}
        return digits | {key: action for key, action in artist.keys.items() if action < space.n}

    def steer(self, action: float | None) -> None:
        """Say what the driven agent does in the steps to come; None: it rests, also if it has no such action."""
        space = None if self._driver is None else spaces_of(self.env.vec, self._driver)[1]
        taken = action if self._numbers or action is None else int(action)
        known = taken is None or (space is not None and np.asarray(taken, space.dtype).reshape(space.shape) in space)
        self._steering = taken if known else None

    def trajectory(self) -> Trajectory:
        """Return the episode so far: seed and actions, or frames where it did not begin at a seed."""
        return self._past.trajectory(self.seed, self._actions[: self._at], self._start is None)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()
