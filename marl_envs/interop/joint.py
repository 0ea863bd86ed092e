"""The whole team as one `gymnasium.Env` with Tuple spaces: what EPyMARL and Mava's Sebulba systems expect."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium import spaces

from marl_envs.core.kinds import stacked
from marl_envs.core.parallel import ParallelEnv
from marl_envs.core.params import ParameterError


class JointGymEnv(gymnasium.Env[tuple[Any, ...], tuple[Any, ...]]):
    """One observation, action and reward for each agent, in the order of `agents`, in tuples.

    The reward is one float in an environment built with `reward="team"` (the same for all), else a list of floats.
    Infos hold `action_mask` int8 [A, N] (zeros behind an agent's that has fewer actions than others) and `reward_terms`
    float32 [A, T]; the last one of an episode also holds its metrics, each a float under its own name, and
    `episode_limit`: whether the time limit ended it (EPyMARL reads it).
    """

    def __init__(self, env: ParallelEnv) -> None:
        """Show `env` as one environment.

        Raises:
            ParameterError: its agents leave one by one, and a tuple cannot shrink.
        """
        if env.params.agents_leave and env.vec.simulation.family.finish_alone:
            raise ParameterError("a joint environment needs agents that stay to the end: agents_leave=False")
        self.env = env
        self.agents = list(env.possible_agents)
        self.n_agents = len(self.agents)
        self.observation_space = spaces.Tuple([env.observation_space(agent) for agent in self.agents])
        self.action_space = spaces.Tuple([env.action_space(agent) for agent in self.agents])
        self.metadata = dict(env.metadata)
        self.render_mode = env.render_mode
        self._team = env.params.reward == "team"

    @property
    def state_space(self) -> spaces.Space[Any]:
        """Space of `state()`."""
        return self.env.state_space

    def state(self) -> Any:
        """Return the global state, float32 [n]."""
        return self.env.state()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Start an episode."""
        super().reset(seed=seed)
        obs, infos = self.env.reset(seed=seed, options=options)
        return self._tuple(obs), self._info(infos)

    def step(self, action: Any) -> tuple[tuple[Any, ...], Any, bool, bool, dict[str, Any]]:
        """Advance by one step; `action` holds an integer for each agent.

        Raises:
            ValueError: another number of actions than agents, or one outside its space.
            TypeError: an action is no integer.
            RuntimeError: before the first reset, or after the end.
        """
        if len(action) != self.n_agents:
            raise ValueError(f"there are {self.n_agents} agents, and {len(action)} actions")
        if not self.env.agents:
            raise RuntimeError("call reset() before step(): no episode is running")
        chosen = dict(zip(self.agents, action, strict=True))
        obs, rewards, _, truncations, infos = self.env.step(chosen)
        over = not self.env.agents
        info = self._info(infos)
        cut = any(truncations.values())
        if over:
            info |= self.env.metrics() | {"episode_limit": cut}
        paid = [rewards.get(agent, 0.0) for agent in self.agents]
        return self._tuple(obs), paid[0] if self._team else paid, over and not cut, over and cut, info

    def _tuple(self, obs: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(obs[agent] for agent in self.agents)

    def _info(self, infos: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Return the agents' infos, stacked."""
        first = infos[self.agents[0]]
        return {name: stacked([infos[agent][name] for agent in self.agents]) for name in first}

    def render(self) -> Any:
        """Draw the environment as its `render_mode` says."""
        return self.env.render()

    def close(self) -> None:
        """Close the window, if any."""
        self.env.close()


class SebulbaEnv(JointGymEnv):
    """The same with Gym's old `seed`, which Mava's Sebulba systems call (and Gymnasium's `check_env` warns of)."""

    def seed(self, seed: int | None = None) -> None:
        """Start an episode from this seed."""
        self.reset(seed=seed)


def make(env_id: str, **parameters: Any) -> JointGymEnv:
    """Return the environment of that id as one; what `gymnasium.make` calls for a registered id."""
    from marl_envs.core.registry import make

    return JointGymEnv(make(env_id, **parameters))
