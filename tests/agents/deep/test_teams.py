"""VDN and QMIX on games whose best fits are known."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from agents import EpsilonGreedy, train  # noqa: E402
from agents.deep import MLP, QMIX, DeepVDN  # noqa: E402
from agents.deep.qmix import Mixer  # noqa: E402
from marl_envs import matrix_v0  # noqa: E402

PAYOFF = [[0.0, 1.0], [1.0, 8.0]]  # the second state of the two-step game


def game():
    return matrix_v0.vector_env(num_envs=32, payoff=PAYOFF)


def values(learner):
    """The values of both agents' actions in the only state, [A, N]."""
    obs, no = torch.zeros(1, 1, 2, dtype=torch.int32), torch.zeros(1, 1, 2, dtype=torch.bool)
    return learner.team(obs, torch.zeros(1, 2, 0), no)[0][0, 0].detach()


def fit(cls):
    vec = game()
    chosen = {"exploration": EpsilonGreedy(1.0), "learning_rate": 0.01, "batch": 128, "learn_after": 320}
    learner = cls(vec, body=MLP((16,)), huber=100.0, seed=0, **chosen)
    train(learner, vec, 32 * 2 * 300, seed=0, progress=False)
    return learner, vec


def test_vdn_fits_row_mean_and_column_mean_less_the_mean():
    """Sampled cells are near, not at, a quarter each; the fit is as near to that of equal shares."""
    q = values(fit(DeepVDN)[0])
    payoff = np.array(PAYOFF)
    exact = payoff.mean(1)[:, None] + payoff.mean(0) - payoff.mean()  # -1.5 2.5, 2.5 6.5
    assert np.abs((q[0][:, None] + q[1]).numpy() - exact).max() < 0.35


def test_qmix_represents_what_no_sum_can():
    learner, vec = fit(QMIX)
    q = values(learner)
    pairs = torch.stack([q[0][:, None].expand(2, 2), q[1].expand(2, 2)], -1)
    vec.reset(seed=0)
    mixed = learner.learned["mixer"](pairs, torch.from_numpy(vec.state()[:1]).expand(2, 2, -1))
    assert np.abs(mixed[..., 0].detach().numpy() - PAYOFF).max() < 0.35


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.integers(1, 5), st.floats(0.01, 100.0))
def test_the_mixture_never_falls_when_an_agents_value_rises(seed, agents, scale):
    torch.manual_seed(seed)
    mixer = Mixer(agents, 4, 8, 16)
    q = (scale * torch.randn(50, agents)).requires_grad_()
    mixer(q, scale * torch.randn(50, 4)).sum().backward()
    assert q.grad is not None
    assert (q.grad >= 0).all()
    assert (q.grad > 0).any()
