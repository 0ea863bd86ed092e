"""Learners on networks, with the interface of the tables (extra `deep`: PyTorch and safetensors).

    vec = warehouse_v0.vector_env(num_envs=32, layout="tiny", num_robots=2, observation="goal")
    learner = IndependentDQN(vec, n_steps=3, seed=0)
    train(learner, vec, 500_000, seed=0)
    learner.save("robots.safetensors")

An algorithm is one file: `dqn`, `vdn`, `qmix`, `dyna`, `hierarchy`, `reptile`, `rl2`. What they share: `settings`,
`body` and `traces` (networks, with or without memory), `replay` with its `sum_tree`, `targets`, and `base`, which makes
a learner of these (docs/learners-deep.md).
"""

try:
    import safetensors  # noqa: F401
    import torch  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"agents.deep needs PyTorch and safetensors, but {error.name} is missing: install the extra `deep` "
        '(pip install "marl-envs[deep]")',
        name=error.name,
    ) from error

from agents.deep.base import NetworkLearner
from agents.deep.body import GRU, MLP, Attention
from agents.deep.descent import LossError
from agents.deep.dqn import IndependentDQN, SharedRewardDQN
from agents.deep.export import export
from agents.deep.qmix import QMIX
from agents.deep.traces import Traces
from agents.deep.vdn import DeepVDN

__all__ = [
    "GRU",
    "MLP",
    "QMIX",
    "Attention",
    "DeepVDN",
    "IndependentDQN",
    "LossError",
    "NetworkLearner",
    "SharedRewardDQN",
    "Traces",
    "export",
]
