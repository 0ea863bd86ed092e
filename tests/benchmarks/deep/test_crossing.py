"""Cars on networks: they meet the suite's trips, are measured as the suite measures, and see what decides larger."""

import json
from dataclasses import asdict

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from benchmarks.deep import cars, crossing, table
from benchmarks.simulate import simulate

pytestmark = pytest.mark.deep


def small(task):
    """Return a job of few and short episodes after a short training."""
    train = task.train and task.train.model_copy(update={"num_envs": 4, "eval_episodes": 2})
    return task.model_copy(
        update={
            "params": {**task.params, "max_cycles": 60},
            "train": train,
            "train_steps": min(task.train_steps, 4000),
            "evaluate": task.evaluate.model_copy(update={"num_envs": 4, "episodes": 8}),
        }
    )


def without_nan(episodes):
    return [{name: value for name, value in episode.items() if value == value} for episode in episodes]


def episode(delay, collisions=0.0, created=4.0):
    return {"delay": delay, "collisions": collisions, "created": created}


def test_the_groups_are_played_by_the_command():
    assert crossing.GROUPS.items() <= table.GROUPS.items()


def test_rows_of_another_suite_are_not_shown(tmp_path, monkeypatch):
    suite = tmp_path / "intersection.yaml"
    suite.write_text(table.suite_path("intersection").read_text())
    before = table.code.__wrapped__()
    monkeypatch.setattr(table, "suite_path", lambda name: suite)
    assert table.code.__wrapped__() == before
    suite.write_text(suite.read_text().replace("8_000_000", "9_000_000"))
    assert table.code.__wrapped__() != before


def test_a_table_plays_what_the_suite_measures(tmp_path):
    task = small(cars.job("cross-4", "shared-q", 1))
    simulate(task, tmp_path)
    rows = pl.read_parquet(tmp_path / "episodes.parquet").filter(pl.col("phase") == "eval").drop_nans("value")
    stored = [
        dict(one.select("metric", "value").iter_rows()) for _, one in rows.group_by("episode", maintain_order=True)
    ]
    assert stored
    assert without_nan(cars.tabulated(task)) == stored


def test_networks_meet_the_trips_of_the_suite():
    """Who drives at random does the same whatever a network would be shown."""
    task = small(cars.job("cross-4", "random", 2))
    played = cars.measured(cars.catalogue.make_policy(task), cars.world(task, "individual", 4).vec, task)
    assert without_nan(played) == without_nan(cars.ruled(task))
    assert len(played) == 8


def test_a_short_training_is_the_same_twice(monkeypatch):
    monkeypatch.setattr(cars, "EVALUATIONS", 2)
    monkeypatch.setattr(cars, "JUDGED", 8)
    task = small(cars.job("cross-4", "shared-q", 20))
    first, again = (cars.learned("VDN", task, 6144) for _ in range(2))
    assert without_nan(first) == without_nan(again)
    assert without_nan(first) != without_nan(cars.learned("VDN", task.model_copy(update={"seed": 21}), 6144))


def expected(obs):
    """Return what `Near` adds to the features of one car, of two conflicts, from the table in docs/intersection.md."""
    first, second = 15, 27
    near = [obs[1], obs[13]] + [obs[c + k] for k in (3, 4, 5, 6) for c in (first, second)]
    shown = [100 * way / 20 for way in near]
    shown += [20 * obs[c + k] / 4 for k in (7, 8) for c in (first, second)]
    shown += [20 * obs[c + 9] / 2 for c in (first, second)]
    shown += [20 * (obs[c + 7] - obs[c + 8]) / 2 for c in (first, second)]
    shown = [max(-1.0, min(1.0, number)) for number in shown]
    for speed, way in ((obs[0], -obs[1]), *((obs[c + 10], obs[c + 5]) for c in (first, second))):
        share = (13.89 * speed) ** 2 / (2 * max(100 * way, 0.1)) / 4.5
        shown.append(min(share, 2.0) if way > 0 else 0.0)
    return shown


def test_what_decides_is_shown_larger():
    task = cars.job("cross-4", "independent-q", 3)
    task = task.model_copy(update={"params": {**task.params, "max_cycles": 30}})
    vec = cars.world(task, "individual", 4)
    plain = cars.world(task, "individual", 4, near=False)
    (obs, info), (seen, _) = vec.reset(seed=5), plain.reset(seed=5)
    rng, close = np.random.default_rng(0), 0
    for _ in range(40):
        actions = rng.integers(4, size=(4, 4))
        actions = np.where(np.take_along_axis(info["action_mask"], actions[..., None], -1)[..., 0], actions, 0)
        obs, _, _, _, info = vec.step(actions)
        seen, _, _, _, told = plain.step(actions)
        for wrapped, features in ((obs, seen), (info["final_obs"], told["final_obs"])):
            assert np.array_equal(wrapped[..., :39], features)
            wanted = [[expected(one.tolist()) for one in row] for row in features]
            assert np.allclose(wrapped[..., 39:], wanted, atol=1e-4)
        assert all(vec.observation_space.contains(one) for row in obs for one in row)
        close += (np.abs(obs[..., 39:]) > 0).all(-1).sum()
    assert close > 0


def test_rows_say_what_is_met_and_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(crossing, "SEEDS", (0, 1, 2))
    monkeypatch.setattr(cars, "ruled", lambda task: [episode(9.0), episode(11.0)])
    monkeypatch.setattr(cars, "tabulated", lambda task: [episode(0.5 + task.seed / 10)])
    monkeypatch.setattr(
        cars, "learned", lambda name, task, steps: [episode(0.3 + task.seed / 10, float(name == "QMIX"))]
    )
    rows = {group: table.play(group, tmp_path) for group in crossing.GROUPS}
    for group, found in rows.items():
        assert json.loads(table.file_of(group, tmp_path).read_text()) == [asdict(row) for row in found]
    assert [(row.ours, row.met) for row in rows["crossing-4-rules"]] == [(10.0, None)] * len(crossing.RULES)
    known, delay, crashes, gained = rows["crossing-4-own"]
    assert (known.ours, known.met) == (pytest.approx(0.6), None)
    assert (delay.ours, delay.met) == (pytest.approx(0.5), True)
    assert (crashes.ours, crashes.met) == (0.0, True)
    assert (gained.ours, gained.met) == (pytest.approx(0.2), True)
    (crashed,) = (row for row in rows["crossing-4-qmix"] if row.target == "0")
    assert (crashed.ours, crashed.met) == (250.0, False)


def test_collisions_are_those_of_all_seeds_and_the_worst_counts(monkeypatch):
    delays = {0: 0.4, 1: 0.9, 2: 0.4}
    monkeypatch.setattr(crossing, "SEEDS", tuple(delays))
    monkeypatch.setattr(cars, "tabulated", lambda task: [episode(0.6)])
    monkeypatch.setattr(cars, "learned", lambda name, task, steps: [episode(delays[task.seed], float(task.seed == 1))])
    _, delay, crashes, gained = crossing.learning("cross-4", ("VDN",), "shared-q")
    assert (delay.ours, delay.met) == (0.9, False)
    assert crashes.ours == pytest.approx(1000 / 12)
    assert (gained.ours, gained.met) == (pytest.approx(0.1 / 3), False)
