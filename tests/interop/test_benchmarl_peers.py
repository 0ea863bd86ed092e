"""The comparison with BenchMARL's learners: what was meant to be equal is, and its policy plays as it was trained."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("benchmarl")
pytest.importorskip("safetensors", reason="needs PyTorch and safetensors (extra `deep`)")
import torch

import marl_envs
from agents import evaluate
from benchmarks.deep.peers import ours, settings, theirs

# What BenchMARL takes from its TorchRL; BenchMARL, on rounds shorter than an episode.
pytestmark = [
    pytest.mark.filterwarnings("ignore:SyncDataCollector has been deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:No episode terminated this iteration:UserWarning"),
]
FRAMES = 2 * settings.ROUND
torch.set_num_threads(1)


def weights(module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize("algorithm", settings.ALGORITHMS)
def test_both_sides_learn_as_often_with_the_same_network(algorithm):
    mine, other = (side.learn(algorithm, 5, FRAMES) for side in (ours, theirs))
    assert (mine.frames, mine.batches) == (other.frames, other.batches) == (1000, 60)
    assert min(mine.cpu_seconds, other.cpu_seconds) > 0
    told_apart = len(marl_envs.make_vec(settings.ENVIRONMENT, 1, **settings.PARAMETERS).agents)  # inputs of ours alone
    assert weights(mine.policy.team) == weights(other.policy._policy) + told_apart * settings.LAYERS[0]


def test_the_settings_reach_benchmarl(tmp_path):
    run = theirs.experiment_of("qmix", 5, FRAMES, str(tmp_path), [])
    (optimiser,) = run.optimizers["robot"].values()
    assert (optimiser.defaults["lr"], optimiser.defaults["eps"]) == (1e-3, 1e-8)
    loss = run.losses["robot"]
    assert (loss.loss_function, float(loss.value_estimator.gamma)) == ("smooth_l1", pytest.approx(0.95))
    assert run.target_updaters["robot"].eps == pytest.approx(1 - 0.01)
    explorer = run.group_policies["robot"][-1]
    assert (float(explorer.eps), float(explorer.eps_end)) == (1.0, pytest.approx(0.05))
    run.run()
    assert float(explorer.eps) == pytest.approx(0.05)
    assert len(run.replay_buffers["robot"]) == FRAMES
    assert run.task.config == settings.PARAMETERS


def test_benchmarls_policy_takes_its_most_valued_allowed_action():
    policy = theirs.learn("iql", 5, FRAMES).policy
    network = policy._policy[0][0].mlp
    vec = marl_envs.make_vec(settings.ENVIRONMENT, 16, **{**settings.PARAMETERS, "max_cycles": 40})
    rng, refused = np.random.default_rng(0), 0
    obs, info = vec.reset(seed=3)
    for _ in range(100):
        actions = policy.act(vec, obs)
        with torch.no_grad():
            values = network(torch.from_numpy(obs)).numpy()
        allowed = np.where(info["action_mask"] != 0, values, -np.inf)
        np.testing.assert_array_equal(actions, allowed.argmax(-1))
        refused += (actions != values.argmax(-1)).sum()
        obs, *_, info = vec.step((rng.random(values.shape) * info["action_mask"]).argmax(-1))
    assert refused > 0  # the mask mattered
    first, second = ([one["return"] for one in evaluate(policy, vec, 16, 7)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 1
