"""What knowledge from elsewhere gains, and curricula: by hand, and on corridors of growing reward."""

import numpy as np
import pytest

from agents import EpsilonGreedy, Evaluation, History, IndependentQLearning, train
from agents.curriculum import Stage, climb
from agents.transfer import gain
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]


def history(*scores):
    return History(300, 300, [Evaluation(100 * i, [{"return": score}]) for i, score in enumerate(scores)])


def test_gain_by_hand():
    found = gain(history(-10.0, 0.0, 3.0, 5.0), history(2.0, 5.0, 6.0, 6.0), "return")
    assert (found.jump_start, found.level, found.scratch_steps, found.transfer_steps) == (12.0, 5.0, 300, 100)
    assert found.time_saved == pytest.approx(2 / 3)
    never = gain(history(0.0, 1.0), history(2.0, 5.0), "return", level=4.0)
    assert (never.scratch_steps, never.transfer_steps, never.time_saved) == (None, 100, None)
    assert gain(history(1.0, 1.0), history(1.0), "return").time_saved == 0.0
    with pytest.raises(ParameterError, match="train both with eval_every"):
        gain(History(100), history(1.0), "return")


def walker(vec):
    return IndependentQLearning(vec, alpha=0.5, gamma=0.9, exploration=EpsilonGreedy(0.3), seed=1)


def test_a_table_from_elsewhere_saves_time(tmp_path):
    elsewhere = walker(Corridor(max_cycles=15))
    train(elsewhere, Corridor(max_cycles=15), 20_000, seed=1, progress=False)
    elsewhere.save(tmp_path / "a.npz")
    histories = []
    for made in (walker(Corridor()), IndependentQLearning.load(tmp_path / "a.npz", Corridor(), transfer=True)):
        histories.append(train(made, Corridor(), 4000, seed=2, eval_every=400, eval_episodes=8, progress=False))
    found = gain(*histories, "arrivals", level=2.0)
    assert 0.5 < found.jump_start <= 2.0  # without knowledge chance arrives now and then
    assert found.scratch_steps > 0
    assert found.transfer_steps == 0
    assert found.time_saved == 1.0


STAGES = [Stage({"max_cycles": 20}, 2.0, 20_000), Stage({"max_cycles": 15}, 2.0, 20_000), Stage({}, 99.0, 500)]


def test_mastered_stages_promote_and_what_was_learned_is_carried_along():
    learner, passed = climb(Corridor, walker, STAGES, "arrivals", check_every=400, episodes=8, seed=3)
    assert [one.promoted for one in passed] == [True, True, False]
    assert 0 < passed[0].steps < 20_000
    assert passed[0].steps % 400 == 0
    assert passed[1].steps == 0  # the stage before was enough
    assert passed[2].steps >= 500
    assert all(one.score == 2.0 for one in passed)
    again, _ = climb(Corridor, walker, STAGES, "arrivals", check_every=400, episodes=8, seed=3)
    np.testing.assert_array_equal(again.q, learner.q)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"stages": []}, ParameterError, "stages must not be empty"),
        ({"metric": "speed"}, ParameterError, "metric must be one of return, .*, not 'speed'"),
        ({"check_every": 0}, ParameterError, "check_every must be"),
        ({"stages": [Stage({}, 1.0, 0)]}, ParameterError, r"stages\[0\].most_steps must be"),
        (
            {"stages": [Stage({}, -99.0, 9), Stage({"length": 7}, 1.0, 9)]},
            ValueError,
            r"stage 1 needs q of shape \(1, 7, 3\), but the stage before has \(1, 6, 3\)",
        ),
    ],
)
def test_bad_curricula_are_refused(changes, error, message):
    arguments = {"stages": STAGES, "metric": "arrivals", "check_every": 100, **changes}
    with pytest.raises(error, match=message):
        climb(Corridor, walker, **arguments)
