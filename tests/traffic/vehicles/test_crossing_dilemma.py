"""What careful and aggressive drivers are paid in every mixture, against metrics, other mixtures and games by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents import evaluate
from examples.crossing_dilemma import Ends, ends, mixtures, payoffs, play
from marl_envs import intersection_v0
from marl_envs.traffic.vehicles.types import ACCELERATE, HARD_BRAKE, KEEP

TASK: dict[str, Any] = {"layout": "cross", "observation": "tabular", "num_vehicles": 4, "within": 3.0, "max_cycles": 50}


class Always:
    """A driver who always does the same, where it is allowed."""

    def __init__(self, action: int) -> None:
        self.action = action

    def reset(self, seed: int) -> None:
        """Nothing is random."""

    def __call__(self, obs: Any, mask: Any) -> Any:
        return np.where(mask[..., self.action] > 0, self.action, KEEP)

    def act(self, vec: Any, obs: Any) -> Any:
        """Return actions [E, A]."""
        return self(obs, vec.action_mask)


def test_each_car_is_paid_its_own_delay_and_crashes():
    """Summed over the cars they are what the environment measures of the same episodes."""
    go = Always(ACCELERATE)
    sums = play(go, go, np.zeros((200, 4), np.bool_), 5, **TASK)
    played = evaluate(go, intersection_v0.vector_env(200, **TASK), 200, 5)
    np.testing.assert_allclose(sums[..., 1].sum(axis=1), [one["wrecks"] for one in played])
    whole = sums[..., 1].sum(axis=1) == 0  # a car that crashed is paid no more
    assert 20 < whole.sum() < 180
    delays = np.array([one["delay"] for one in played])
    before = delays[whole] - sums[whole, :, 0].mean(axis=1)  # a wait outside before the first decision is nobody's pay
    assert np.abs(before).max() < 0.2
    assert (np.abs(before) < 1e-4).mean() > 0.9


def test_mixtures_sort_payoffs_by_kind_and_by_what_the_others_are():
    """Who stands all the time is late by the same whoever else is there; nobody has itself among the others."""
    stand, go = Always(HARD_BRAKE), Always(ACCELERATE)
    found = mixtures(stand, go, 100, 7, **TASK)
    assert np.isfinite(found).all()
    assert (found[0, :, 0] > 3.0 * found[1, :, 0].max() / 2.0).all()
    alone = play(stand, go, np.ones((100, 4), np.bool_), 7, **TASK)
    np.testing.assert_allclose(found[1, 3], alone.mean(axis=(0, 1)))  # all are of its kind
    both = play(stand, go, np.zeros((100, 4), np.bool_), 7, **TASK)
    np.testing.assert_allclose(found[0, 0], both.mean(axis=(0, 1)))


def test_payoffs_are_delay_and_the_price_of_crashes():
    found = np.array([[[2.0, 0.0], [6.0, 0.1]], [[1.0, 0.05], [4.0, 0.2]]])  # kind, others: delay, crashes
    np.testing.assert_allclose(payoffs(found, 20.0), [[-2.0, -8.0], [-2.0, -8.0]])
    assert ends(payoffs(found, 10.0)) == pytest.approx(Ends(temptation=-1.5, reward=-2, punishment=-6, sucker=-7))


@pytest.mark.parametrize(
    ("game", "name"),
    [
        (Ends(temptation=5, reward=3, punishment=1, sucker=0), "prisoner's dilemma"),
        (Ends(temptation=4, reward=3, punishment=0, sucker=1), "chicken"),
        (Ends(temptation=2, reward=3, punishment=1, sucker=0), "stag hunt"),
        (Ends(temptation=2, reward=3, punishment=0, sucker=1), "none: nobody gains"),
        (Ends(temptation=5, reward=1, punishment=3, sucker=0), "none: all do better"),
        (Ends(temptation=6, reward=3, punishment=1, sucker=0), "none: mixtures"),
    ],
)
def test_games_by_name(game: Ends, name: str):
    assert game.verdict.startswith(name)
