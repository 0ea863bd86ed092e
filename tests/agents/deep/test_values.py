"""Where a table would do, a network comes to the values of dynamic programming."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents import EpsilonGreedy, Linear, train  # noqa: E402
from agents.deep import MLP, IndependentDQN  # noqa: E402
from tests.agents.corridor import Corridor  # noqa: E402

SLOW = [{"dueling": True, "double": False}, {"n_steps": 2}, {"share_network": False}, {"prioritised": 0.6}]


@pytest.mark.parametrize("settings", [{}, *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW)], ids=str)
def test_on_one_hot_observations_values_are_the_optimum(settings):
    """The time limit of 8 steps cuts many walks off; Q* knows of none."""
    vec = Corridor(length=5, num_envs=8, max_cycles=8)
    if "n_steps" in settings:  # n steps are learned as they were made: only those of the best policy are the optimum's
        settings = {**settings, "exploration": EpsilonGreedy(Linear(1.0, 0.0, until=0.3))}
    sizes = {"body": MLP((32,)), "batch": 32, "replay": 4000, "learn_after": 40}
    rules = {"exploration": EpsilonGreedy(1.0), "learning_rate": Linear(1e-2, 1e-3), "gamma": 0.9, "tau": 0.1}
    learner = IndependentDQN(vec, **{**sizes, **rules, **settings}, seed=1)
    train(learner, vec, 24_000, seed=0, progress=False)
    obs = torch.arange(5)[:, None, None].expand(-1, 1, 2)
    values = learner.team(obs, torch.zeros(5, 2, 0), torch.zeros(5, 1, 2, dtype=torch.bool))[0][:, 0].detach().numpy()
    exact = vec.optimal_q(0.9)[:4]
    allowed = np.ones((4, 3), bool)
    allowed[0, 1] = False  # no way left of the first cell
    for agent in range(2):
        if "n_steps" in settings:
            assert np.abs(values[:4, agent, 2] - exact[:, 2]).max() < 0.05
        else:
            assert np.abs(values[:4, agent] - exact)[allowed].max() < 0.05
