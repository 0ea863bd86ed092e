"""The training loop: same bits, evaluations that disturb nothing, learning to the optimum, and refusals."""

import io
import json
import signal
import threading

import numpy as np
import pytest
from rich.console import Console

from agents import (
    EpsilonGreedy,
    IndependentQLearning,
    Linear,
    SharedRewardQLearning,
    evaluate,
    train,
)
from agents.history import Evaluation
from agents.interrupt import Interrupt
from agents.progress import TrainingBar
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor
from tests.agents.running import STEPS, assert_same, run

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]


def test_the_same_seed_gives_the_same_bits():
    one, other = run(eval_every=200), run(eval_every=200)
    assert_same(one, other)
    assert one[2] == other[2]
    different = train(
        IndependentQLearning(Corridor(), seed=1), Corridor(), STEPS, seed=8, progress=False, eval_every=200
    )
    assert different != one[2]


def test_evaluations_do_not_disturb_the_training():
    assert_same(run(), run(eval_every=8, eval_episodes=5))
    assert_same(run(), run(eval_every=8, eval_env=Corridor(num_envs=3)))


def test_evaluations_come_at_the_start_at_every_stride_and_at_the_end():
    history = run(eval_every=250, eval_episodes=6)[2]
    assert [one.steps for one in history.evaluations] == [0, 248, 496, 744, 800]
    assert all(len(one.episodes) == 6 for one in history.evaluations)
    assert (history.steps, history.total_steps, history.finished) == (800, 800, True)
    assert history.cpu_seconds > 0


def test_the_history_has_the_returns_of_the_training_s_episodes():
    """Against what the environment itself reported, by the hundredth of the training in which an episode ended."""
    seen = []

    class Noted(Corridor):
        def step(self, actions):
            result = super().step(actions)
            seen.append(result[-1]["metrics"]["return"][result[-1]["ended"]].tolist())
            return result

    history = run(vec=Noted(), steps=4000)[2]  # 500 steps of the batch, so five to a hundredth
    parts = [[value for step in seen[i : i + 5] for value in step] for i in range(0, 500, 5)]
    assert history.episodes == [len(part) for part in parts]
    wanted = [(40 * (i + 1), sum(part) / len(part)) for i, part in enumerate(parts) if part]
    np.testing.assert_allclose(history.training_returns(), wanted)
    assert len(wanted) > 50


def test_steps_are_rounded_up_to_whole_batches():
    learner, _, history = run(steps=801)
    assert (learner.steps, history.steps, history.total_steps) == (808, 808, 808)
    assert learner.progress == 1.0


def test_the_best_evaluation_s_tables_are_kept():
    """Long episodes are those of agents that know little, so the best by length is not the last."""
    settings = {"eval_every": 40, "eval_episodes": 8}
    last, best = run(**settings), run(keep_best="episode_length", **settings)
    assert last[2] == best[2], "keeping changes nothing of the training"
    means = [one.mean("episode_length") for one in best[2].evaluations]
    assert max(means) > means[-1]
    again = train(best[0], Corridor(), 8, seed=7, progress=False, **settings)
    assert again.evaluations[0].mean("episode_length") == max(means)


def test_the_best_may_be_the_lowest():
    settings = {"eval_every": 40, "eval_episodes": 8}
    learner, _, history = run(keep_best="episode_length", lowest=True, **settings)
    means = [one.mean("episode_length") for one in history.evaluations]
    assert min(means) < means[0]
    again = train(learner, Corridor(), 8, seed=7, progress=False, **settings)
    assert again.evaluations[0].mean("episode_length") == min(means)


def test_evaluations_play_the_seed_that_is_asked_for():
    learner, vec = IndependentQLearning(Corridor()), Corridor()
    history = train(learner, vec, 8, seed=7, eval_every=8, eval_episodes=6, eval_seed=11, progress=False)
    assert repr(history.evaluations[-1].episodes) == repr(evaluate(learner, Corridor(), 6, 11))  # with NaN
    other = train(learner, vec, 8, seed=7, eval_every=8, eval_episodes=6, progress=False)
    assert repr(other.evaluations[0].episodes) != repr(history.evaluations[-1].episodes)


@pytest.mark.parametrize("reward", ["individual", "team"])
def test_learning_ends_at_the_optimum(reward):
    vec = Corridor(reward=reward, num_envs=16)
    kind = SharedRewardQLearning if reward == "team" else IndependentQLearning
    exploration = EpsilonGreedy(Linear(0.5, 0.0))
    learner = kind(vec, alpha=Linear(0.2, 0.002), exploration=exploration, share_table=False)
    history = run(learner, vec, 160_000, eval_every=160_000, eval_episodes=64)[2]
    first, last = history.evaluations
    assert last.mean("arrivals") == 2
    assert last.mean("mean_arrival") < first.mean("mean_arrival")
    for table in learner.q:
        assert (table[:-1, 2] > table[:-1, 0]).all()
        assert (table[1:-1, 2] > table[1:-1, 1]).all()


def test_a_second_ctrl_c_breaks_off():
    before = signal.getsignal(signal.SIGINT)  # a shell that starts us in the background has it ignored
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_training_works_in_another_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(run()))
    thread.start()
    thread.join()
    assert_same(results[0], run())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 0}, ParameterError, "steps must be an integer from 1"),
        ({"steps": 1e6}, ParameterError, "steps must be an integer"),
        ({"eval_every": 0}, ParameterError, "eval_every must be"),
        ({"eval_episodes": 0}, ParameterError, "eval_episodes must be"),
        ({"checkpoint_every": 0, "checkpoint": "a.npz"}, ParameterError, "checkpoint_every must be"),
        ({"checkpoint_every": 10}, ParameterError, "need checkpoint"),
        ({"resume": True}, ParameterError, "need checkpoint"),
        ({"resume": "yes", "checkpoint": "a.npz"}, ParameterError, "resume must be one of True, False"),
        ({"keep_best": "arrivals"}, ParameterError, "keep_best needs eval_every"),
        ({"keep_best": "profit", "eval_every": 8}, ParameterError, "keep_best must be one of 'return'"),
        ({"checkpoint": "no/such/a.npz"}, FileNotFoundError, "folder of the checkpoint"),
    ],
)
def test_bad_options_are_refused_before_the_environment_is_touched(options, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vec = Corridor()
    with pytest.raises(error, match=message):
        run(None, vec, **options)
    assert vec.resets == 0


def test_a_learner_of_another_environment_is_refused():
    with pytest.raises(ParameterError, match=r"params\.length is 6 there, 7 here"):
        run(IndependentQLearning(Corridor()), Corridor(length=7))
    with pytest.raises(ParameterError, match="num_envs is 4 there, 8 here"):
        run(IndependentQLearning(Corridor()), Corridor(num_envs=8))


def test_evaluating_in_the_training_environment_is_refused():
    vec = Corridor()
    with pytest.raises(ParameterError, match="another environment than vec"):
        run(None, vec, eval_every=100, eval_env=vec)


def test_the_bar_shows_speed_and_the_last_evaluation():
    text = io.StringIO()
    with TrainingBar(100, 0, True, Console(file=text, force_terminal=True, width=120)) as bar:
        bar.evaluated(Evaluation(0, [{"return": 1.25}]))
        bar.advance(100)
    assert "M steps/s" in text.getvalue()
    assert "return 1.25" in text.getvalue()
    assert "100%" in text.getvalue()


def test_no_bar_is_drawn_unless_shown(capsys):
    run(eval_every=400)
    assert capsys.readouterr() == ("", "")
    run(eval_every=400, progress=True)
    assert "100%" in capsys.readouterr().err


def test_a_history_goes_through_json():
    history = run(eval_every=400)[2]
    assert type(history).from_config(json.loads(json.dumps(history.to_config()))) == history
