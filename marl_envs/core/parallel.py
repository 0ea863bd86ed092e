"""The PettingZoo face: a ParallelEnv over a batch of one; AEC through PettingZoo's own conversion."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv as PettingZooEnv
from pettingzoo.utils.conversions import parallel_to_aec

from marl_envs.core.actions import take_number_of_each, what_is_wrong
from marl_envs.core.family import Simulation
from marl_envs.core.finishing import Results, leaving, living, staying
from marl_envs.core.kinds import Cutter, spaces_of
from marl_envs.core.operations import STEP
from marl_envs.core.params import ParameterError, check_int
from marl_envs.core.snapshot import Snapshot
from marl_envs.core.vector import VectorEnv

RENDER_MODES = ("human", "rgb_array", "ansi")


class ParallelEnv(PettingZooEnv[str, Any, Any]):
    """Agents act at the same time; dictionaries by agent name in and out.

    `agents` equals `possible_agents` from reset to the last step, where all are truncated (or terminated) together;
    then it is empty. Every call returns new dictionaries and arrays. Infos hold `action_mask` (int8, unless
    mask is "obs" or None) and `reward_terms` (float32, named by `reward_terms` of the environment), and `alive` (1 or
    0) where agents can finish before the others: a finished one stays listed with a zero observation, no reward and
    only the no-op allowed, or leaves `agents` in an environment built with `agents_leave=True`. The family's notes
    are integers in the infos. Where actions are numbers, there is no mask.
    """

    def __init__(
        self, simulation: Simulation, render_mode: str | None = None, render_size: tuple[int, int] = (640, 480)
    ) -> None:
        """Prepare one environment.

        Args:
            simulation: what to simulate, from a family's `build`.
            render_mode: "human", "rgb_array", "ansi" or None.
            render_size: (width, height) of pictures [pixels].

        Raises:
            ParameterError: an unknown `render_mode`, or a size that is not two whole numbers from 16.
        """
        self.render_size = _checked_size(render_size)
        if render_mode not in (None, *RENDER_MODES):
            raise ParameterError(f"render_mode must be one of {(None, *RENDER_MODES)}, not {render_mode!r}")
        self.metadata = {
            "name": simulation.family.name,
            "render_modes": list(RENDER_MODES),
            "render_fps": 10,
            "is_parallelizable": True,
        }
        self.render_mode = render_mode
        self.vec = VectorEnv(simulation, autoreset=False)
        self.possible_agents = list(simulation.agents)
        self._numbered = list(enumerate(self.possible_agents))
        self.agents: list[str] = []
        self.np_random = np.random.default_rng()  # for wrappers that draw (SuperSuit's frame_skip); nothing here does
        self._ready = False
        self._painter: Any = None
        self._alone = simulation.family.finish_alone
        self._mask = simulation.params.mask
        self._spaces = spaces_of(simulation, self._mask)
        self._cutter = Cutter(simulation)
        self._wire()

    def _wire(self) -> None:
        """Keep at hand what every step needs: the kernel, and rows of the result arrays."""
        self._play = self.vec.simulation.family.play
        self._more = bool(self.vec.simulation.family.then)
        out = self.vec.out
        self._actions = memoryview(self.vec.arrays.actions[0])
        self._continuous = self.vec.simulation.continuous
        actions: Any = () if self._continuous else [self._spaces[agent][1] for agent in self.possible_agents]
        self._limits = [(i, self.possible_agents[i], int(space.n)) for i, space in enumerate(actions)]
        self._notes = self.vec.simulation.family.notes
        self._obs = self.vec.simulation.seen(out.label, out.obs)[0]
        self._out = (out.reward[0], out.terminated[0], out.truncated[0], out.terms[0], out.mask[0], out.notes[0])
        self._ended: Any = memoryview(out.ended.view(np.uint8))  # type: ignore[arg-type]
        self._alive: Any = out.alive[0]

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the agent's observation space, the same object for all agents of its kind and all calls."""
        return self._spaces[agent][0]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the agent's action space, the same object for all agents of its kind and all calls."""
        return self._spaces[agent][1]

    @property
    def state_space(self) -> spaces.Space[Any]:
        """Space of `state()`."""
        return self.vec.state_space  # type: ignore[no-any-return]

    @property
    def params(self) -> Any:
        """The family's frozen parameters."""
        return self.vec.params

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Name and parameters, ready for JSON."""
        return self.vec.fingerprint

    @property
    def reward_terms(self) -> tuple[str, ...]:
        """Names of the numbers in `info["reward_terms"]`."""
        return self.vec.reward_terms

    @property
    def max_cycles(self) -> int:
        """Steps after which an episode is truncated; may be set."""
        return self.vec.max_cycles

    @max_cycles.setter
    def max_cycles(self, value: int) -> None:
        self.vec.max_cycles = value

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode; without a seed the random stream goes on. `options` is ignored."""
        self.vec.reset(seed=seed, options=options)
        if seed is not None:
            self.np_random = np.random.default_rng(seed)
        return self._begin()

    def _begin(self) -> tuple[dict[str, Any], dict[str, Any]]:
        self.agents = list(self.possible_agents)
        self._ready = True
        results = self._collect()
        obs, *_, infos = self._settle(results, None) if self._alone else results
        if self.render_mode == "human":
            self.render()
        return obs, infos

    def step(self, actions: dict[str, Any]) -> Results:
        """Advance by one step; return observations, rewards, terminations, truncations, infos, a dict each.

        After the end five empty dicts come back.

        Raises:
            RuntimeError: before the first reset.
            KeyError: an agent's action is missing, or a name is unknown.
            TypeError, ValueError: an action is no integer or outside the space. Nothing has changed then.
        """
        agents = self.agents
        if not agents:
            return self._after_end()
        if self._alone:
            actions = living(actions, self.possible_agents, self._alive.tolist())
        self._take(actions)
        self._play(self.vec.table, STEP, 0, 1)  # not kept at hand: planners make the batch lay out a new one
        if self._more:
            self.vec._finish_step()
        results = self._collect()
        if self._alone:
            results = self._settle(results, agents)
        elif self._ended[0]:
            self.agents = []
        if self.render_mode == "human":
            self.render()
        return results

    def _take(self, actions: Any) -> None:
        """Check the actions and put them where the kernels find them."""
        if self._continuous:
            space = self.vec.action_space
            take_number_of_each(actions, self.vec.arrays.controls[0], space, self.possible_agents)
            return
        buffer = self._actions
        try:
            for i, agent, limit in self._limits:
                buffer[i] = actions[agent]
                if not 0 <= buffer[i] < limit:
                    raise ValueError
        except (LookupError, TypeError, ValueError):
            raise self._explain(actions) from None
        if len(actions) != len(self._numbered) and not actions.keys() <= set(self.possible_agents):
            raise self._explain(actions)

    def _settle(self, results: Results, listed: list[str] | None) -> Results:
        """Set `agents` to who goes on; return the results of those `listed` until now (None: of these)."""
        ended = bool(self._ended[0])
        alive = dict(zip(self.possible_agents, self._alive.tolist(), strict=True))
        leave = self.params.agents_leave
        self.agents = [] if ended else [agent for agent in self.possible_agents if alive[agent] or not leave]
        if leave:
            return leaving(results, self.agents if listed is None else listed, alive)
        staying(results, ended, alive)
        return results

    def _collect(self) -> Results:
        """Return what `step` does, as new dictionaries and arrays."""
        # Plain loops take half the time of dict(zip(..., strict=True)).
        obs, rewards, terminations, truncations = {}, {}, {}, {}
        infos: dict[str, dict[str, Any]] = {}
        reward, terminated, truncated, terms, mask, notes = self._out
        rows = self._obs.astype(np.int64) if self._obs.ndim == 1 else self._obs.copy()
        paid, done, cut, terms, mask = (
            reward.tolist(),
            terminated.tolist(),
            truncated.tolist(),
            terms.copy(),
            mask.copy(),
        )
        rows, mask = self._cutter.cut(rows, mask)
        for i, agent in self._numbered:
            obs[agent] = rows[i]
            rewards[agent] = paid[i]
            terminations[agent] = done[i]
            truncations[agent] = cut[i]
            infos[agent] = {"reward_terms": terms[i]}
        if self._notes:
            for agent, row in zip(self.possible_agents, notes.tolist(), strict=True):
                infos[agent].update(zip(self._notes, row, strict=True))
        if self._mask == "info" and not self._continuous:
            for i, agent in self._numbered:
                infos[agent]["action_mask"] = mask[i]
        elif self._mask == "obs":
            obs = {agent: {"observation": obs[agent], "action_mask": mask[i]} for i, agent in self._numbered}
        return obs, rewards, terminations, truncations, infos

    def _after_end(self) -> Results:
        if not self._ready:
            raise RuntimeError("call reset() before step()")
        return {}, {}, {}, {}, {}

    def _explain(self, actions: Any) -> Exception:
        limits = {agent: limit for _, agent, limit in self._limits}
        return what_is_wrong(actions, self.agents, self.possible_agents, limits)

    def state(self) -> NDArray[np.float32]:
        """Return the global state, 1-D float32 inside `state_space`; also valid after the end."""
        if not self._ready:
            raise RuntimeError("call reset() before state()")
        state: NDArray[np.float32] = self.vec.state()[0]
        return state

    def metrics(self) -> dict[str, float]:
        """Return the metrics of the episode so far; the family's METRICS gives units and definitions."""
        return {name: float(value[0]) for name, value in self.vec.metrics().items()}

    def frame(self) -> dict[str, NDArray[Any]]:
        """Return what a picture of the environment needs."""
        return self.vec.frame(0)

    def get_state(self) -> Snapshot:
        """Return a full, picklable copy of the environment's state."""
        if not self._ready:
            raise RuntimeError("call reset() before get_state()")
        snapshot = self.vec.get_state()
        snapshot.meta["over"] = not self.agents
        return snapshot

    def set_state(self, state: Snapshot) -> tuple[dict[str, Any], dict[str, Any]]:
        """Continue from a snapshot, mid-episode; return observations and infos as `reset` does.

        Raises:
            ValueError: the snapshot is of another environment; nothing has changed then.
        """
        self.vec.set_state(state)
        results = self._begin()
        if state.meta.get("over"):
            self.agents = []
        return results

    def render(self, mode: str | None = None) -> Any:
        """Draw the environment.

        Returns:
            uint8 [H, W, 3] for "rgb_array", a string for "ansi", None for "human" (a window) and without a mode.

        Raises:
            RuntimeError: before the first reset, or "human" without a display.
        """
        mode = mode or self.render_mode
        if mode is None:
            return None
        if mode not in RENDER_MODES:
            raise ParameterError(f"render mode must be one of {RENDER_MODES}, not {mode!r}")
        if not self._ready:
            raise RuntimeError("call reset() before render()")
        if self._painter is None:
            from marl_envs.render import Painter  # only now: pygame may be missing where nobody looks

            scene, fps = self.vec.simulation.family.scene, self.metadata["render_fps"]
            self._painter = Painter(scene, self.params, fps, self.render_size)
        return self._painter.draw(self.frame(), mode)

    def close(self) -> None:
        """Close the window, if any; the environment can still be used."""
        if self._painter is not None:
            self._painter.close()
            self._painter = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out windows and views into arrays."""
        views = ("_play", "_more", "_actions", "_limits", "_obs", "_out", "_ended", "_alive")
        return {k: None if k == "_painter" else v for k, v in self.__dict__.items() if k not in views}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Find the arrays again."""
        self.__dict__.update(state)
        self._wire()


def _checked_size(size: Any) -> tuple[int, int]:
    """Return (width, height) [pixels], or raise ParameterError."""
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ParameterError(f"render_size must be (width, height) in pixels, not {size!r}")
    return check_int("render_size", size[0], 16, 10_000), check_int("render_size", size[1], 16, 10_000)


def to_aec(env: ParallelEnv) -> Any:
    """Return PettingZoo's AEC form of `env`."""
    return parallel_to_aec(env)
