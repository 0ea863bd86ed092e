"""Training that is stopped, killed or out of disk space continues with the same bits; wrong checkpoints are refused."""

import errno
import os
import signal

import numpy as np
import pytest

from agents import CheckpointError, IndependentQLearning, checkpoint
from marl_envs.core import jit
from tests.agents.corridor import Corridor
from tests.agents.running import STEPS, after, assert_same, run

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]


@pytest.mark.parametrize("cut", [1, 2, 37, 63, 100])
def test_a_stopped_and_resumed_training_has_the_same_bits(tmp_path, cut):
    whole = run(eval_every=96)
    path = tmp_path / "a.npz"
    first = run(eval_every=96, checkpoint=path, stop=after(cut))
    assert first[2].steps == (cut - 1) * 8
    assert not first[2].finished
    second = run(eval_every=96, checkpoint=path, resume=True)
    assert_same(whole, second)
    assert whole[2] == second[2]
    assert second[2].cpu_seconds > first[2].cpu_seconds


@pytest.mark.parametrize("cut", [30, 90])
def test_the_best_tables_survive_a_resume(tmp_path, cut):
    settings = {"eval_every": 48, "keep_best": "return"}
    whole = run(**settings)
    run(checkpoint=tmp_path / "a.npz", stop=after(cut), **settings)
    assert_same(whole, run(checkpoint=tmp_path / "a.npz", resume=True, **settings))
    assert_same(whole, run(checkpoint=tmp_path / "a.npz", resume=True, **settings))  # finished already


def test_many_cuts_give_the_same_bits(tmp_path):
    vec = Corridor(mask=False, goal_ends=False, num_envs=3)
    settings = {"eval_every": 50, "eval_env": Corridor(mask=False, goal_ends=False)}
    whole = run(None, vec, **settings)
    while True:
        vec = Corridor(mask=False, goal_ends=False, num_envs=3)
        part = run(None, vec, checkpoint=tmp_path / "a.npz", resume=True, stop=after(20), **settings)
        if part[2].finished:
            break
    assert_same(whole, part)
    assert whole[2] == part[2]


def test_a_killed_training_continues_from_its_last_checkpoint(tmp_path):
    whole, path = run(eval_every=96), tmp_path / "a.npz"
    vec = Corridor()
    original, calls = vec.step, []

    def dying_step(actions):
        calls.append(1)
        if len(calls) == 70:
            raise MemoryError
        return original(actions)

    vec.step = dying_step
    with pytest.raises(MemoryError):
        run(None, vec, eval_every=96, eval_env=Corridor(), checkpoint=path, checkpoint_every=200)
    assert checkpoint.read(path)[0]["training"]["done"] == 50
    assert_same(whole, run(eval_every=96, checkpoint=path, checkpoint_every=200, resume=True))


def test_a_finished_training_is_not_done_again(tmp_path):
    path = tmp_path / "a.npz"
    whole = run(eval_every=200, checkpoint=path)
    vec = Corridor()
    vec.step = None
    again = run(None, vec, eval_every=200, checkpoint=path, resume=True)
    assert again[2] == whole[2]
    assert_same(whole, again)


def test_the_checkpoint_of_a_training_can_be_loaded_as_a_learner(tmp_path):
    learner, _, _ = run(checkpoint=tmp_path / "a.npz")
    loaded = IndependentQLearning.load(tmp_path / "a.npz", Corridor(num_envs=1))
    np.testing.assert_array_equal(loaded.q, learner.q)


def test_resume_without_a_file_starts_at_the_beginning(tmp_path):
    assert_same(run(), run(checkpoint=tmp_path / "a.npz", resume=True))


def test_an_existing_checkpoint_is_not_overwritten_unasked(tmp_path):
    run(checkpoint=tmp_path / "a.npz")
    with pytest.raises(FileExistsError, match=r"a\.npz exists: continue it with resume=True"):
        run(checkpoint=tmp_path / "a.npz")


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    run(checkpoint=path, stop=after(5))

    def refused(message, learner=None, vec=None, **options):
        vec = Corridor() if vec is None else vec
        learner = IndependentQLearning(vec, seed=1) if learner is None else learner
        with pytest.raises(CheckpointError, match=message):
            run(learner, vec, checkpoint=path, resume=True, **options)
        assert learner.steps == 0
        assert not learner.q.any()
        assert vec.resets == 0

    refused("steps is 800 there, 1600 here", steps=1600)
    refused("eval_every is None there, 100 here", eval_every=100)
    refused(r"params\.length is 6 there, 7 here", vec=Corridor(length=7))
    refused("num_envs is 4 there, 5 here", vec=Corridor(num_envs=5))
    refused("seed is 1 there, 2 here", learner=IndependentQLearning(Corridor(), seed=2))


def test_a_learners_file_holds_no_training(tmp_path):
    IndependentQLearning(Corridor()).save(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match="no training to resume"):
        run(checkpoint=tmp_path / "a.npz", resume=True)


@pytest.mark.parametrize("lost", ["history", "done", "environment"])
def test_a_checkpoint_without_a_part_is_refused(tmp_path, lost):
    path = tmp_path / "a.npz"
    run(checkpoint=path, stop=after(5))
    header, arrays = checkpoint.read(path)
    del header["training"][lost]
    checkpoint.write(path, {key: header[key] for key in ("learner", "training")}, arrays)
    with pytest.raises(CheckpointError, match=f"lacks part of its training.*{lost}"):
        run(checkpoint=path, resume=True)


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    run(checkpoint=path, stop=after(5))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CheckpointError, match=r"a\.npz is not a whole checkpoint"):
        run(checkpoint=path, resume=True)


def test_a_disk_that_fills_up_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    path, whole = tmp_path / "a.npz", run()
    run(checkpoint=path, stop=after(30))

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left.*previous checkpoint is unchanged.*a\.npz"):
            run(checkpoint=path, resume=True)
    assert_same(whole, run(checkpoint=path, resume=True))


def test_ctrl_c_saves_and_returns(tmp_path):
    path, whole = tmp_path / "a.npz", run()
    handler = signal.getsignal(signal.SIGINT)
    asked = []

    def press():
        asked.append(1)
        if len(asked) == 40:
            os.kill(os.getpid(), signal.SIGINT)
        return False

    part = run(checkpoint=path, stop=press)
    assert 0 < part[2].steps < STEPS
    assert signal.getsignal(signal.SIGINT) is handler
    assert_same(whole, run(checkpoint=path, resume=True))
