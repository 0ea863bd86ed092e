"""The table of the classics: verdicts, what is written, and the command."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.__main__ import main
from benchmarks.classics import matignon, table
from benchmarks.errors import InputError


def test_verdicts():
    assert table.near("a", "b", -20.0, -20.9).verdict == "agrees"
    assert table.near("a", "b", -20.0, -21.1).verdict == "differs"
    assert table.near("a", "b", 14, 14, 0.0).verdict == "agrees"
    assert table.Row("a", "b", "5 to 10", 11.0, 5, 10).verdict == "differs"
    assert table.near("a", "b", 5.0, float("nan")).verdict == "differs"


def test_the_command_writes_the_table(tmp_path, monkeypatch, capsys):
    groups = (lambda: [table.near("one", "x", 1.0, 1.01)], lambda: [table.near("two", "y", 2.0, 3.0)])
    monkeypatch.setattr(table, "GROUPS", groups)
    assert main(["run", "classics", "--out", str(tmp_path / "new"), "--workers", "1"]) == 0
    assert (tmp_path / "new" / "classics.md").read_text().splitlines() == [
        "| classic | what | published | ours | verdict |",
        "| --- | --- | --- | --- | --- |",
        "| one | x | 1 | 1.01 | agrees |",
        "| two | y | 2 | 3 | differs |",
    ]
    assert "differs" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    Path(tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write results to .*file/x"):
        table.run_classics(tmp_path / "file" / "x", 1, Console())


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--workers", "0"], "--workers must be at least 1, not 0"), (["--seeds", "2"], "have seeds of their own")],
)
def test_options_that_make_no_sense_are_refused(tmp_path, capsys, options, message):
    assert main(["run", "classics", "--out", str(tmp_path / "new"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_cell_of_coordination_agrees_within_chance_only(monkeypatch):
    ours = dict(zip(matignon.GAMES, (100.0, 100.0, 99.9, 0.0, 0.0), strict=True))
    monkeypatch.setattr(matignon, "success", lambda name, game, seed: ours[game])
    rows = table.coordinating("distributed Q")  # published: 100, 100, 100, 7 and nothing
    assert [row.verdict for row in rows] == ["agrees", "agrees", "agrees", "differs"]


def test_every_group_has_rows_of_its_own():
    assert len(table.GROUPS) == 8 + 5  # the last ones are the learners of Matignon's table
    rooms = table.rooms()
    assert {row.classic for row in rooms} == {"four rooms"}
    assert all(row.verdict == "agrees" for row in rooms)
