"""TorchRL: PPO with shared networks, its critic seeing one robot (IPPO) or all of them (MAPPO).

    pip install torch torchrl==0.14.1 pettingzoo==1.27.0
    python -m examples.torchrl [--algorithm mappo]

`BatchedEnv` steps all 64 environments in one call. For a single one TorchRL's own
`PettingZooWrapper(marl_envs.make(id))` does, with the same keys; stepping 64 of those one by one is slow.
"""

from __future__ import annotations

from typing import Any

import torch
from tensordict import TensorDictBase
from tensordict.nn import TensorDictModule
from torchrl.collectors import Collector
from torchrl.modules import MaskedCategorical, MultiAgentMLP, ProbabilisticActor
from torchrl.objectives import ClipPPOLoss, ValueEstimators

from examples import task
from marl_envs.interop.torchrl import BatchedEnv

NUM_ENVS, ROLLOUT, EPOCHS, MINIBATCHES = 64, 64, 4, 8
KEYS = {name: ("robot", name) for name in ("reward", "action", "done", "terminated", "sample_log_prob")}


def network(outputs: int, centralized: bool) -> MultiAgentMLP:
    """Return one network for all robots, [..., A, D] -> [..., A, outputs]."""
    return MultiAgentMLP(
        n_agent_inputs=task.OBSERVATION_LENGTH,
        n_agent_outputs=outputs,
        n_agents=len(task.AGENTS),
        centralized=centralized,
        share_params=True,
        depth=2,
        num_cells=128,
        activation_class=torch.nn.Tanh,
    )


def make_actor(env: BatchedEnv) -> ProbabilisticActor:
    """Return the policy; masked actions get probability 0."""
    logits = TensorDictModule(network(task.NUM_ACTIONS, False), [("robot", "observation")], [("robot", "logits")])
    return ProbabilisticActor(
        logits,
        in_keys={"logits": ("robot", "logits"), "mask": ("robot", "action_mask")},
        out_keys=[("robot", "action")],
        spec=env.action_spec_unbatched,
        distribution_class=MaskedCategorical,
        return_log_prob=True,
        log_prob_key=("robot", "sample_log_prob"),
    )


def make_loss(actor: ProbabilisticActor, centralized: bool) -> ClipPPOLoss:
    """Return PPO's clipped objective, and the critic within it."""
    critic = TensorDictModule(network(1, centralized), [("robot", "observation")], [("robot", "state_value")])
    loss = ClipPPOLoss(actor, critic, clip_epsilon=0.2, entropy_coeff=0.01, critic_coeff=0.5, loss_critic_type="l2")
    loss.set_keys(value=("robot", "state_value"), **KEYS)
    # Bootstraps from the last observation of an episode that was cut: "done" ends a trace, "terminated" a value.
    loss.make_value_estimator(ValueEstimators.GAE, gamma=0.99, lmbda=0.95)
    return loss


def update(loss: ClipPPOLoss, optimizer: torch.optim.Optimizer, batch: TensorDictBase) -> None:
    """Improve the networks on a batch [E, T]."""
    with torch.no_grad():
        loss.value_estimator(batch, params=loss.critic_network_params, target_params=loss.target_critic_network_params)
    flat = batch.reshape(-1)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(flat)).split(len(flat) // MINIBATCHES):
            part = flat[rows]
            advantage = part["advantage"]
            part["advantage"] = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
            terms = loss(part)
            optimizer.zero_grad()
            (terms["loss_objective"] + terms["loss_critic"] + terms["loss_entropy"]).backward()
            torch.nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
            optimizer.step()


def main() -> None:
    """Train for a minute, evaluating now and then."""
    parser = task.parser(steps=300_000)
    parser.add_argument("--algorithm", choices=("ippo", "mappo"), default="ippo")
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(1)
    env = BatchedEnv(task.vector_env(NUM_ENVS), seed=chosen.seed)
    actor = make_actor(env)
    loss = make_loss(actor, centralized=chosen.algorithm == "mappo")
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-3)
    # A frame of TorchRL is a step of one environment: as many agent-steps as there are robots.
    frames, agents = NUM_ENVS * ROLLOUT, len(task.AGENTS)
    updates = max(1, chosen.steps // (frames * agents))
    sizes = {"frames_per_batch": frames, "total_frames": updates * frames}
    collector = Collector(env, actor, auto_register_policy_transforms=False, **sizes)  # False, else a warning

    def act(obs: Any, mask: Any) -> Any:
        with torch.no_grad():
            logits = actor.module[0](torch.from_numpy(obs))
        return logits.masked_fill(torch.from_numpy(mask) == 0, -torch.inf).argmax(-1).numpy()

    curve = task.Curve(f"TorchRL {chosen.algorithm.upper()}", chosen)
    for u, batch in enumerate(collector, start=1):
        update(loss, optimizer, batch)
        if u % max(1, updates // 10) == 0 or u == updates:
            curve.point(u * frames * agents, act)
    collector.shutdown()
    curve.finish()


if __name__ == "__main__":
    main()
