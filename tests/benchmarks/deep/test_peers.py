"""The comparison with BenchMARL, without it: both sides get the same, nothing is played twice, a gap is named."""

import configparser
import json
import os
import re
import signal
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.deep.peers import report, run, settings
from benchmarks.deep.peers.played import Played
from benchmarks.deep.peers.run import Run

ROOT = Path(__file__).parents[3]


def played(one: Run, deliveries: float = 4.0, seconds: float = 30.0) -> Played:
    return Played(one.algorithm, one.side, one.seed, deliveries, 2 * deliveries, one.frames, 50, seconds)


@pytest.mark.parametrize("algorithm", settings.ALGORITHMS)
@pytest.mark.parametrize("frames", [2_000, settings.FRAMES])
def test_both_sides_do_the_same_to_the_same_data(algorithm, frames):
    ours = settings.merged(algorithm, "ours", frames)
    theirs = settings.merged(algorithm, "experiment", frames) | settings.merged(algorithm, "algorithm", frames)
    collected = settings.NUM_ENVS * ours["train_every"]
    assert collected == theirs["off_policy_collected_frames_per_batch"]
    assert theirs["off_policy_n_envs_per_worker"] == settings.NUM_ENVS
    assert ours["gradient_steps"] == theirs["off_policy_n_optimizer_steps"]
    assert (ours["batch"], ours["replay"]) == (theirs["off_policy_train_batch_size"], theirs["off_policy_memory_size"])
    assert ours["replay"] >= settings.FRAMES  # nothing is forgotten on either side, whichever goes first
    assert (ours["learning_rate"], ours["gamma"], ours["tau"]) == (theirs["lr"], theirs["gamma"], theirs["polyak_tau"])
    assert (ours["clip"], theirs["clip_grad_norm"]) == (theirs["clip_grad_val"], True)
    assert (ours["huber"], theirs["loss_function"]) == (1.0, "smooth_l1")
    assert (ours["n_steps"], ours["double"], ours["dueling"]) == (1, False, False)
    for frame in range(0, frames + 1, collected):
        eased = min(1.0, frame / theirs["exploration_anneal_frames"])
        first, last = theirs["exploration_eps_init"], theirs["exploration_eps_end"]
        assert ours["exploration"].strength(frame / frames) == pytest.approx(first + eased * (last - first))
    assert ours.get("embed") == theirs.get("mixing_embed_dim") == (32 if algorithm == "qmix" else None)


def test_the_extra_pins_what_the_interop_tests_pin():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extra = set(config["options.extras_require"]["benchmarl"].split())
    proven = set(re.findall(r"^[a-z]+==.*", (ROOT / "tests/interop/requirements/benchmarl.txt").read_text(), re.M))
    assert {pin.partition("==")[0] for pin in extra} >= {"benchmarl", "torchrl", "tensordict", "torch"}
    assert extra <= proven


def test_without_benchmarl_the_extra_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(run, "find_spec", lambda name: None if name in ("benchmarl", "torchrl") else object())
    assert main(["run", "deep-peers", "--out", str(tmp_path / "new")]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "torchrl, benchmarl cannot be found" in said
    assert "extra `benchmarl`" in said
    assert not (tmp_path / "new").exists()


def test_seeds_cannot_be_chosen(capsys):
    assert main(["run", "deep-peers", "--seeds", "3"]) == 2
    assert "seeds of their own" in capsys.readouterr().err


def test_finished_trainings_are_kept(tmp_path, monkeypatch):
    trained = []

    def measured(one):
        trained.append(one)
        return played(one)

    monkeypatch.setattr(run, "measured", measured)
    kept, missing, other = run.RUNS[:3]
    kept.file(tmp_path).write_text(json.dumps(asdict(played(kept, 9.0))))
    stale = other.file(tmp_path).name.replace(run.code(), "0" * 16)
    (tmp_path / stale).write_text(json.dumps(asdict(played(other, 7.0))))
    for _ in range(2):
        assert [run.play(one, tmp_path).deliveries for one in (kept, missing, other)] == [9.0, 4.0, 4.0]
    assert trained == [missing, other]
    assert json.loads(missing.file(tmp_path).read_text()) == asdict(played(missing))


def test_what_ctrl_c_cut_short_is_no_result(monkeypatch):
    pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")
    from agents import training
    from benchmarks.deep.peers import ours

    step, asked = training._Course.step, []

    def interrupted(course):
        step(course)
        if course.done == 5:
            asked.append(course.done)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(training._Course, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ours.learn("vdn", 1, 2_000)
    assert asked == [5]


def test_every_algorithm_is_played_by_both_sides_with_the_same_seeds():
    for algorithm in settings.ALGORITHMS:
        seeds = {side: [r.seed for r in run.RUNS if (r.algorithm, r.side) == (algorithm, side)] for side in run.SIDES}
        assert seeds["ours"] == seeds["benchmarl"] == list(run.SEEDS)


def test_tables_pair_seeds():
    """Gains of 1, 2 and 3: their mean 2, and Student's interval 4.303 / sqrt(3) to both sides."""
    ours = [played(Run("vdn", "ours", seed), 10.0 + 2 * seed, 20.0) for seed in (3, 1, 2)]
    theirs = [played(Run("vdn", "benchmarl", seed), 10.0 + seed, 40.0) for seed in (1, 2, 3)]
    figures, gains = (text.splitlines()[2:] for text in report.figures([*theirs, *ours]))
    assert [line.split(" | ")[2] for line in figures] == ["12.0, 14.0, 16.0", "11.0, 12.0, 13.0"]
    assert gains == ["| VDN | 2.0 (-0.5 to 4.5) | 4.0 (-1.0 to 9.0) | 0.50 (0.50 to 0.50) |"]
    figures, gains = (text.splitlines()[2:] for text in report.figures([*theirs[:2], *ours]))
    assert (len(figures), gains) == (2, [])  # nothing to pair
