"""RLlib's new API stack: an adapter in place of its `ParallelPettingZooEnv`, and our metrics among its results.

register_env("warehouse", lambda config: RLlibEnv(marl_envs.make(ID, **config)))
config = PPOConfig().environment("warehouse", env_config={"mask": "obs"}).callbacks(CoordinationMetrics)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.env.multi_agent_env import MultiAgentEnv

OBSERVATIONS, MASK = "observations", "action_mask"  # keys that RLlib's ActionMaskingTorchRLModule looks for


def _space(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """Return an observation space as RLlib's masking module wants it; without a mask in it, the same."""
    if not isinstance(space, spaces.Dict):
        return space
    mask = spaces.Box(0.0, 1.0, space[MASK].shape, np.float32)
    return spaces.Dict({OBSERVATIONS: space["observation"], MASK: mask})


def _observation(obs: Any) -> Any:
    """Return an observation as `_space` says."""
    if not isinstance(obs, dict):
        return obs
    return {OBSERVATIONS: obs["observation"], MASK: obs[MASK].astype(np.float32)}


class RLlibEnv(MultiAgentEnv):
    """A PettingZoo ParallelEnv as RLlib's MultiAgentEnv.

    Other than with RLlib's own wrapper, agents keep their order, the environment's dictionaries are not written into,
    agents may leave early or appear late, an episode may end by termination of some and truncation of others, and what
    is truncated counts as truncated (see `step`). Masks are used only with `mask="obs"`: observations are then
    Dict(observations float32, action_mask float32 [N]), for ActionMaskingTorchRLModule (PPO).
    """

    def __init__(self, env: Any) -> None:
        """Adapt `env`."""
        super().__init__()
        self.env = env
        # RLlib checks what comes back from a step against `agents` after it, so those who left stay listed.
        self.agents = self.possible_agents = list(env.possible_agents)
        self.observation_spaces = {agent: _space(env.observation_space(agent)) for agent in self.agents}
        self.action_spaces = {agent: env.action_space(agent) for agent in self.agents}
        self.metadata = dict(env.metadata)  # RLlib writes into it
        self.render_mode = env.render_mode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode; return observations and infos by agent."""
        obs, infos = self.env.reset(seed=seed, options=options)
        return {agent: _observation(value) for agent, value in obs.items()}, infos

    def step(self, action_dict: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """Advance by one step; return observations, rewards, terminations, truncations, infos by agent.

        The common end is told by `"__all__"` alone. RLlib takes an episode in which every single agent is truncated
        as terminated, and would count the value of the last observation as 0.
        """
        obs, rewards, terminations, truncations, infos = self.env.step(action_dict)
        over = not self.env.agents
        cut = over and any(truncations.values())
        own = {agent: value and not over for agent, value in truncations.items()}
        return (
            {agent: _observation(value) for agent, value in obs.items()},
            rewards,
            terminations | {"__all__": over and not cut},
            own | {"__all__": cut},
            infos,
        )

    def render(self) -> Any:
        """Draw the environment as its `render_mode` says."""
        return self.env.render()

    def close(self) -> None:
        """Close the window, if any."""
        self.env.close()


class CoordinationMetrics(RLlibCallback):
    """Puts the metrics of finished episodes into RLlib's results: `results["env_runners"]["coordination"][name]`.

    Each is the mean over the episodes that ended in the iteration (the last `window` of an env runner at most), where
    it is defined; Tune's loggers write them too.
    """

    window = 1000

    def on_episode_end(self, *, metrics_logger: Any, env: Any, env_index: int, **kwargs: Any) -> None:
        """Log the metrics of the episode that has just ended."""
        for name, value in env.envs[env_index].unwrapped.env.unwrapped.metrics().items():
            if not np.isnan(value):
                metrics_logger.log_value(("coordination", name), value, window=self.window)
