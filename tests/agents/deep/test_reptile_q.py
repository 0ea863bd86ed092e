"""Reptile for Q-learners: rounds by hand, one-step tasks whose best common start is known, stopping and resuming."""

import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium.spaces import Discrete

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents import EpsilonGreedy, train
from agents.checkpoint import CheckpointError
from agents.deep import MLP, IndependentDQN
from agents.deep.dyna import DynaDQN
from agents.deep.reptile_q import DRAWING, ReptileQ
from agents.training import common_seed
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor
from tests.agents.deep.test_dyna import Line

ENVS = 16


class Prizes:
    """One agent, one observation; action k pays prizes[k] and ends the episode: the values are the prizes."""

    num_agents, num_envs, action_mask = 1, ENVS, None
    metric_names = ("return",)

    def __init__(self, *prizes):
        self.prizes = np.array(prizes, np.float32)
        self.observation_space, self.action_space = Discrete(1), Discrete(len(prizes))
        self.params = SimpleNamespace(reward="individual")
        self.fingerprint = {"env": "prizes", "params": list(prizes)}
        self.seeds, self.interrupt = [], False

    def reset(self, *, seed=None):
        self.seeds.append(seed)
        return np.zeros((ENVS, 1), np.int32), {"alive": np.ones((ENVS, 1), bool)}

    def step(self, actions):
        if self.interrupt:
            self.interrupt = False
            os.kill(os.getpid(), signal.SIGINT)
        obs, yes = np.zeros((ENVS, 1), np.int32), np.ones((ENVS, 1), bool)
        paid = self.prizes[actions]
        info = {"final_obs": obs, "ended": yes[:, 0], "alive": yes, "metrics": {"return": paid[:, 0].astype(float)}}
        return obs, paid, yes, ~yes, info


def learner(vec, seed, **settings):
    chosen = {"exploration": EpsilonGreedy(1.0), "learning_rate": 0.03, "learn_after": 0, "batch": 32, "replay": 1000}
    return IndependentDQN(vec, body=MLP((16,)), seed=seed, **{**chosen, **settings})


def family():
    return [Prizes(0.0, 2.0), Prizes(1.0, -1.0), Prizes(2.0, 2.0)]


def reptile(members=None, **settings):
    members = family() if members is None else members
    return ReptileQ(learner, members, **{"inner_steps": 4 * ENVS, "seed": 3, **settings})


def flat(knowledge):
    return np.concatenate([array.ravel() for array in knowledge.values()])


def test_two_rounds_are_trainings_of_new_learners_and_moves_toward_their_ends():
    found = reptile([Prizes(0.0, 2.0)], outer_rate=0.4)
    phi = {name: array.copy() for name, array in learner(Prizes(0.0, 2.0), 3).knowledge().items()}
    assert np.array_equal(flat(found.knowledge()), flat(phi))
    found.train(2)
    for k, rate in enumerate((0.4, 0.2)):
        seed = common_seed(3, DRAWING + 1 + k)
        by_hand = learner(Prizes(0.0, 2.0), seed)
        by_hand.know(phi)
        train(by_hand, Prizes(0.0, 2.0), 4 * ENVS, seed=seed, progress=False)
        ends = by_hand.knowledge()
        assert np.abs(flat(ends) - flat(phi)).max() > 0.01
        phi = {name: weight + np.float32(rate) * (ends[name] - weight) for name, weight in phi.items()}
    assert np.allclose(flat(found.knowledge()), flat(phi), atol=1e-6)
    assert (found.rounds, found.steps) == (2, 8 * ENVS)


def test_values_of_one_step_tasks_come_to_the_mean_of_the_prizes():
    """From there all tasks are equally far; the network's first values are near 0."""
    found = reptile(tasks=3, inner_steps=10 * ENVS)
    assert abs(values(found) - [1.0, 1.0]).max() > 0.5
    found.train(12)
    assert np.allclose(values(found), [1.0, 1.0], atol=0.15)


def values(found):
    """Return the values of the two actions under phi."""
    import torch

    start = learner(Prizes(0.0, 0.0), 0)
    start.know(found.knowledge())
    with torch.no_grad():
        obs, memory = torch.zeros(1, 1, 1, dtype=torch.int32), torch.zeros(1, 1, 0)
        return start.team(obs, memory, torch.ones(1, 1, 1, dtype=torch.bool))[0].numpy().ravel()


def test_every_pass_takes_each_task_once_in_a_new_order():
    tasks, orders = family(), set()
    found = reptile(tasks)
    for _ in range(4):
        order = []
        for _ in tasks:
            before = [len(task.seeds) for task in tasks]
            found.train(found.rounds + 1)
            order.append(_grown(tasks, before))
        assert sorted(order) == [0, 1, 2]
        orders.add(tuple(order))
    assert len(orders) > 1


def _grown(tasks, before):
    """Return the one task that was reset since."""
    (grown,) = (n for n, task in enumerate(tasks) if len(task.seeds) > before[n])
    return grown


def test_the_same_seed_gives_the_same_bits_also_when_stopped_and_resumed(tmp_path):
    whole, other, path = reptile(), reptile(seed=4), tmp_path / "phi.safetensors"
    whole.train(5)
    other.train(5)
    assert not np.array_equal(flat(whole.knowledge()), flat(other.knowledge()))
    stops = iter([False, False, True])
    first = reptile()
    first.train(5, checkpoint=path, stop=lambda: next(stops))
    assert first.rounds == 2
    second = reptile()
    second.train(5, checkpoint=path, checkpoint_every=1, resume=True)
    assert np.array_equal(flat(second.knowledge()), flat(whole.knowledge()))
    assert (second.rounds, second.steps) == (whole.rounds, whole.steps) == (5, 20 * ENVS)


def test_a_round_that_is_broken_off_moves_nothing_and_is_played_anew(tmp_path):
    whole, path, tasks = reptile([Prizes(0.0, 2.0)]), tmp_path / "phi.npz", [Prizes(0.0, 2.0)]
    whole.train(3)
    broken = reptile(tasks)
    broken.train(3, stop=lambda: broken.rounds == 1)
    kept, tasks[0].interrupt = flat(broken.knowledge()), True
    broken.train(3, checkpoint=path)  # Ctrl-C in its first training
    assert broken.rounds == 1
    assert np.array_equal(flat(broken.knowledge()), kept)
    resumed = reptile([Prizes(0.0, 2.0)])
    resumed.train(3, checkpoint=path, resume=True)
    assert np.array_equal(flat(resumed.knowledge()), flat(whole.knowledge()))


def test_checkpoints_of_something_else_are_refused(tmp_path):
    path = tmp_path / "phi.npz"
    found = reptile()
    found.train(1, checkpoint=path)
    with pytest.raises(FileExistsError, match="resume=True"):
        found.train(2, checkpoint=path)
    with pytest.raises(CheckpointError, match="rounds is 1 there, 2 here"):
        reptile().train(2, checkpoint=path, resume=True)
    with pytest.raises(CheckpointError, match=r"family\.|params"):
        reptile([*family()[:2], Prizes(9.0, 9.0)]).train(1, checkpoint=path, resume=True)
    single = learner(Prizes(0.0, 2.0), 0)
    single.save(tmp_path / "learner.npz")
    with pytest.raises(CheckpointError, match="holds no meta-training"):
        reptile().train(1, checkpoint=tmp_path / "learner.npz", resume=True)


def test_a_model_and_its_scales_move_with_the_values():
    """Halfway to the mean of where two trainings ended; that scales were measured is a fact and has no half."""
    family = [Line(length=length) for length in (5, 9)]
    settings = {"batch": 16, "learn_after": 40, "replay": 1000, "body": MLP((16,)), "model": (8,)}
    found = ReptileQ(
        lambda vec, seed: DynaDQN(vec, seed=seed, **settings), family, inner_steps=200, tasks=2, outer_rate=0.5, seed=1
    )
    before, ends = {name: array.copy() for name, array in found.knowledge().items()}, []
    assert not before["measured"].any()
    trained = found._trained
    found._trained = lambda *given: ends.append(trained(*given)) or ends[-1]
    found.train(1)
    after = found.knowledge()
    assert after["measured"].all()
    assert ends[0]["scales"][1, 0] != ends[1]["scales"][1, 0]
    for name in ("scales", "model.model.layers.0.weight", "net.team.heads.0.advantage.weight"):
        mean = (ends[0][name] + ends[1][name]) / 2
        np.testing.assert_allclose(after[name], (before[name] + mean) / 2, rtol=1e-4, atol=1e-6)


def test_settings_that_are_not_allowed_are_refused():
    with pytest.raises(ParameterError, match="at least one task"):
        reptile([])
    for name, value in (("inner_steps", 0), ("tasks", 4), ("outer_rate", 1.5), ("seed", -1)):
        with pytest.raises(ParameterError, match=name):
            ReptileQ(learner, family(), **{"inner_steps": 64, name: value})
    with pytest.raises(ParameterError, match=r"family\[1\] needs a network of shapes"):
        ReptileQ(learner, [Corridor(num_agents=1), Corridor(num_agents=1, length=7)], inner_steps=10)
    with pytest.raises(ParameterError, match="need checkpoint"):
        reptile().train(1, resume=True)
