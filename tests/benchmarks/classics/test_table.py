"""The table of the classics: verdicts, what is written, and the command."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.__main__ import main
from benchmarks.classics import matignon, run, table
from benchmarks.engines import Choice
from benchmarks.errors import InputError, RunError


def test_verdicts():
    assert table.near("a", "b", -20.0, -20.9).verdict == "agrees"
    assert table.near("a", "b", -20.0, -21.1).verdict == "differs"
    assert table.near("a", "b", 14, 14, 0.0).verdict == "agrees"
    assert table.Row("a", "b", "5 to 10", 11.0, 5, 10).verdict == "differs"
    assert table.near("a", "b", 5.0, float("nan")).verdict == "differs"


@pytest.fixture
def groups(monkeypatch):
    """Two classics that take no time, of which the second depends on the seed."""
    played = {
        "first": lambda seed: [table.near("one", "x", 1.0, 1.01)],
        "second": lambda seed: [table.near("two", "y", 2.0, 3.0 - seed)],
    }
    monkeypatch.setattr(run, "GROUPS", played)
    return played


def test_the_command_writes_the_table(groups, tmp_path, capsys):
    out = tmp_path / "new"
    assert main(["run", "classics", "--out", str(out), "--workers", "1"]) == 0
    lines = (out / "classics.md").read_text().splitlines()
    assert lines[:4] == [
        "| classic | what | published | ours | verdict |",
        "| --- | --- | --- | --- | --- |",
        "| one | x | 1 | 1.01 | agrees |",
        "| two | y | 2 | 3 | differs |",
    ]
    assert lines[-1].startswith("2 jobs on ")
    assert "differs" in capsys.readouterr().out


def test_seeds_are_played_and_only_what_is_missing(groups, tmp_path, capsys, monkeypatch):
    command = ["run", "classics", "--out", str(tmp_path), "--engine", "serial", "--seeds"]
    assert main([*command, "1"]) == 0
    monkeypatch.setitem(groups, "first", lambda seed: [table.near("one", "x", 1.0, 1.03)])  # as if it were not the same
    assert main([*command, "2"]) == 0
    assert "2 of 4 jobs were finished before; 2 to run" in capsys.readouterr().out
    assert (tmp_path / "summary.csv").read_text().splitlines() == [
        "classic,what,published,seeds,mean,seeds_that_agree",
        "one,x,1.0,2,1.02,2",
        "two,y,2.0,2,2.5,1",
    ]
    assert "| two | y | 2 | 2.5 | agrees in 1 of 2 |" in (tmp_path / "classics.md").read_text()


def test_a_group_that_fails_does_not_stop_the_others(groups, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(groups, "first", lambda seed: 1 / 0)
    assert main(["run", "classics", "--out", str(tmp_path), "--engine", "serial"]) == 1
    said = capsys.readouterr()
    assert "first / seed 0: ZeroDivisionError" in said.out
    assert "1 of 2 jobs failed; the others are kept" in said.err


def test_other_code_is_refused(groups, tmp_path):
    with pytest.raises(InputError, match="other classics"):
        run.play(run.Play(group="first", seed=0, code="0123"), tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    Path(tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot write .*file/x"):
        run.run_classics(tmp_path / "file" / "x", None, Choice(), Console())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0"], "--workers must be at least 1, not 0"),
        (["--seeds", "0"], "--seeds must be at least 1, not 0"),
        (["--tensorboard"], "leave --tensorboard out"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, capsys, options, message):
    assert main(["run", "classics", "--out", str(tmp_path / "new"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_cell_of_coordination_agrees_within_chance_only(monkeypatch):
    ours = dict(zip(matignon.GAMES, (100.0, 100.0, 99.9, 0.0, 0.0), strict=True))
    monkeypatch.setattr(matignon, "success", lambda name, game, seed: ours[game])
    rows = table.coordinating("distributed Q", 0)  # published: 100, 100, 100, 7 and nothing
    assert [row.verdict for row in rows] == ["agrees", "agrees", "agrees", "differs"]


def test_every_group_has_rows_of_its_own():
    assert len(table.GROUPS) == 8 + 5  # the last ones are the learners of Matignon's table
    rooms = table.rooms(0)
    assert {row.classic for row in rooms} == {"four rooms"}
    assert all(row.verdict == "agrees" for row in rooms)
