"""BenchMARL's side of the comparison (extra `benchmarl`)."""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

with warnings.catch_warnings():  # of what BenchMARL imports, about itself
    warnings.simplefilter("ignore", DeprecationWarning)
    from benchmarl.algorithms import IqlConfig, QmixConfig, VdnConfig
    from benchmarl.experiment import Callback, Experiment, ExperimentConfig
    from benchmarl.models.mlp import MlpConfig
from tensordict import TensorDict
from torchrl.envs.utils import ExplorationType, set_exploration_type

from benchmarks.deep.peers import settings
from benchmarks.deep.peers.trained import Trained
from marl_envs.interop.benchmarl import task

CONFIGS = {"iql": IqlConfig, "vdn": VdnConfig, "qmix": QmixConfig}


class Counter(Callback):
    """Counts the batches."""

    def __init__(self) -> None:
        """Begin at 0."""
        super().__init__()
        self.batches = 0

    def on_train_step(self, batch: Any, group: str) -> None:
        """Count one."""
        self.batches += 1


class Greedy:
    """BenchMARL's trained policy as one for `agents.evaluate`: the most valued of the allowed actions."""

    def __init__(self, experiment: Experiment) -> None:
        """Take the policy of an experiment, whose agents are one group."""
        self._policy, (self._group,) = experiment.policy, experiment.group_map

    def reset(self, seed: int) -> None:
        """Do nothing: nothing is left to chance."""

    @torch.no_grad()
    def act(self, vec: Any, obs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the actions int64 [E, A] for observations [E, A, D]."""
        seen = {"observation": torch.from_numpy(obs), "action_mask": torch.from_numpy(vec.action_mask).bool()}
        whole = TensorDict({self._group: TensorDict(seen, obs.shape[:2])}, obs.shape[:1])
        with set_exploration_type(ExplorationType.DETERMINISTIC):
            actions: NDArray[np.int64] = self._policy(whole)[self._group, "action"].numpy()
        return actions


def defaults() -> dict[str, Any]:
    """Return BenchMARL's own settings by name, with those of QMIX."""
    return {**vars(ExperimentConfig.get_from_yaml()), **vars(QmixConfig.get_from_yaml())}


def experiment_of(algorithm: str, seed: int, frames: int, folder: str, callbacks: list[Callback]) -> Experiment:
    """Return BenchMARL's experiment of `frames`, without evaluations and logs."""
    config = ExperimentConfig.get_from_yaml()
    config.max_n_frames, config.max_n_iters, config.save_folder = frames, None, folder
    config.evaluation, config.loggers, config.create_json = False, [], False
    rule = CONFIGS[algorithm].get_from_yaml()
    for target, side in ((config, "experiment"), (rule, "algorithm")):
        for name, value in settings.merged(algorithm, side, frames).items():
            if not hasattr(target, name):  # it would be ignored
                raise AttributeError(f"BenchMARL's {type(target).__name__} has no setting {name}")
            setattr(target, name, value)
    network = MlpConfig(num_cells=list(settings.LAYERS), activation_class=torch.nn.ReLU, layer_class=torch.nn.Linear)
    return Experiment(
        task=task(settings.ENVIRONMENT, **settings.PARAMETERS),
        algorithm_config=rule,
        model_config=network,
        critic_model_config=network,
        seed=seed,
        config=config,
        callbacks=callbacks,
    )


def learn(algorithm: str, seed: int, frames: int) -> Trained:
    """Return what one of BenchMARL's algorithms has learned in `frames`."""
    logging.getLogger("torchrl").setLevel(logging.WARNING)
    counter = Counter()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SyncDataCollector has been deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "No episode terminated this iteration", UserWarning)
        begin = time.process_time()
        experiment = experiment_of(algorithm, seed, frames, folder, [counter])
        experiment.run()
        seconds = time.process_time() - begin
    return Trained(Greedy(experiment), experiment.total_frames, counter.batches, seconds)
