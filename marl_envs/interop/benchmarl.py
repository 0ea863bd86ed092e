"""Tasks of ours for BenchMARL: every registered environment, stepped as one batch.

    from marl_envs.interop.benchmarl import task
    Experiment(task=task("marl_envs/warehouse-5x5-2ag-goal-v0", reward="team"), ...)

Its command line knows them too: `python -m marl_envs.interop.benchmarl algorithm=qmix
task=marl_envs/warehouse_5x5_2ag_goal_v0 +task.reward=team` takes what `benchmarl/run.py` takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarl.environments import Task, TaskClass, task_config_registry
from benchmarl.experiment import Callback
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from tensordict import TensorDictBase
from torchrl.data import Composite
from torchrl.envs import EnvBase

from marl_envs.core.params import ParameterError
from marl_envs.core.registry import list_environments
from marl_envs.interop.episodes import EpisodeLog
from marl_envs.interop.torchrl import BatchedEnv, make

_IDS = {id.split("/")[1].replace("-", "_").upper(): id for id in list_environments()}


class MarlEnvsClass(TaskClass):
    """An environment of this package. `config` holds its parameters, and `num_threads` (1) and `with_state` (True).

    QMIX and VDN learn from the mean of the agents' rewards: with `reward="team"` all get the sum, so the mean is the
    team's reward; with rewards of their own it would be the team's divided by the number of agents.
    """

    def get_env_fun(
        self, num_envs: int, continuous_actions: bool, seed: int | None, device: Any
    ) -> Callable[[], EnvBase]:
        """Return what makes the batch of `num_envs` environments.

        Raises:
            ValueError: from what is returned, a parameter that the environment does not take.
        """
        del continuous_actions
        arguments = {"with_state": True, **self.config}

        def build() -> BatchedEnv:
            env = make(_IDS[self.name], num_envs, seed=seed, device=device, **arguments)
            if env.vec.simulation.discrete:
                raise ParameterError(
                    f"{self.name}: BenchMARL's networks take vectors, and this environment's observation is one "
                    'integer; choose observation="goal" or "flattened"'
                )
            return env

        return build

    def supports_continuous_actions(self) -> bool:
        """Return that actions are not continuous."""
        return False

    def supports_discrete_actions(self) -> bool:
        """Return that actions are discrete."""
        return True

    def has_render(self, env: EnvBase) -> bool:
        """Return that the batch draws no pictures."""
        return False

    def max_steps(self, env: EnvBase) -> int:
        """Return the length of an episode."""
        return int(env.vec.max_cycles)

    def group_map(self, env: EnvBase) -> dict[str, list[str]]:
        """Return the agents' names by group."""
        groups: dict[str, list[str]] = env.group_map
        return groups

    def observation_spec(self, env: EnvBase) -> Composite:
        """Return the spec of what agents see."""
        return _only(env, "observation")

    def info_spec(self, env: EnvBase) -> Composite | None:
        """Return that there is no further information."""
        return None

    def state_spec(self, env: EnvBase) -> Composite | None:
        """Return the spec of the global state, if asked for."""
        spec = env.full_observation_spec_unbatched
        return Composite({"state": spec["state"].clone()}) if "state" in spec.keys() else None  # noqa: SIM118

    def action_spec(self, env: EnvBase) -> Composite:
        """Return the spec of actions."""
        return env.full_action_spec_unbatched

    def action_mask_spec(self, env: EnvBase) -> Composite | None:
        """Return the spec of action masks, if there are any."""
        masks = _only(env, "action_mask")
        return None if masks.is_empty() else masks

    @staticmethod
    def env_name() -> str:
        """Return the name of the family of tasks."""
        return "marl_envs"


def _only(env: EnvBase, key: str) -> Composite:
    """Return that part of the observations' spec, by group."""
    spec = env.full_observation_spec_unbatched
    parts = {
        group: Composite({key: spec[group, key].clone()}, shape=spec[group].shape)
        for group in env.group_map
        if key in spec[group].keys()  # noqa: SIM118
    }
    return Composite(parts)


class _Tasks(Task):
    """What the enumeration of tasks can do."""

    @staticmethod
    def associated_class() -> type[TaskClass]:
        """Return the class of the tasks."""
        return MarlEnvsClass

    def get_task(self, config: dict[str, Any] | None = None) -> TaskClass:
        """Return the task; without a config, with the registered parameters."""
        return MarlEnvsClass(self.name, dict(config or {}))


MarlEnvsTask = _Tasks("MarlEnvsTask", list(_IDS), module=__name__)  # by id: WAREHOUSE_5X5_2AG_GOAL_V0 ...


def task(env_id: str, **config: Any) -> TaskClass:
    """Return the task of a registered id; see `MarlEnvsClass` for what `config` may hold.

    Raises:
        ValueError: unknown id.
    """
    names = {id: name for name, id in _IDS.items()}
    if env_id not in names:
        raise ValueError(f"unknown environment {env_id!r}; registered are {', '.join(names)}")
    return MarlEnvsTask[names[env_id]].get_task(config)


class CoordinationMetrics(Callback):
    """Collects the coordination metrics of training episodes, and hands their means to BenchMARL's loggers.

    They appear as "collection/coordination/...", beside BenchMARL's own figures.
    """

    def __init__(self, log: EpisodeLog | None = None) -> None:
        """Collect into `log` (a new one if None)."""
        super().__init__()
        self.log = EpisodeLog() if log is None else log
        self._fresh: dict[str, float] = {}

    def on_setup(self) -> None:
        """Attach the log to the environments that training steps.

        Raises:
            TypeError: the experiment's task is not one of ours.
        """
        run = self.experiment
        env = (run.rollout_env if run.config.collect_with_grad else run.collector.env).base_env
        if not isinstance(env, BatchedEnv):
            raise TypeError(f"only marl_envs' own tasks have coordination metrics, not {run.task}")
        env.log = self.log

    def on_batch_collected(self, batch: TensorDictBase) -> None:
        """Log the means over the episodes that have ended since the last batch."""
        del batch
        self._fresh = {}
        self.log.to_tensorboard(self, self.experiment.n_iters_performed, "collection/coordination")
        self.experiment.logger.log(self._fresh, step=self.experiment.n_iters_performed)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Take a mean from the log, as TensorBoard's writer would."""
        del step
        self._fresh[name] = value


def register() -> None:
    """Put the tasks into BenchMARL's registry and Hydra's, so that its command line finds them."""
    store = ConfigStore.instance()
    for member in MarlEnvsTask:
        name = f"{MarlEnvsClass.env_name()}/{member.name.lower()}"
        task_config_registry[name] = member
        store.store(
            group=f"task/{MarlEnvsClass.env_name()}",
            name=member.name.lower(),
            package="task",
            node=OmegaConf.create({}, flags={"struct": False}),
        )


register()


def main() -> None:
    """Run BenchMARL's own command line."""
    from benchmarl.run import hydra_experiment

    hydra_experiment()


if __name__ == "__main__":
    # Through the import, so that pickled tasks name this module and not "__main__".
    from marl_envs.interop import benchmarl

    benchmarl.main()
