"""AgileRL's vector of environments over a batch: in one process, where AgileRL's own starts one for each environment.

AgileRL needs nothing but PettingZoo: `AsyncPettingZooVecEnv([lambda: marl_envs.make(ID)] * 8)` works as well. This is
for speed, and its `log` gets the metrics of finished episodes, which processes of their own would keep to themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from agilerl.vector.pz_vec_env import PettingZooVecEnv
from numpy.typing import NDArray

from marl_envs.core.vector import VectorEnv
from marl_envs.interop.episodes import EpisodeLog
from marl_envs.interop.flat import FlatVectorEnv

ByAgent = dict[str, Any]


class VecEnv(PettingZooVecEnv):
    """E environments; every result is a dictionary by agent of arrays [E, ...].

    All agents of an environment end in the same step: those that have finished terminate, the others are truncated.
    Ended environments start again in the same step, as in AgileRL's own class: observations are then the first ones of
    the next episode, and AgileRL's training loops take these for what followed the last action.
    """

    def __init__(self, vec: VectorEnv, *, shared: bool = True, log: EpisodeLog | None = None) -> None:
        """Show `vec` to AgileRL.

        Args:
            vec: the batch.
            shared: False gives every agent a name of its own kind (robot_0 becomes robot0), and so networks of its
                own: agents that are called alike up to the number share them.
            log: gets the metrics of finished episodes.
        """
        agents = vec.agents if shared else ["".join(name.rsplit("_", 1)) for name in vec.agents]
        super().__init__(
            vec.num_envs,
            dict.fromkeys(agents, vec.observation_space),
            dict.fromkeys(agents, vec.action_space),
            agents,
        )
        self.flat = FlatVectorEnv(vec, log=log)

    def _by_agent(self, rows: NDArray[Any]) -> ByAgent:
        """Return rows [E * A, ...] by agent, [E, ...] each."""
        return {agent: rows[i :: self.num_agents] for i, agent in enumerate(self.agents)}

    def _infos(self, info: dict[str, Any]) -> ByAgent:
        """Return what the flat face says of every row, by agent and name."""
        named = {name: self._by_agent(info[name]) for name in ("action_mask", "alive", "reward_terms") if name in info}
        return {agent: {name: rows[agent] for name, rows in named.items()} for agent in self.agents}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[ByAgent, ByAgent]:
        """Start an episode everywhere; return observations and infos."""
        obs, info = self.flat.reset(seed=seed, options=options)
        return self._by_agent(obs), self._infos(info)

    def step(self, actions: ByAgent, *args: Any, **kwargs: Any) -> tuple[ByAgent, ...]:
        """Advance by one step; return observations, rewards, terminations, truncations and infos.

        Args:
            actions: integers [E] by agent.
            args: ignored.
            kwargs: ignored.

        Raises:
            KeyError: the actions of an agent are missing.
            TypeError, ValueError: they are no integers, too few or many, or outside the space.
        """
        rows = np.stack([np.asarray(actions[agent]) for agent in self.agents], axis=1)
        *results, info = self.flat.step(rows.reshape(-1))
        return (*(self._by_agent(array) for array in results), self._infos(info))

    def close_extras(self, **kwargs: Any) -> None:
        """Stop the batch's threads."""
        self.flat.close()
