"""Options as the actions of an environment: a manager chooses among them, and the environment carries them out.

A step is one step of the environment below. While an option runs, the mask allows it alone; once it is over, it allows
what may be started. So whatever learns with masks can be the manager, a table or a network; the learners over options
(`SMDPQLearning`, `IntraOptionQLearning`) also read from the info when one is over. An option is over when it is no
longer about the same thing (its goal is reached, or its target has vanished), or after `patience` steps in a row in
which it came no nearer to its target than it had been before: it has stalled.

At a time limit the last mask is of the same kind: what an option that is broken off leads to is worth what going on
with it would be, not what the best of all would.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, Protocol

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete
from numpy.typing import NDArray

from agents import checkpoint
from marl_envs.core.actions import take
from marl_envs.core.params import ParameterError, check_choice, check_int
from marl_envs.core.random import seed_stream
from marl_envs.core.snapshot import Snapshot
from marl_envs.core.vector import VectorEnv

NONE = -1
NOTHING = 0  # what an option is about that may not be started
FAR = np.iinfo(np.int64).max
_STREAMS = 1 << 43  # far from those of environments and learners of the same seed


class Following(NamedTuple):
    """The options that agents follow."""

    option: Annotated[NDArray[np.int64], "E A"]  # NONE: the next one is still to be chosen
    about: Annotated[NDArray[np.int64], "E A"]  # what it was about when it was started
    nearest: Annotated[NDArray[np.int64], "E A"]  # [steps] shortest distance to its target since then
    stalled: Annotated[NDArray[np.int64], "E A"]  # [steps] since then
    stuck: Annotated[NDArray[np.int8], "E A"]  # 1: the agent's last option stalled
    evasion: Annotated[NDArray[np.int64], "E A"]  # what the inner policy remembers of its way round others
    rng: Annotated[NDArray[np.uint64], "E"]  # streams of the inner policy


class Look(NamedTuple):
    """What options are for each agent at one moment."""

    about: NDArray[np.int64]  # [E, A, O]: the number of what each is about; NOTHING: may not be started
    left: NDArray[np.int64]  # [E, A, O], steps to its target
    rows: NDArray[np.int32]  # [E, A, O]: what it looks like, as a row of a table
    moves: NDArray[np.int64]  # [E, A, O]: the action that its inner policy prefers; NONE where it may not be started


class OptionSet(Protocol):
    """Ready-made options of one kind of environment; O of them. `ShelfOptions` is one, write others like it."""

    names: tuple[str, ...]
    kinds: NDArray[np.int64]  # [O]: options of one kind are worth the same where they look the same
    brief: NDArray[np.bool_]  # [O]: over after one step, as a move is; one of these may always be started
    num_rows: int  # what `Look.rows` lie below
    num_seen: int  # what `see` lies below; 0: inner policies cannot be learned
    row_bases: tuple[int, ...]  # what the digits of a row lie below; their product is `num_rows`
    seen_bases: tuple[int, ...]  # the same of what `see` gives

    def check(self, vec: VectorEnv) -> None:
        """Raise ParameterError if these options are not for the environment `vec`."""
        ...

    def look(self, vec: VectorEnv, following: Following) -> Look:
        """Return what the options are now."""
        ...

    def act(self, vec: VectorEnv, following: Following) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] of the options that agents follow, which all follow one."""
        ...

    def reached(self, vec: VectorEnv, following: Following) -> NDArray[np.bool_]:
        """Return which of the options that are over have reached what they were for, bool [E, A]."""
        ...

    def see(self, vec: VectorEnv, following: Following) -> NDArray[np.int32]:
        """Return what a learned inner policy sees, for the options that agents follow, int32 [E, A]."""
        ...

    def to_config(self) -> dict[str, Any]:
        """Return what was chosen, as a JSON-able dict."""
        ...


class OptionsEnv:
    """A VectorEnv whose actions are options; rewards, episodes and metrics are those of the environment below.

    Observations are int32 [E, A, O], what each option looks like (`observation="options"`), or those of the
    environment below ("environment"). A step's info has beside the usual: option int64 [E, A], what each agent
    followed; option_over and option_reached bool [E, A]; and for intra-option learning option_starts int8, same_option
    bool and option_stops float64 [E, A, O]: what may be started after the step, which options would have done the same
    in it, and which of these stop after it.
    """

    def __init__(self, vec: VectorEnv, options: OptionSet, *, patience: int = 20, observation: str = "options") -> None:
        """Take the kind and number of environments from `vec`; the batch is a new one.

        Args:
            vec: what to play in; it is not touched.
            options: of that kind of environment.
            patience: steps in a row without coming nearer, after which an option has stalled.
            observation: "options", or "environment".

        Raises:
            ParameterError: a value that is not allowed, an environment without masks or not for these options.
        """
        self.patience = check_int("patience", patience, 1, 1_000_000)
        check_choice("observation", observation, ("options", "environment"))
        self.observation = observation
        if not isinstance(vec, VectorEnv):
            raise ParameterError(f"options need a VectorEnv, not {type(vec).__name__}")
        options.check(vec)
        self.options = options
        self.env = VectorEnv(vec.simulation, vec.num_envs, vec.num_threads, autoreset=False)
        self.env.require_guidance()
        count, batch = len(options.names), (vec.num_envs, vec.num_agents)
        self.action_space = Discrete(count)
        rows = MultiDiscrete([options.num_rows] * count, dtype=np.int32)
        self.observation_space = rows if self.observation == "options" else vec.observation_space
        numbers = (np.zeros(batch, np.int64) for _ in range(5))
        option, about, nearest, stalled, evasion = numbers
        stuck = np.zeros(batch, np.int8)
        self.following = Following(option, about, nearest, stalled, stuck, evasion, streams(0, _STREAMS, batch[0]))
        self._chosen = np.zeros(batch, np.int32)

    def __getattr__(self, name: str) -> Any:
        """Return the attribute of the environment below."""
        if name == "env" or name.startswith("__"):  # not there yet, as while it is being copied
            raise AttributeError(name)
        return getattr(self.env, name)

    @property
    def option_kinds(self) -> NDArray[np.int64]:
        """The kind of each option, int64 [O]."""
        return self.options.kinds

    @property
    def option_names(self) -> tuple[str, ...]:
        """The name of each option."""
        return self.options.names

    @property
    def fingerprint(self) -> dict[str, Any]:
        """The environment's, with what was chosen about options."""
        chosen = {"patience": self.patience, "observation": self.observation, **self.options.to_config()}
        return {**self.env.fingerprint, "options": chosen}

    @property
    def action_mask(self) -> NDArray[np.int8]:
        """The mask of options that goes with the last observation, int8 [E, A, O]."""
        return self._mask(self.now)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode everywhere, as the environment's `reset`."""
        del options
        obs, info = self.env.reset(seed=seed)
        if seed is not None:
            self.following.rng[:] = streams(seed, _STREAMS, self.env.num_envs)
        self._forget(np.ones(self.env.num_envs, bool))
        self.now = self.options.look(self.env, self.following)
        shown = self._show(obs)
        return shown, self._info(info, shown, self.action_mask)

    def _forget(self, rows: NDArray[np.bool_]) -> None:
        """Let nobody follow anything in these environments."""
        self.following.option[rows] = NONE
        self.following.stuck[rows] = 0
        self.following.evasion[rows] = 0

    def _show(self, obs: Any) -> Any:
        return self.now.rows if self.observation == "options" else np.array(obs)

    def _mask(self, look: Look) -> NDArray[np.int8]:
        """Return which options may be chosen: of who follows one, that one."""
        following = self.following.option[..., None]
        own = following == np.arange(len(self.options.names))
        return np.where(following == NONE, look.about != NOTHING, own).astype(np.int8)

    def _info(self, info: dict[str, Any], final_obs: Any, final_mask: NDArray[np.int8]) -> dict[str, Any]:
        info = {**info, "alive": info["alive"].copy(), "action_mask": self.action_mask}
        return info | {"final_obs": final_obs, "final_action_mask": final_mask}

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance by one step of the environment, as its `step`; agents that follow an option go on with it.

        Args:
            actions: options [E, A]. One that may not be started counts as the last brief one.

        Raises:
            TypeError, ValueError: wrong dtype, shape or an option that does not exist; nothing has changed then.
        """
        take(actions, self._chosen, len(self.options.names), self.env.agents)
        self.choose(self._chosen)
        return self.carry_out(self.options.act(self.env, self.following))

    def choose(self, chosen: NDArray[Any]) -> None:
        """Let agents that follow nothing start the chosen options [E, A]."""
        following, look = self.following, self.now
        new = following.option == NONE
        possible = np.take_along_axis(look.about, chosen[..., None].astype(np.int64), axis=-1)[..., 0] != NOTHING
        started = np.where(possible, chosen, int(np.flatnonzero(self.options.brief)[-1]))
        following.option[new] = started[new]
        following.about[new] = _of(look.about, following.option)[new]
        following.nearest[new] = _of(look.left, following.option)[new]
        following.stalled[new] = 0

    def carry_out(self, moves: NDArray[np.int64], see: bool = False) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance by one step with these actions of the environment below, [E, A]; see what of options is over.

        With `see` the info also has what inner policies see after it, and which moves are allowed there, before ended
        environments are reset: final_seen and final_moves.
        """
        before, followed = self.now, self.following.option.copy()
        obs, reward, terminated, truncated, info = self.env.step(moves)
        reward, terminated, truncated = reward.copy(), terminated.copy(), truncated.copy()
        info = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in info.items()}
        self.now = self.options.look(self.env, self.following)
        over, reached = self._judge()
        self.now = self.options.look(self.env, self.following)  # who has finished is in nobody's way
        info |= self._lessons(before, followed, moves) | {"option_over": over, "option_reached": reached}
        # What a time limit breaks off would have gone on: the option that still runs is all that may follow
        final_obs, final_mask, ended = self._show(obs), self._mask(self.now), info["ended"]
        if see:
            info["final_seen"] = self.options.see(self.env, self.following)
            info["final_moves"] = np.array(self.env.action_mask)
        if ended.any():
            info |= {"metrics": self.env.metrics(), "_metrics": ended}
            self.env.restart(ended)
            self._forget(ended)
            self.now = self.options.look(self.env, self.following)
            info["alive"] = np.where(ended[:, None], True, info["alive"])
        return self._show(self._seen()), reward, terminated, truncated, self._info(info, final_obs, final_mask)

    def _seen(self) -> Any:
        """Return the last observations of the environment below."""
        return self.env.out.label if isinstance(self.env.observation_space, Discrete) else self.env.out.obs

    def _judge(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Find out which options are over, and which of them have reached what they were for."""
        following, option = self.following, self.following.option
        left = _of(self.now.left, option)
        nearer = left < following.nearest
        following.nearest[nearer] = left[nearer]
        following.stalled[:] = np.where(nearer, 0, following.stalled + 1)
        done = (_of(self.now.about, option) != following.about) | self.options.brief[option]
        reached = done & self.options.reached(self.env, following)
        stalled = ~done & (following.stalled >= self.patience)
        over = done | stalled
        following.stuck[over] = stalled[over]
        option[over] = NONE
        return over, reached

    def _lessons(self, before: Look, followed: NDArray[np.int64], moves: NDArray[np.int64]) -> dict[str, Any]:
        """Return what a step teaches options that were not followed."""
        possible = before.about != NOTHING
        own = followed[..., None] == np.arange(len(self.options.names))
        stops = (self.now.about != before.about) | self.options.brief
        stops = np.where(own & (self.following.option == NONE)[..., None], True, stops)
        return {
            "option": followed,
            "option_starts": (self.now.about != NOTHING).astype(np.int8),
            "same_option": own | (possible & (before.moves == moves[..., None])),
            "option_stops": stops.astype(np.float64),
        }

    def get_state(self) -> Snapshot:
        """Return the environment's snapshot, with the options that agents follow."""
        taken = self.env.get_state()
        own = {name: array.copy() for name, array in checkpoint.named(self.following, "following.").items()}
        return Snapshot(meta={**taken.meta, "fingerprint": self.fingerprint}, arrays={**taken.arrays, **own})

    def set_state(self, state: Snapshot) -> tuple[Any, dict[str, Any]]:
        """Continue from a snapshot of this environment with these options.

        Raises:
            ValueError: the snapshot is of another environment, other options or another batch size; nothing has
                changed then.
        """
        if state.meta["fingerprint"] != self.fingerprint:
            raise ValueError("the snapshot was taken from another environment, or with other options")
        own = checkpoint.named(self.following, "following.")
        rest = {name: array for name, array in state.arrays.items() if name not in own}
        meta = {**state.meta, "fingerprint": self.env.fingerprint}
        obs, info = self.env.set_state(Snapshot(meta=meta, arrays=rest))
        for name, array in own.items():
            array[...] = state.arrays[name]
        self.now = self.options.look(self.env, self.following)
        shown = self._show(obs)
        return shown, self._info(info, shown, self.action_mask)


def streams(seed: int, first: int, count: int) -> NDArray[np.uint64]:
    """Return that many random streams of a seed, uint64 [count]."""
    return np.array([seed_stream(seed, first + e) for e in range(count)], np.uint64)


def _of(numbers: NDArray[np.int64], option: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return of numbers [E, A, O] those of one option each, [E, A]."""
    chosen: NDArray[np.int64] = np.take_along_axis(numbers, np.maximum(option, 0)[..., None], axis=-1)[..., 0]
    return chosen
