"""XuanCe: importing this module registers every id of the package with it, under the environment name "marl_envs"."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from xuance.environment import REGISTRY_MULTI_AGENT_ENV, RawMultiAgentEnv

from marl_envs.core.parallel import ParallelEnv
from marl_envs.core.params import ParameterError
from marl_envs.core.registry import make

NAME = "marl_envs"
Values = dict[str, Any]


class XuanCeEnv(RawMultiAgentEnv):
    """An environment of this package as XuanCe wants it; XuanCe makes it where `config.env_name` is "marl_envs".

    Of XuanCe's configuration it reads `env_id` (an id of this package), `env_seed` (the first episode starts from it,
    the stream of random numbers goes on from there) and, if there is one, `env_parameters` (a dictionary: what
    `marl_envs.make` takes besides the id). XuanCe applies masks only where `use_actions_mask` is True.
    """

    def __init__(self, config: Namespace) -> None:
        """Make the environment.

        Raises:
            ParameterError: an id or parameter is unknown, or one that XuanCe cannot work with: masks in observations
                (it asks for them by `avail_actions`), agents that leave (it counts on a fixed set).
        """
        super().__init__()
        env: ParallelEnv = make(config.env_id, **getattr(config, "env_parameters", {}))
        if env.params.mask == "obs":
            raise ParameterError('XuanCe asks for masks itself: leave mask at "info" (or None), not "obs"')
        if getattr(env.params, "agents_leave", False):
            raise ParameterError("XuanCe counts on a fixed set of agents: leave agents_leave at False")
        self.env = env
        self.agents = list(env.possible_agents)
        self.num_agents = len(self.agents)
        self.agent_groups = [self.agents]
        self.observation_space = {agent: env.observation_space(agent) for agent in self.agents}
        self.action_space = {agent: env.action_space(agent) for agent in self.agents}
        self.state_space: spaces.Space[Any] = env.state_space
        self.max_episode_steps = env.max_cycles
        self.metadata, self.render_mode = env.metadata, env.render_mode
        self._seed: int | None = config.env_seed
        self._masks: Values = {}
        self._alive = self._acted = dict.fromkeys(self.agents, True)

    def reset(self, **kwargs: Any) -> tuple[Values, Values]:
        """Start an episode; return observations and an empty info."""
        seed = kwargs.pop("seed", None)
        obs, infos = self.env.reset(seed=self._seed if seed is None else seed, **kwargs)
        self._seed = None
        self._note(infos)
        self._acted = self._alive
        return obs, {}

    def step(self, action_dict: Values) -> tuple[Values, dict[str, float], dict[str, bool], bool, Values]:
        """Advance by one step.

        Returns:
            observations, rewards, terminated (who has finished), truncated (the episode was cut), info: empty, in the
            last step of an episode {"metrics": ...}.
        """
        self._acted = self._alive
        obs, rewards, terminations, truncations, infos = self.env.step(action_dict)
        self._note(infos)
        finished = {agent: terminations[agent] or not alive for agent, alive in self._alive.items()}
        over = not self.env.agents
        return obs, rewards, finished, any(truncations.values()), {"metrics": self.env.metrics()} if over else {}

    def _note(self, infos: dict[str, Values]) -> None:
        """Keep what `avail_actions` and `agent_mask` tell."""
        self._alive = {agent: bool(infos[agent].get("alive", True)) for agent in self.agents}
        self._masks = {agent: infos[agent].get("action_mask") for agent in self.agents}

    def avail_actions(self) -> dict[str, NDArray[np.bool_]]:
        """Return which actions are allowed, bool [N] by agent."""
        if self.env.params.mask is None:
            return {agent: np.ones(int(self.env.vec.action_space.n), np.bool_) for agent in self.agents}
        return {agent: mask.astype(np.bool_) for agent, mask in self._masks.items()}

    def agent_mask(self) -> dict[str, bool]:
        """Return who acted in the last step: an agent's last step counts, waiting for the others does not."""
        return dict(self._acted)

    def state(self) -> NDArray[np.float32]:
        """Return the global state, float32 [n]."""
        return self.env.state()

    def render(self, *args: Any) -> Any:
        """Draw the environment; the argument is a render mode."""
        return self.env.render(*args)

    def close(self) -> None:
        """Close the window, if any."""
        self.env.close()


REGISTRY_MULTI_AGENT_ENV[NAME] = XuanCeEnv
