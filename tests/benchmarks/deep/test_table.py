"""The command of the networks: what is finished is kept, and the table says what is met."""

import math

import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents.deep import LossError
from benchmarks.__main__ import main
from benchmarks.deep import bandits, games, run, table
from benchmarks.deep.row import Row
from benchmarks.errors import InputError

pytestmark = pytest.mark.deep


@pytest.fixture
def groups(monkeypatch):
    """Two groups that take no time; which have been played, in turn."""
    played = []

    def group(name, score):
        def play():
            played.append(name)
            return [Row(name, "score", "at least 1", score, score >= 1.0, 2.0)]

        return play

    monkeypatch.setattr(table, "GROUPS", {"one": group("one", 3.0), "two": group("two", 0.5)})
    return played


def deep(out, *options):
    return main(["run", "deep", "--out", str(out), "--engine", "serial", *options])


ONE, TWO = "| one | score | at least 1 | 3 | yes | 2 |", "| two | score | at least 1 | 0.5 | no | 2 |"


def test_finished_groups_are_kept_and_missing_ones_played(groups, tmp_path, capsys):
    assert deep(tmp_path, "--only", "two") == 0
    assert groups == ["two"]
    lines = (tmp_path / "deep.md").read_text().splitlines()
    assert lines[2] == TWO
    assert lines[4].startswith("1 of 2 groups, ")
    for _ in range(2):
        assert deep(tmp_path) == 0
    assert groups == ["two", "one"]
    assert (tmp_path / "deep.md").read_text().splitlines()[2:4] == [ONE, TWO]
    said = capsys.readouterr().out
    assert "1 of 2 jobs were finished before; 1 to run" in said
    assert "at least 1" in said


def test_after_an_interruption_the_same_command_goes_on(groups, tmp_path, monkeypatch, capsys):
    first = dict(table.GROUPS)

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setitem(table.GROUPS, "two", interrupt)
    assert deep(tmp_path) == 130
    assert "the same command continues" in capsys.readouterr().err
    monkeypatch.setattr(table, "GROUPS", first)
    assert deep(tmp_path) == 0
    assert groups == ["one", "two"]


def test_a_group_that_fails_is_named_and_the_others_are_kept(groups, tmp_path, monkeypatch, capsys):
    def fail():
        raise LossError("the loss is nan at step 7")

    monkeypatch.setitem(table.GROUPS, "one", fail)
    assert deep(tmp_path) == 1
    said = capsys.readouterr()
    assert "LossError: the loss is nan at step 7" in said.out
    assert "1 of 2 jobs failed; the others are kept" in " ".join(said.err.split())
    assert groups == ["two"]


def test_what_other_code_has_played_is_played_anew(groups, tmp_path, monkeypatch):
    assert deep(tmp_path) == 0
    monkeypatch.setattr(table, "code", lambda: "0" * 16)
    assert deep(tmp_path) == 0
    assert groups == ["one", "two", "one", "two"]
    with pytest.raises(InputError, match="other experiments"):
        run.play(run.Play(group="one", code="1" * 16), tmp_path)


def test_what_could_not_be_played_is_played_anew_once_a_command(groups, tmp_path, monkeypatch):
    """What is missing may be installed by the next time; until then a group costs its time once."""
    installed = []

    def gap():
        groups.append("gap")
        return [
            Row("gap", "score", "at least 1", 3.0, True, 2.0),
            Row("gap", "SUMO", "-", *((1.5, None) if installed else (None, None)), 0.0),
        ]

    monkeypatch.setitem(table.GROUPS, "one", gap)
    for turn in (1, 2):
        assert deep(tmp_path) == 0
        assert groups.count("gap") == turn
        assert (tmp_path / "deep.md").read_text().splitlines()[3] == "| gap | SUMO | - | not played | - | 0 |"
    installed.append("SUMO")
    for _ in range(2):
        assert deep(tmp_path) == 0
        assert (tmp_path / "deep.md").read_text().splitlines()[3] == "| gap | SUMO | - | 1.5 | - | 0 |"
    assert groups == ["gap", "two", "gap", "gap"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--only", "one", "three"], "no group 'three'; there are one, two"),
        (["--seeds", "3"], "seeds of their own"),
        (["--tensorboard"], "trainings of their own"),
        (["--workers", "0"], "--workers must be at least 1"),
        (["--address", "x"], "takes none"),
    ],
)
def test_what_cannot_be_chosen_is_refused(options, words, groups, tmp_path, capsys):
    assert deep(tmp_path / "out", *options) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()
    assert not groups


def test_only_is_for_networks(capsys):
    assert main(["run", "quick", "--only", "games"]) == 2
    assert "--only is for groups of `deep`" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "published"), [("greedy", 6.6), ("Thompson", 5.7), ("UCB1", 6.7)])
def test_rules_for_bandits_earn_what_was_published(name, published):
    """Duan et al. (2016), table 1, ten pulls of five arms, rounded there to one digit."""
    assert bandits.rule(name, 10, 5, trials=20_000) == pytest.approx(published, abs=0.2)


def test_bandits_are_met_only_by_the_worst_seed(monkeypatch):
    scores = {0: 79.5, 1: 78.9, 2: 81.0}
    monkeypatch.setattr(bandits, "rule", lambda name, pulls, arms: {"greedy": 79.0}.get(name, 77.0))
    monkeypatch.setattr(bandits, "learned", lambda pulls, arms, seed: scores[seed])
    (row,) = table.exploring(100, 10)
    assert (row.ours, row.target, row.met) == (78.9, "at least 79.00", False)
    assert "79.5, 78.9, 81; greedy 79.00, Thompson 77.00" in row.what
    scores[1] = 79.0
    assert table.exploring(100, 10)[0].met


@pytest.mark.slow
def test_the_two_step_game_pays_seven_to_a_sum_and_eight_to_a_mixture():
    from agents.deep import QMIX, DeepVDN

    assert games.two_step(DeepVDN, 5) == 7.0
    assert games.two_step(QMIX, 5) == 8.0
    assert math.isclose(games.vdn_gap(5), 0.0, abs_tol=0.3)
