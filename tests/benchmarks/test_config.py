"""Suite files: what is accepted, and errors that name file, key and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.catalogue import check_job, check_suite, make_policy
from benchmarks.config import load_suite, suite_names, suite_path
from benchmarks.data import with_data
from benchmarks.errors import InputError
from benchmarks.jobs import expand
from benchmarks.kinds import KINDS
from marl_envs.warehouse.errands.pibt import PIBTPolicy
from marl_envs.warehouse.errands.pibt_rotate import RotatingPIBTPolicy
from marl_envs.warehouse.pibt import PIBTPolicy as ShelvesPIBTPolicy
from marl_envs.warehouse.planner import RandomPolicy
from tests.benchmarks.fakes import SUITE, write_suite

ENVIRONMENTS: Any = SUITE["environments"]
AGENTS: Any = SUITE["agents"]


def refusal(folder: Path, **changes: object) -> str:
    """Return the error that the fake suite with these changes gives; check that it is one line with file and line."""
    path = write_suite(folder, **changes)
    with pytest.raises(InputError) as caught:
        load_suite(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    message = message.removeprefix(f"{path}: ")
    return re.sub(r"^line \d+: ", "", message)


@pytest.mark.parametrize("name", suite_names())
def test_suites_of_the_package_are_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARL_ENVS_DATA", raising=False)
    path = suite_path(name)
    suite, _ = with_data(load_suite(path), path)
    check_suite(suite, path)
    for job in expand(suite):
        check_job(job, path)


def test_real_maps_of_the_package_suites_are_found(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARL_ENVS_DATA", str(data_dir))
    path = suite_path("warehouse")
    suite, left_out = with_data(load_suite(path), path)
    assert left_out == []
    on_maps = [job for job in expand(suite) if job.environment.startswith("lorr-") and job.seed == 0]
    assert len(on_maps) == 8
    for job in on_maps:
        check_job(job, path)


def test_unknown_suite_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown suite 'fast'; allowed are .*quick"):
        suite_path("fast")


def test_missing_file_is_an_unknown_suite(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown suite"):
        suite_path(str(tmp_path / "none.yaml"))


def test_unknown_top_level_key(tmp_path: Path) -> None:
    assert refusal(tmp_path, sedes=3).startswith("unknown key 'sedes'; allowed are title, description, seeds")


def test_unknown_environment_family(tmp_path: Path) -> None:
    message = refusal(tmp_path, environments={"floor": {**ENVIRONMENTS["floor"], "env": "warehose_v0"}})
    families = "'warehouse_v0', 'errands_v0', 'traffic_signals_v0', 'intersection_v0' or 'matrix_v0'"
    assert message == f"environments.floor.env: Input should be {families}, not 'warehose_v0'"


def test_what_is_lower_needs_a_zero(tmp_path: Path) -> None:
    assert refusal(tmp_path, better="lower") == "better: lower needs chance, the agent that is 0 %"


def test_a_result_of_more_evaluations_than_there_are(tmp_path: Path) -> None:
    message = refusal(tmp_path, train={"evaluations": 3, "result": 4})
    assert message == "train.result: there are only 3 evaluations, not 4"


def test_evaluations_where_one_trains_cannot_stand_for_what_is_measured_elsewhere(tmp_path: Path) -> None:
    floor = {**ENVIRONMENTS["floor"], "train_on": {"num_robots": 3}}
    message = refusal(tmp_path, environments={"floor": floor}, train={"result": 2})
    assert message.startswith("environments.floor.train_on needs train.result: last, or best")


def test_unknown_key_of_an_environment(tmp_path: Path) -> None:
    message = refusal(tmp_path, environments={"floor": {**ENVIRONMENTS["floor"], "steps": 3}})
    assert message.startswith("environments.floor: unknown key 'steps'; allowed are env, params, data, train_on, ")


def test_unknown_kind_of_agent(tmp_path: Path) -> None:
    message = refusal(tmp_path, agents={"greedy": {"kind": "gredy"}})
    assert message.startswith("agents.greedy: ")
    assert "'gredy'" in message
    assert "'independent_q'" in message


def test_unknown_parameter_of_an_agent(tmp_path: Path) -> None:
    message = refusal(tmp_path, agents={**AGENTS, "learner": {**AGENTS["learner"], "epsilon": 0.1}})
    assert message.startswith(
        "agents.learner.independent_q: unknown key 'epsilon'; allowed are kind, env, start, alpha"
    )


def test_missing_parameter_of_an_agent(tmp_path: Path) -> None:
    learner = {key: value for key, value in AGENTS["learner"].items() if key != "gamma"}
    assert (
        refusal(tmp_path, agents={**AGENTS, "learner": learner}) == "agents.learner.independent_q.gamma: Field required"
    )


@pytest.mark.parametrize("seeds", [0, -3, 2.5, "three", None])
def test_bad_number_of_seeds(tmp_path: Path, seeds: object) -> None:
    assert refusal(tmp_path, seeds=seeds).startswith("seeds: ")


def test_reference_must_be_an_agent(tmp_path: Path) -> None:
    assert refusal(tmp_path, reference="greed") == "reference: no agent 'greed'; allowed are greedy, learner"


def test_chance_must_be_an_agent(tmp_path: Path) -> None:
    assert refusal(tmp_path, chance="dice") == "chance: no agent 'dice'; allowed are greedy, learner"


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        (["learner"], "environments.floor.agents: 'greedy' must play, as shares are taken of it"),
        (["greedy", "dice"], "environments.floor.agents: no agent 'dice'; allowed are greedy, learner"),
    ],
)
def test_agents_of_an_environment(tmp_path: Path, agents: list[str], message: str) -> None:
    assert refusal(tmp_path, environments={"floor": {**ENVIRONMENTS["floor"], "agents": agents}}) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"environments": ["floor", "huge"]}, "no environment 'huge'; allowed are floor, tiny"),
        ({"parameter": "layout"}, "floor needs a number as layout, not '5x5'"),
        ({"parameter": "mask"}, "floor needs a number as mask, not None"),
    ],
)
def test_sweeps_need_environments_with_numbers(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    sweep = {"parameter": "num_robots", "label": "robots", "environments": ["floor", "tiny"], **changes}
    assert refusal(tmp_path, sweeps={"Density": sweep}) == f"sweeps.Density.environments: {message}"


def test_sweep_of_one_environment(tmp_path: Path) -> None:
    sweep = {"parameter": "num_robots", "label": "robots", "environments": ["floor"]}
    assert refusal(tmp_path, sweeps={"Density": sweep}).startswith("sweeps.Density.environments: ")


def test_bound_must_use_an_agent(tmp_path: Path) -> None:
    bound = {**ENVIRONMENTS["floor"]["bound"], "agent": "planner"}
    message = refusal(tmp_path, environments={"floor": {**ENVIRONMENTS["floor"], "bound": bound}})
    assert message.startswith("environments.floor.bound.agent: no agent 'planner'")


def test_schedule_without_end(tmp_path: Path) -> None:
    learner = {**AGENTS["learner"], "alpha": {"kind": "linear", "start": 0.1}}
    message = refusal(tmp_path, agents={**AGENTS, "learner": learner})
    assert message == "agents.learner.independent_q.alpha: a linear schedule needs 'end'"


def test_key_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("title: a\ntitle: b\n")
    with pytest.raises(InputError, match=r"twice.yaml: not valid YAML: .*'title' is given twice.*line 2"):
        load_suite(path)


@pytest.mark.parametrize("text", ["title: [", "a: b: c", "\t- x"])
def test_not_yaml(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"broken.yaml: not valid YAML: "):
        load_suite(path)


@pytest.mark.parametrize("text", ["", "3", "- a"])
def test_not_a_mapping(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"list.yaml: "):
        load_suite(path)


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InputError, match=r"folder.yaml: cannot be read: "):
        load_suite(tmp_path / "folder.yaml")


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"num_robot": 2}, "unknown parameter 'num_robot'; allowed are layout, num_robots"),
        ({"layout": "huge"}, "unknown layout 'huge'; allowed are tiny"),
        ({"num_robots": 0}, "num_robots must be an integer"),
    ],
)
def test_environment_parameters_are_checked_before_any_run(tmp_path: Path, params: dict[str, Any], part: str) -> None:
    changed = {**ENVIRONMENTS["tiny"], "params": {"layout": "tiny", **params}}
    path = write_suite(tmp_path, environments={"here": changed})
    job = expand(load_suite(path))[0]
    with pytest.raises(InputError) as caught:
        check_job(job, path)
    assert str(caught.value).startswith(f"{path}: environments.here.params (for greedy): {part}")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"alpha": 3.0}, "alpha must be a number from 0.0 to 1.0"),
        ({"alpha": 0.0}, "alpha must be above 0 somewhere"),
        ({"kind": "shared_q"}, "shared_q needs reward: team in env, not 'individual'"),
        ({"env": {"reward": "individual"}}, "independent_q learns tables: env needs observation: tabular"),
    ],
)
def test_learner_settings_are_checked_before_any_run(tmp_path: Path, change: dict[str, Any], part: str) -> None:
    path = write_suite(tmp_path, agents={**AGENTS, "learner": {**AGENTS["learner"], **change}})
    job = next(job for job in expand(load_suite(path)) if job.agent == "learner")
    with pytest.raises(InputError) as caught:
        check_job(job, path)
    assert str(caught.value).startswith(f"{path}: agents.learner: {part}")


ERRANDS = {"env": "errands_v0", "params": {"num_robots": 2}, "train_steps": 100}


@pytest.mark.parametrize(
    ("environment", "agent", "message"),
    [
        (
            ERRANDS,
            {"kind": "greedy"},
            "agents.planner.kind: greedy does not play errands_v0 (environments.here); "
            f"allowed are random, pibt, {', '.join(KINDS)}",
        ),
    ],
)
def test_who_cannot_play_is_refused_before_any_run(
    tmp_path: Path, environment: dict[str, Any], agent: dict[str, Any], message: str
) -> None:
    changes = {"environments": {"here": environment}, "agents": {"planner": agent}, "reference": "planner"}
    path = write_suite(tmp_path, **changes)
    with pytest.raises(InputError) as caught:
        check_job(expand(load_suite(path))[0], path)
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("kind", "environment", "policy"),
    [
        ("random", ERRANDS, RandomPolicy),
        ("pibt", ERRANDS, PIBTPolicy),
        ("pibt", {**ERRANDS, "params": {"moves": "rotate"}}, RotatingPIBTPolicy),
        ("pibt", ENVIRONMENTS["tiny"], ShelvesPIBTPolicy),
    ],
)
def test_every_family_has_its_own_planners(
    tmp_path: Path, kind: str, environment: dict[str, Any], policy: type[Any]
) -> None:
    changes = {"environments": {"here": environment}, "agents": {"planner": {"kind": kind}}, "reference": "planner"}
    path = write_suite(tmp_path, **changes)
    job = expand(load_suite(path))[0]
    check_job(job, path)
    assert type(make_policy(job)) is policy


def test_unknown_metric_names_the_known_ones(tmp_path: Path) -> None:
    path = write_suite(tmp_path, tables={"Results": ["deliveries", "speed"]})
    with pytest.raises(InputError, match=r"tables.Results: no .* metric 'speed'; allowed are deliveries, throughput"):
        check_suite(load_suite(path), path)
