"""The suite of coordination: its measures on real runs, and that measuring continues where it stopped."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from agents import evaluate
from agents.tabular.policy import GreedyTable
from benchmarks import catalogue, record
from benchmarks.catalogue import check_job, check_suite
from benchmarks.config import load_suite, suite_path
from benchmarks.coordination import measure_runs, measures, units
from benchmarks.coordination.playing import Played, play
from benchmarks.coordination.table import TITLES, markdown, rows_of, write_csv
from benchmarks.coordination.tasks import check, place_of
from benchmarks.coordination.teams import chances, mixed, tables_of, team_chances
from benchmarks.engines import Choice
from benchmarks.errors import InputError, RunError
from benchmarks.jobs import Job, expand
from benchmarks.kinds import LearnerAgent
from benchmarks.suite import run_suite
from benchmarks.warmup import shrink
from tests.benchmarks.fakes import printed, quiet_console
from tests.benchmarks.test_engines import EVERY

NAN = math.nan


def test_the_suite_is_sound() -> None:
    path = suite_path("coordination")
    suite = load_suite(path)
    check_suite(suite, path)
    jobs = {(job.environment, job.agent): job for job in expand(suite)}
    for job in jobs.values():
        check_job(job, path)
        place_of(job.env)
    assert suite.seeds >= 10


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of two short runs of two learners with two robots."""
    folder = tmp_path_factory.mktemp("coordination")
    data = yaml.safe_load(suite_path("coordination").read_text())
    data |= {"seeds": 2, "evaluate": {"num_envs": 4, "episodes": 4}}
    data["train"] = {"num_envs": 16, "evaluations": 4, "eval_episodes": 4, "checkpoints": 1}
    del data["environments"]["cross-4"]
    data["environments"]["rware-tiny-2ag"] |= {
        "train_steps": 100_000,
        "agents": ["random", "pibt", "independent-q", "one-table"],
    }
    data["environments"]["rware-tiny-2ag"]["params"]["max_cycles"] = 100
    for name in ("engine-driver", "team-q"):
        del data["agents"][name]
    for title in ("Safety of cars",):
        del data["tables"][title]
    data["tables"]["Results"] = ["deliveries"]
    data["coordination"] = False  # measured by the tests
    (folder / "coordination.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    out = folder / "out"
    run_suite(str(folder / "coordination.yaml"), out, None, 1, quiet_console())
    return out


@pytest.mark.parametrize("asked", [True, False])
def test_the_suites_file_says_whether_to_measure(asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = yaml.safe_load(suite_path("coordination").read_text()) | {"coordination": asked}
    (tmp_path / "copy.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    out, seen = tmp_path / "out", []
    monkeypatch.setattr("benchmarks.suite._simulate_missing", lambda *arguments: None)
    monkeypatch.setattr("benchmarks.suite.store.read_runs", lambda *arguments: None)
    monkeypatch.setattr("benchmarks.suite.watch.worth_watching", lambda *arguments: [])
    monkeypatch.setattr("benchmarks.suite._write_results", lambda *arguments: seen.append("written"))
    monkeypatch.setattr("benchmarks.coordination.measure_runs", lambda *arguments: seen.append("measured"))
    monkeypatch.setattr("benchmarks.suite.render_report", lambda *arguments: seen.append("rendered"))
    run_suite(str(tmp_path / "copy.yaml"), out, 1, 1, quiet_console())
    assert seen == (["written", "measured", "rendered"] if asked else ["written"])


def test_what_cannot_be_measured_is_refused_before_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    data = yaml.safe_load(suite_path("quick").read_text()) | {"coordination": True}
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.raises(InputError, match="coordination needs chance, the agent that is 0 %"):
        run_suite(str(path), tmp_path / "out", 1, 1, quiet_console())
    data["chance"] = "random"
    path.write_text(yaml.safe_dump(data, sort_keys=False).replace("warehouse_v0", "errands_v0"))
    suite = load_suite(path)
    with pytest.raises(InputError, match=r"environments\.[^:]*env: coordination is measured in warehouse_v0"):
        check(suite, path)
    check(suite.model_copy(update={"coordination": False}), path)
    assert not (tmp_path / "out").exists()


def learners(out: Path, agent: str = "independent-q") -> dict[str, Job]:
    made = record.load(out)
    return {key: job for key, job in made.jobs.items() if job.agent == agent}


def teams(out: Path, agent: str = "independent-q") -> dict[int, Any]:
    return {job.seed: tables_of(job, key, out) for key, job in learners(out, agent).items()}


def test_own_partners_play_as_the_learner_did(results: Path) -> None:
    for key, job in learners(results).items():
        vec = catalogue.make(job, job.evaluate.num_envs)
        from agents import IndependentQLearning

        learner = IndependentQLearning.load(results / "runs" / key / "checkpoint.npz", vec)
        episodes = evaluate(learner, vec, job.evaluate.episodes, measures.seed_of(job.seed))
        row = measures.cross_row(job, teams(results))["row"]
        assert row[job.seed] == np.mean([episode["deliveries"] for episode in episodes])


def test_partners_of_other_runs_are_the_odd_agents(results: Path) -> None:
    tables = teams(results)
    team = mixed(tables[0], tables[1])
    assert np.array_equal(team.q[0], tables[0][0])
    assert np.array_equal(team.q[1], tables[1][1])
    job = next(job for job in learners(results).values() if job.seed == 0)
    vec = catalogue.make(job, 4)
    by_hand = GreedyTable(np.stack([tables[0][0], tables[1][1]]))
    wanted = np.mean([e["deliveries"] for e in evaluate(by_hand, vec, 4, measures.seed_of(0))])
    assert measures.cross_row(job, tables)["row"][1] == wanted


def test_agents_of_one_table_cannot_differ(results: Path) -> None:
    tables = teams(results, "one-table")
    job = next(job for job in learners(results, "one-table").values() if job.seed == 1)
    found = measures.behaviour(job, tables)
    assert found["diversity"] == 0.0
    own = next(job for job in learners(results).values() if job.seed == 1)
    apart = measures.behaviour(own, teams(results))
    assert apart["diversity"] > 0.05
    assert apart["influence"] > 0.0
    assert apart["labour"] >= 0.0


def test_frozen_and_removed_agents(results: Path) -> None:
    job = next(job for job in learners(results).values() if job.seed == 1)
    found = measures.drop_out(job, teams(results))
    place = place_of(job.env)
    own = teams(results)[1]
    frozen = [measures._frozen(job, own, gone, place) for gone in ((), (0,), (1,), (0, 1))]
    assert frozen[3] == 0.0  # nobody moves
    assert found["frozen_1"] == pytest.approx((frozen[1] + frozen[2]) / 2 / frozen[0])
    assert found["shapley_sum_check"] == pytest.approx(0.0)
    # of two agents, Shapley values are half of what each gets alone and half of what it adds to the other
    alone = np.array([frozen[2], frozen[1]])
    shapley = (alone + frozen[0] - alone[::-1]) / 2
    assert found["shapley_share_max"] == pytest.approx(shapley.max() / shapley.sum())
    assert {"removed_1", "noise_0.05", "noise_0.2", "loss_0.1", "loss_0.5"} <= set(found)


def test_play_records_first_episodes(results: Path) -> None:
    job = next(job for job in learners(results).values() if job.seed == 0)
    seen = play(job, teams(results)[0], 5)
    assert seen.actions.shape == (100, 4, 2)
    assert seen.active.all()
    assert seen.jobs is not None
    vec = catalogue.make(job, 4)
    policy = GreedyTable(teams(results)[0])
    policy.reset(5)
    obs, _ = vec.reset(seed=5)
    loads = 0
    for t in range(99):
        assert np.array_equal(seen.obs[t], obs)
        before = vec.arrays.load.copy()
        obs = vec.step(policy.act(vec, obs))[0]
        loads += int(((before < 0) & (vec.arrays.load >= 0)).sum())
    assert seen.jobs.sum() == loads > 0


def test_pairs_are_of_actions_that_lie_a_lag_apart() -> None:
    active = np.array([[[True, True]], [[True, False]], [[True, True]], [[False, True]]])
    actions = np.arange(8).reshape(4, 1, 2)
    seen = Played(np.zeros((4, 1, 2), np.int32), np.ones((4, 1, 2, 6), np.int8), actions, active, None)

    def listed(lag: int) -> list[list[list[int]]]:
        return [[episode.tolist() for sequences in pair for episode in sequences] for pair in seen.pairs(lag)]

    assert listed(0) == [[[0, 4], [1, 5]]]
    # the second agent did nothing in step 1, so no action of it follows step 0, and none of it is in step 1
    assert listed(1) == [[[2, 4], [5, 7]], [[1], [2]]]


def test_information_is_the_mean_over_pairs_that_have_some() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    coupled, apart, few = ([one], [one]), ([one], [other]), ([one[:3]], [other[:3]])
    found = measures._information("it", [coupled, apart, few], 2, 0)
    alone = measures._information("it", [coupled], 2, 0)
    assert alone["it"] == pytest.approx(1.0, abs=0.02)
    assert found["it"] == pytest.approx(alone["it"] / 2, abs=0.02)
    assert alone["it_p"] == pytest.approx(1 / (1 + measures.SHIFTS))
    assert alone["it_p"] < found["it_p"] < 0.05
    assert measures._information("it", [few], 2, 0) == {}


def test_chances_share_among_equals_and_obey_masks() -> None:
    table = np.array([[1.0, 1.0, 0.0], [5.0, 9.0, 0.0]])
    mask = np.array([[1, 1, 1], [1, 0, 1]])
    assert chances(table, np.array([0, 1]), mask, 0.0).tolist() == [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]
    assert chances(table, np.array([0, 1]), mask, 0.3) == pytest.approx(
        np.array([[0.45, 0.45, 0.1], [0.85, 0.0, 0.15]])
    )
    both = team_chances(np.stack([table, -table]), np.array([[0, 0]]), np.ones((1, 2, 3)), 0.0)
    assert both.tolist() == [[[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]]


def test_measuring_continues_where_it_stopped(results: Path) -> None:
    console = quiet_console()
    rows = measure_runs(results, 1, console)
    names = ("coordination.csv", "coordination.md", "cross-play.csv", "cross-play.svg")
    before = {name: (results / name).read_bytes() for name in names}
    found = units.expand(record.load(results).jobs)
    assert len(found) == 2 * 2 * 3 + 2  # three measures a learner's run, one a planner's
    assert f"{len(found)} measurements of trained agents" in printed(console)
    assert {row.metric for row in rows} <= set(TITLES)
    matrix = list(csv.DictReader((results / "cross-play.csv").read_text().splitlines()))
    assert len(matrix) == 2 * 4
    own = np.mean(
        [
            float(r["value"])
            for r in matrix
            if r["agent"] == "one-table" and r["run_of_even_agents"] == r["run_of_odd_agents"]
        ]
    )
    shown = next(row for row in rows if (row.agent, row.metric) == ("one-table", "self_play"))
    assert shown.estimate.mean == pytest.approx(own)

    units.path_of(found[0], results).unlink()
    units.path_of(found[1], results).write_text("{")  # cut off
    again = quiet_console()
    measure_runs(results, 1, again)
    text = printed(again)
    assert f"{len(found) - 2} of {len(found)} jobs were finished before; 2 to run" in text
    assert f"{found[0].key}: numbers.json is missing" in text
    assert f"{found[1].key}: numbers.json is damaged" in text
    assert {name: (results / name).read_bytes() for name in names} == before


@pytest.mark.slow
@pytest.mark.parametrize("choice", EVERY)
def test_every_engine_measures_the_same(results: Path, choice: Choice) -> None:
    files = ("coordination.csv", "cross-play.csv")
    measure_runs(results, 1, quiet_console())
    before = {name: (results / name).read_bytes() for name in files}
    shutil.rmtree(results / units.FOLDER)
    measure_runs(results, choice, quiet_console())
    assert {name: (results / name).read_bytes() for name in files} == before


def broken(job: Job, tables: Any) -> Any:
    """Measure nothing, or fail."""
    if job.seed == 0:
        raise ZeroDivisionError("so it goes")
    return {"diversity": 1.0}


def test_a_unit_that_fails_does_not_stop_the_others(
    results: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = units.expand(record.load(results).jobs)[:4]
    console = quiet_console()
    monkeypatch.setattr(measures, "MEASURES", dict.fromkeys(measures.MEASURES, broken))
    monkeypatch.setattr("benchmarks.coordination.teams.tables_of", lambda job, key, out: None)
    with pytest.raises(RunError, match="of 4 jobs failed; the others are kept"):
        units.measure_missing(found, tmp_path, 1, console)
    assert "ZeroDivisionError: so it goes" in printed(console)
    kept = {unit.key for unit in found if units.path_of(unit, tmp_path).is_file()}
    assert kept == {unit.key for unit in found if unit.job.seed != 0}
    assert all(units.read(unit, tmp_path) == {"diversity": 1.0} for unit in found if unit.key in kept)


def test_a_worker_with_other_code_measures_nothing(results: Path, tmp_path: Path) -> None:
    found = units.expand(record.load(results).jobs)[0]
    with pytest.raises(InputError, match="measures by other code"):
        units.measure(found.model_copy(update={"code": "0123"}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_units_are_named_by_all_that_decides_their_numbers(results: Path) -> None:
    found = units.expand(record.load(results).jobs)
    assert len({unit.key for unit in found}) == len(found)
    unit = found[0]
    for change in ({"runs": {**unit.runs, 99: "other"}}, {"job": shrink(unit.job)}, {"code": "0123"}):
        assert unit.model_copy(update=change).key != unit.key
    assert units.Unit.model_validate_json(unit.model_dump_json()) == unit
    assert not any(isinstance(u.job.settings, LearnerAgent) for u in found if u.measure == "planner")


def test_learners_without_tables_of_their_own_are_refused(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import agents

    key, job = next(iter(learners(results).items()))
    loaded = SimpleNamespace(load=lambda path, vec, transfer: SimpleNamespace(q=np.zeros((1, 7, 5))))
    monkeypatch.setattr(agents, "IndependentQLearning", loaded)
    with pytest.raises(InputError, match=r"independent-q / seed \d: agents cannot be exchanged"):
        tables_of(job, key, results)
    with pytest.raises(InputError, match="coordination is measured in warehouse_v0, intersection_v0, not in matrix_v0"):
        place_of("matrix_v0")


def test_the_table_by_hand(tmp_path: Path) -> None:
    rows = rows_of("floor", "learner", [{"labour": 0.5, "labour_p": 0.01}, {"labour": 0.7, "labour_p": 0.3}, {}])
    rows += rows_of("floor", "planner", [{"removed_1": 0.5}])
    assert [row.metric for row in rows] == ["labour", "removed_1"]
    assert rows[0].estimate.mean == pytest.approx(0.6)
    assert rows[0].note == "p < 0.05 in 1 of 2 runs"
    text = markdown(rows, {"floor": "deliveries, shelves"})
    assert text.splitlines() == [
        "**floor** (deliveries, shelves)",
        "",
        "| | unit | learner | planner |",
        "|---|---|---|---|",
        "| kept with one agent removed | 1 | - | 0.50 |",
        "| division of labour | 1 | 0.6000 [-0.6706, 1.8706]; p < 0.05 in 1 of 2 runs | - |",
    ]
    write_csv(tmp_path / "t.csv", [rows[1]._replace(estimate=rows[1].estimate._replace(low=NAN, high=NAN))])
    assert (tmp_path / "t.csv").read_text().splitlines()[1] == "floor,planner,removed_1,1,1,0.5,,,"
