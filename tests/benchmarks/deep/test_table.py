"""The command of the networks: what is finished is kept, and the table says what is met."""

import json
import math

import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from benchmarks.__main__ import main
from benchmarks.deep import bandits, games, table
from benchmarks.deep.row import Row

pytestmark = pytest.mark.deep


def test_finished_groups_are_kept_and_missing_ones_played(tmp_path, monkeypatch, capsys):
    played = []

    def group(name, score):
        def play():
            played.append(name)
            return [Row(name, "score", "at least 1", score, score >= 1.0, 2.0)]

        return play

    monkeypatch.setattr(table, "GROUPS", {"one": group("one", 3.0), "two": group("two", 0.5)})
    rows = json.dumps([table.asdict(Row("one", "score", "at least 1", 7.0, True, 9.0))])
    table.file_of("one", tmp_path).write_text(rows)
    (tmp_path / "two-01234567.json").write_text(rows)  # by other code
    for _ in range(2):
        assert main(["run", "deep", "--out", str(tmp_path), "--workers", "1"]) == 0
    assert played == ["two"]
    lines = (tmp_path / "deep.md").read_text().splitlines()
    assert lines[2:] == ["| one | score | at least 1 | 7 | yes | 9 |", "| two | score | at least 1 | 0.5 | no | 2 |"]
    assert "at least 1" in capsys.readouterr().out


def test_seeds_cannot_be_chosen(capsys):
    assert main(["run", "deep", "--seeds", "3"]) == 2
    assert "seeds of their own" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "published"), [("greedy", 6.6), ("Thompson", 5.7), ("UCB1", 6.7)])
def test_rules_for_bandits_earn_what_was_published(name, published):
    """Duan et al. (2016), table 1, ten pulls of five arms, rounded there to one digit."""
    assert bandits.rule(name, 10, 5, trials=20_000) == pytest.approx(published, abs=0.2)


@pytest.mark.slow
def test_the_two_step_game_pays_seven_to_a_sum_and_eight_to_a_mixture():
    from agents.deep import QMIX, DeepVDN

    assert games.two_step(DeepVDN, 5) == 7.0
    assert games.two_step(QMIX, 5) == 8.0
    assert math.isclose(games.vdn_gap(5), 0.0, abs_tol=0.3)
