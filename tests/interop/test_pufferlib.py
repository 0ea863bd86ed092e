"""PufferLib's emulation shows what our environment gives, and both of its vectors agree with it."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("pufferlib")

import pufferlib.emulation
import pufferlib.vector
import torch

import marl_envs
from examples.cleanrl import GAMMA, LAMBDA, ROLLOUT, ActorCritic
from examples.pufferlib import Rollout
from tests import relay

ID = "marl_envs/warehouse-5x5-2ag-goal-v0"
AGENTS = ["robot_0", "robot_1"]
EPISODE, ENVS, STEPS, SEED = 9, 2, 25, 5


def task_env(**parameters: Any) -> Any:
    return marl_envs.make(ID, **{"max_cycles": EPISODE, "shaping": 0.5, **parameters})


def make_env(buf: Any = None, seed: int = 0) -> Any:
    return pufferlib.emulation.PettingZooPufferEnv(env_creator=task_env, buf=buf, seed=seed)


def make_relay(buf: Any = None, seed: int = 0) -> Any:
    return pufferlib.emulation.PettingZooPufferEnv(env_creator=relay.parallel_env, buf=buf, seed=seed)


@pytest.mark.parametrize("backend", ["Serial", "Multiprocessing"])
def test_rows_are_the_agents_and_resets_take_a_step(backend: str):
    workers = {"num_workers": 2} if backend == "Multiprocessing" else {}
    env = pufferlib.vector.make(make_env, num_envs=ENVS, backend=getattr(pufferlib.vector, backend), **workers)
    assert env.single_observation_space == task_env().observation_space(AGENTS[0])
    shown, _ = env.reset(seed=SEED)
    singles = [task_env() for _ in range(ENVS)]
    expected = [list(single.reset(seed=SEED + e)[0].values()) for e, single in enumerate(singles)]
    np.testing.assert_array_equal(shown, np.concatenate(expected))
    assert shown.dtype == np.float32
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(STEPS):
        actions = rng.integers(0, 5, ENVS * 2)
        shown, paid, terminated, truncated, infos = env.step(actions)
        for e, single in enumerate(singles):
            rows = slice(2 * e, 2 * e + 2)
            if not single.agents:  # Puffer resets in the step after the last, and ignores the actions of that step
                obs, given = single.reset()
                rewards, cut = dict.fromkeys(AGENTS, 0.0), dict.fromkeys(AGENTS, False)
                ends += 1
            else:
                obs, rewards, _, cut, given = single.step(dict(zip(AGENTS, actions[rows], strict=True)))
            np.testing.assert_array_equal(shown[rows], list(obs.values()))  # at an end: the last one, truly
            np.testing.assert_allclose(paid[rows], list(rewards.values()), rtol=1e-6)
            np.testing.assert_array_equal(truncated[rows], list(cut.values()))
            assert not terminated[rows].any()
            for agent in AGENTS:
                np.testing.assert_array_equal(infos[e][agent]["action_mask"], given[agent]["action_mask"])
    assert ends == ENVS * (STEPS // (EPISODE + 1))
    env.close()


def test_agents_that_finish_early_stay_to_the_end():
    env = make_relay()
    twin = relay.parallel_env()
    env.reset(seed=1)
    _, infos = twin.reset(seed=1)
    lives = set()
    while not env.done:
        _, rewards, terminated, truncated, infos = env.step(np.ones(3, np.int64))
        obs, paid, over, cut, _ = twin.step(dict.fromkeys(twin.agents, 1))
        np.testing.assert_array_equal(env.observations, list(obs.values()))
        assert (rewards, terminated, truncated) == (paid, over, cut)
        assert env.masks.all()
        lives.add(tuple(infos[agent]["alive"] for agent in env.possible_agents))
    assert not twin.agents
    assert len(lives) > 1, "all finished in one step, so nothing was seen"


def test_agents_that_leave_are_masked():
    env = pufferlib.emulation.PettingZooPufferEnv(env_creator=lambda: relay.parallel_env(agents_leave=True))
    env.reset(seed=1)
    listed = []
    while not env.done:
        before = set(env.agents)
        env.step(np.ones(3, np.int64))
        np.testing.assert_array_equal(env.masks, [agent in before for agent in env.possible_agents])
        listed.append(len(before))
    assert min(listed) < 3


def test_the_example_learns_from_true_transitions_only():
    """Its advantages are those of the episodes, not of the steps in which Puffer resets."""
    torch.manual_seed(0)
    model = ActorCritic(119, 5)
    env = pufferlib.vector.make(make_env, num_envs=ENVS, backend=pufferlib.vector.Serial)
    rollout = Rollout(env, model, SEED)
    batch = rollout.play()
    rows = [t for t in range(ROLLOUT) if (t + 1) % (EPISODE + 1)]
    size = len(rows) * ENVS * 2 // 8 * 8
    assert len(batch["action"]) == size
    actions = batch["action"].reshape(-1, ENVS * 2)
    single = task_env()
    obs, _ = single.reset(seed=SEED)
    with torch.no_grad():
        value = [float(model.value(torch.from_numpy(obs["robot_1"])))]
        errors = []
        for t in range(EPISODE):
            np.testing.assert_array_equal(batch["obs"].reshape(-1, ENVS * 2, 119)[t, 1], obs["robot_1"])
            obs, rewards, *_ = single.step(dict(zip(AGENTS, actions[t, :2].tolist(), strict=True)))
            value.append(float(model.value(torch.from_numpy(obs["robot_1"]))))
            errors.append(rewards["robot_1"] + GAMMA * value[-1] - value[-2])
    assert not single.agents
    discounted = sum(error * (GAMMA * LAMBDA) ** t for t, error in enumerate(errors))
    assert float(batch["advantage"].reshape(-1, ENVS * 2)[0, 1]) == pytest.approx(discounted, abs=1e-5)
