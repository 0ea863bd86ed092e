"""Rows about our own environments: gains with intervals, met only where the interval lies above 0, written as JSON."""

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from benchmarks.deep import corridor, imagination, options, ours, table
from benchmarks.deep.row import Row

pytestmark = pytest.mark.deep


def test_rows_of_all_groups_are_kept(tmp_path, monkeypatch):
    scores = {"model": 100.0, "no model": 60.0, "no model, as many batches": 110.0, "wrong model": 20.0}

    def played(kind, seed):
        error = np.linspace(0.1, 0.3, 5, dtype=np.float32)
        return imagination.Played(scores[kind] + seed, imagination.ModelErrors(error, error, error, error))

    monkeypatch.setattr(imagination, "played", played)
    monkeypatch.setattr(options, "managed", lambda seed: 24.0 + seed)
    monkeypatch.setattr(options, "flat", lambda seed: 18.0 + 8 * seed)
    monkeypatch.setattr(options, "planned", lambda seed: 30.0)
    best = {"GRU": 10.0, "attention": 15.0}
    monkeypatch.setattr(corridor, "deliveries", lambda name, seed: best[name] - seed if name in best else 5.0)
    rows = {name: table.play(name, tmp_path) for name in ours.GROUPS}
    for name, found in rows.items():
        assert table.play(name, tmp_path) == found
        assert [Row(**row) for row in json.loads(table.file_of(name, tmp_path).read_text())] == found
    assert [round(row.ours, 6) for row in rows["imagination"]] == [40.0, -10.0, 80.0, 0.3]
    assert [row.met for row in rows["imagination"]] == [True, None, True, False]
    gains = rows["options"][1], rows["corridor-gru"][1], rows["corridor-attention"][1]
    # Of seeds 0 to 9, 0 to 3 and 7 to 11
    assert [round(row.ours, 3) for row in gains] == [-85.0, 3.5, 1.0]
    assert [row.met for row in gains] == [False, True, False]


def test_the_interval_is_students():
    mean, text, sure = ours.gain([3.0, 5.0, 7.0], [1.0, 1.0, 1.0])
    assert mean == 4.0  # standard error 2 / sqrt(3), t of 2 degrees of freedom 4.3027
    assert text == "95 % interval -0.97 to 8.97"
    assert not sure
