"""What runs in other processes than the test's, so it must be found by name."""

from marl_envs.interop import EpisodeLog


def write_episodes(log: EpisodeLog, worker: int) -> None:
    """Log 200 episodes."""
    for k in range(200):
        log.add({"worker": worker, "episode": k})
