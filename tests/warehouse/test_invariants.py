"""Episodes on random floors: every step as the slow rule says, every state consistent, every metric recomputed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import warehouse_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.battery import BATTERY_METRICS
from marl_envs.warehouse.planner import GreedyPolicy
from marl_envs.warehouse.types import BLOCKED, MOVED, NUM_MOVES, SHELF, SWAP, TOGGLED, TURNED, VERTEX, WAITED, WALL
from tests.warehouse.consistency import check_state
from tests.warehouse.oracle import FORWARD, NOOP, TOGGLE, Outcome, Picture, ahead, can_toggle, hindrance, picture, step
from tests.warehouse.strategies import warehouses

STEPS = 60 if ENABLED else 12
many = settings(max_examples=45 if ENABLED else 6, deadline=None)
PUSHY = (0, 1, 1, 1, 1, 2, 3, 4)  # random moves, to get into each other's way
KINDS = {
    "moved": MOVED,
    "turned": TURNED,
    "toggled": TOGGLED,
    "waited": WAITED,
    "vertex": VERTEX,
    "swap": SWAP,
    "blocked": BLOCKED,
    "shelf": SHELF,
    "wall": WALL,
}
DID = tuple(KINDS)  # what a robot does with a step: exactly one of these


class Player:
    """Greedy robots that sidestep, with random moves and messages between."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.random_share = self.generator.choice([0.1, 0.4, 1.0])
        self.greedy = GreedyPolicy(sidestep=0.5, seed=seed)

    def act(self, vec: VectorEnv) -> np.ndarray:
        """Return actions [E, A]."""
        actions = self.greedy.act(vec, None)
        chance = self.generator.random(actions.shape) < self.random_share
        actions[chance] = self.generator.choice(PUSHY, chance.sum())
        return actions + NUM_MOVES * self.generator.integers(0, 1 << vec.params.message_bits, actions.shape)


class Log:
    """What was seen of an episode, from which its metrics follow."""

    def __init__(self, robots: int, queue: list[int]) -> None:
        self.steps = 0
        self.did = {name: np.zeros(robots, int) for name in DID}
        self.masked = np.zeros(robots, int)
        self.loaded = np.zeros(robots, int)
        self.deliveries = np.zeros(robots, int)
        self.idle = 0
        self.reward = 0.0
        self.service = 0
        self.released = [0] * len(queue)

    def add(self, moves: list[int], outcome: Outcome, reward: np.ndarray) -> None:
        """Take in one step."""
        after = outcome.after
        self.steps += 1
        for a, name in enumerate(outcome.did):
            self.did[name][a] += 1
            idle_toggle = name == "waited" and moves[a] == TOGGLE
            self.masked[a] += idle_toggle or name in ("shelf", "wall")
            self.loaded[a] += after.loads[a] >= 0
        self.deliveries[outcome.delivered] += 1
        self.reward += float(np.sum(reward))
        for place in outcome.places:
            self.service += self.steps - self.released[place]
            self.released[place] = self.steps
        standing = sum(shelf not in after.loads for shelf in after.queue)
        self.idle += max(sum(load < 0 for load in after.loads) - standing, 0)

    def metrics(self) -> dict[str, float]:
        """Return what the definitions give."""
        total = {name: int(counts.sum()) for name, counts in self.did.items()}
        refused = total["vertex"] + total["swap"] + total["blocked"]
        asked = total["moved"] + refused + total["shelf"] + total["wall"]
        deliveries, robots = int(self.deliveries.sum()), len(self.deliveries)
        undefined = float("nan")
        return {
            "deliveries": deliveries,
            "throughput": deliveries / self.steps,
            "service_time": self.service / deliveries if deliveries else undefined,
            **{f"refused_{name}": total[name] for name in ("vertex", "swap", "blocked", "shelf", "wall")},
            "refused_fraction": refused / asked if asked else undefined,
            "waiting_fraction": total["waited"] / (robots * self.steps),
            "turning_fraction": total["turned"] / (robots * self.steps),
            "moving_fraction": total["moved"] / (robots * self.steps),
            "idle_fraction": self.idle / (robots * self.steps),
            "loaded_fraction": int(self.loaded.sum()) / (robots * self.steps),
            "distance_per_delivery": total["moved"] / deliveries if deliveries else undefined,
            "jain_fairness": deliveries**2 / (robots * float((self.deliveries**2).sum())) if deliveries else undefined,
            "masked_actions": int(self.masked.sum()),
            "episode_length": self.steps,
            "return": self.reward,
            **dict.fromkeys(BATTERY_METRICS, undefined),
        }


def check_step(vec: VectorEnv, before: Picture, outcome: Outcome, result: tuple) -> None:
    """Compare what a step left and gave with the slow rule."""
    after, params = picture(vec), vec.params
    assert after == outcome.after
    assert int(vec.arrays.rng[0]) == outcome.stream
    assert vec.arrays.outcome[0].tolist() == [KINDS[did] for did in outcome.did]
    robots = range(len(after.cells))
    assert not any(
        after.cells[a] == before.cells[b] and after.cells[b] == before.cells[a] for a in robots for b in range(a)
    ), "two robots have changed places"
    two_stage = params.reward == "two_stage"
    own = np.zeros(len(robots))
    own[outcome.delivered] += 0.5 if two_stage else 1.0
    own[outcome.put_back] += 0.5 if two_stage else 0.0
    _, reward, terminated, truncated, info = result
    assert info["reward_terms"][0].sum(axis=1).tolist() == own.tolist()
    assert reward[0].tolist() == ([own.sum()] * len(robots) if params.reward == "team" else own.tolist())
    assert not terminated.any()
    assert not truncated.any()


@many
@given(warehouses(), st.integers(0, 2**32))
def test_every_step_is_what_the_slow_rule_says(vec, seed):
    player = Player(seed)
    check_state(vec)
    log = Log(vec.num_agents, picture(vec).queue)
    for _ in range(STEPS):
        before, stream = picture(vec), int(vec.arrays.rng[0])
        actions = player.act(vec)
        moves = (actions[0] % NUM_MOVES).tolist()
        outcome = step(before, moves, stream, vec.params.rware_compat)
        result = vec.step(actions)
        check_step(vec, before, outcome, result)
        check_state(vec)
        log.add(moves, outcome, result[1])
    counted = vec.arrays.tally[0]
    assert counted[:, [KINDS[name] for name in DID]].T.tolist() == [log.did[name].tolist() for name in DID]
    assert (sum(log.did.values()) == STEPS).all()
    found, expected = vec.metrics(), log.metrics()  # the others: test_coordination.py
    assert {name: found[name][0] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_the_episodes_above_have_deliveries_conflicts_and_put_backs():
    """The same play on two floors known to be workable, so that the test above is worth its name."""
    seen = dict.fromkeys(DID, 0) | {"delivered": 0, "put_back": 0}
    for layout, robots in (("5x5", 3), ("xx.xx\n.....\n..g..", 9)):
        vec = warehouse_v0.vector_env(1, layout=layout, num_robots=robots, request_queue_size=2)
        vec.reset(seed=1)
        for seed in range(6):
            player = Player(seed)
            for _ in range(80):
                before, actions = picture(vec), player.act(vec)
                outcome = step(before, actions[0].tolist(), int(vec.arrays.rng[0]), False)
                vec.step(actions)
                for did in outcome.did:
                    seen[did] += 1
                seen["delivered"] += len(outcome.delivered)
                seen["put_back"] += len(outcome.put_back)
    assert min(seen.values()) > 0


@many
@given(warehouses(), st.integers(0, 2**32))
def test_the_mask_forbids_exactly_what_has_no_effect_whatever_the_others_do(vec, seed):
    player = Player(seed)
    info: dict[str, Any] = vec.set_state(vec.get_state())[1]
    for _ in range(STEPS // 4):
        seen, mask = picture(vec), info["action_mask"][0].copy()
        for a in range(vec.num_agents):
            allowed = [True, hindrance(seen, a) is None, True, True, can_toggle(seen, a)]
            assert mask[a].tolist() == allowed * (1 << vec.params.message_bits)
        _, _, _, _, info = vec.step(player.act(vec))


@many
@given(warehouses(), st.integers(0, 2**32))
def test_a_forbidden_action_is_the_no_op(vec, seed):
    player, generator = Player(seed), np.random.default_rng(seed)
    for _ in range(STEPS // 4):
        start = vec.get_state()
        mask = vec.set_state(start)[1]["action_mask"][0]
        actions = player.act(vec)
        moves = actions % NUM_MOVES
        forbidden = (mask[np.arange(vec.num_agents), actions[0]] == 0)[None]
        results = []
        for chosen in (actions, np.where(forbidden, actions - moves + NOOP, actions)):
            vec.set_state(start)
            obs, reward, *_ = vec.step(chosen)
            results.append((picture(vec), obs.tolist(), reward.tolist()))
        assert results[0] == results[1]
        vec.set_state(start)
        a, before = int(generator.integers(vec.num_agents)), picture(vec)
        for action in range(1, NUM_MOVES):
            alone = np.zeros_like(actions)
            alone[0, a] = action
            vec.set_state(start)
            vec.step(alone)
            crowded = action == FORWARD and ahead(before, a) in before.cells
            assert (robot(picture(vec), a) != robot(before, a)) == (mask[a, action] and not crowded)
        vec.set_state(start)
        vec.step(actions)


def robot(seen: Picture, a: int) -> tuple:
    return seen.cells[a], seen.headings[a], seen.loads[a]
