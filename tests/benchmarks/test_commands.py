"""compare, ci, verify and export, on the results of the fake suite."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest

from benchmarks import record, store
from benchmarks.__main__ import main
from benchmarks.compare import verdict
from benchmarks.errors import InputError
from benchmarks.export import latex, markdown, marl_eval, run_export
from benchmarks.jobs import Job
from benchmarks.play import find_run
from benchmarks.statistics import compare_pairs
from benchmarks.suite import run_suite
from benchmarks.verify import find, run_verify
from tests.benchmarks.fakes import fake_run, printed, quiet_console, write_suite


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the fake suite."""
    folder = tmp_path_factory.mktemp("commands")
    run_suite(str(write_suite(folder)), folder / "out", None, 1, quiet_console(), fake_run)
    return folder / "out"


def worsened(results: Path, folder: Path) -> Path:
    """Return a copy of the results in which the learner delivers less on the floor, not equally less in every seed."""
    out = folder / "worse"
    shutil.copytree(results, out)
    for key, job in record.load(results).jobs.items():
        if job.agent == "learner" and job.environment == "floor":
            path = store.run_folder(out, key) / "episodes.parquet"
            value = (
                pl.when(pl.col("metric") == "deliveries").then(0.95 * pl.col("value") - 4).otherwise(pl.col("value"))
            )
            pl.read_parquet(path).with_columns(value.alias("value")).write_parquet(path)
            part = path.parent.rename(path.parent.with_name(f"{key}{store.PART}"))
            (part / store.DONE).unlink()
            store.commit(part, {"wall_seconds": 1.0, "cpu_seconds": 1.0})
    return out


def test_compare_finds_nothing_where_nothing_changed(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(results), str(results)]) == 0
    text = capsys.readouterr().out
    assert "no regression" in text
    assert text.count("same") == 4


def test_compare_marks_a_regression(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    worse = worsened(results, tmp_path)
    assert main(["compare", str(results), str(worse)]) == 1
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("floor") and "learner" in line)
    assert "worse" in row
    assert "0.00 (0.00 to 0.56)" in row
    assert "1 regressions" in "\n".join(lines)
    assert main(["compare", str(worse), str(results)]) == 0  # better is no regression
    assert "better" in capsys.readouterr().out


def test_compare_takes_another_metric_only_with_its_direction(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(results), str(results), "--metric", "service_time"]) == 2
    assert "--metric and --better go together" in capsys.readouterr().err
    assert main(["compare", str(results), str(results), "--metric", "service_time", "--better", "lower"]) == 0
    capsys.readouterr()
    assert main(["compare", str(results), str(results), "--metric", "speed", "--better", "lower"]) == 2
    assert "--metric: no metric 'speed' in the results; allowed are" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([1, 2, 3], [1, 2, 3], "same"),
        ([1, 2, 3], [2, 3, 4], "better"),
        ([1, 2, 3], [0, 1, 2], "worse"),
        ([1, 2, 3], [0, 9, 3], "unclear"),
        ([1], [0], "unclear"),
        ([1, math.nan, 3], [2, 5, 4], "better"),
    ],
)
def test_verdicts(before: list[float], after: list[float], expected: str) -> None:
    assert verdict(compare_pairs(after, before).difference) == expected


LIMITS = """\
checks:
  - {environment: floor, agent: greedy, metric: deliveries, min: 20, max: 22}
  - {environment: "*", agent: learner, metric: percent_of_reference, value: 50, within: 1 %}
  - {metric: jain_fairness, min: 1}
"""


def test_ci_passes_within_the_limits(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text(LIMITS)
    assert main(["ci", str(results), "--tolerance", str(limits)]) == 0
    assert "7 checks passed" in capsys.readouterr().out  # 1, 2 environments, 2 x 2 agents


def test_ci_fails_and_writes_junit_and_markdown(results: Path, tmp_path: Path) -> None:
    limits, junit, markdown = tmp_path / "limits.yaml", tmp_path / "junit.xml", tmp_path / "summary.md"
    limits.write_text(
        LIMITS + "  - {agent: greedy, metric: deliveries, min: 30}\n  - {agent: nobody, metric: x, min: 0}\n"
    )
    files = ["--junit", str(junit), "--markdown", str(markdown)]
    assert main(["ci", str(results), "--tolerance", str(limits), *files]) == 1
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("10", "3")
    failures = {(case.get("classname"), case.get("name")): case[0].get("message") for case in suite if len(case)}
    assert failures[("floor", "greedy: deliveries")] == "out of bounds: 21.5, allowed at least 30"
    assert failures[("*", "nobody: x")] == "no such result: -, allowed at least 0"
    text = markdown.read_text().splitlines()
    assert text[0] == "**3 of 10 checks failed**"
    assert text[4] == "| out of bounds | floor | greedy | deliveries | 21.5 | at least 30 |"


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("{metric: a}", "line 2: checks.0: no limit; give min, max, or value and within"),
        ("{metric: a, value: 1}", "value and within go together"),
        ("{metric: a, value: 1, within: -0.5}", "within: must be at least 0, not -0.5"),
        ("{metric: a, value: 1, within: much}", 'within: must be a number or a percentage such as "3 %"'),
        ("{metric: a, minimum: 1}", "line 2: checks.0: unknown key 'minimum'; allowed are environment"),
    ],
)
def test_bad_tolerance_file(
    results: Path, tmp_path: Path, check: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text(f"checks:\n  - {check}\n")
    assert main(["ci", str(results), "--tolerance", str(limits)]) == 2
    assert message in capsys.readouterr().err


def test_verify_finds_the_same_bits(results: Path) -> None:
    for cell in ("floor/learner/0", "tiny/greedy/2"):
        console = quiet_console()
        assert run_verify(results, cell, console, fake_run) == 0
        assert "the same bits" in printed(console)


def test_verify_names_what_differs(results: Path) -> None:
    def other(job: Job, folder: Path) -> dict[str, float]:
        shown = fake_run(job, folder)
        frame = pl.read_parquet(folder / "episodes.parquet")
        changed = pl.when(pl.col("episode") == 1).then(pl.col("value") + 1e-15).otherwise(pl.col("value"))
        frame.with_columns(changed.alias("value")).write_parquet(folder / "episodes.parquet")
        return shown

    console = quiet_console()
    assert run_verify(results, "floor/learner/0", console, other) == 1
    assert "differs episodes.parquet: column value, first in row 3 (deliveries): 5.5, now 5.500000000000001" in printed(
        console
    )


def test_verify_refuses_what_is_no_run(results: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run fits 'floor/nobody/0'; .*--job.*:\n  floor/bound/0\n"):
        run_verify(results, "floor/nobody/0", quiet_console(), fake_run)
    with pytest.raises(InputError, match="several runs fit"):
        run_verify(results, "", quiet_console(), fake_run)
    with pytest.raises(InputError, match="is no finished results folder"):
        run_verify(tmp_path, "floor/greedy/0", quiet_console(), fake_run)


@pytest.mark.parametrize("option", ["--job", "--cell"])
@pytest.mark.parametrize("command", ["verify", "play"])
def test_both_spellings_name_a_run(
    results: Path, command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(results), option, "nobody"]) == 2
    assert "no run fits 'nobody'" in capsys.readouterr().err


def test_verify_and_play_understand_the_same_names(results: Path) -> None:
    folder = find(results, "floor/learner/0")
    assert folder == find_run(results, "floor/learner/0")[0]
    for words in ("floor / learner / seed 0", "learner floor 0"):
        assert find(results, words) == find_run(results, words)[0] == folder
    assert find(folder, "learner") == find_run(folder, "learner")[0] == folder
    for found in (find, find_run):
        with pytest.raises(InputError, match="no run fits 'greedy'"):
            found(folder, "greedy")


def check_marl_eval(tree: dict[str, Any]) -> int:
    """Hold a tree against the published schema; return the number of runs."""
    runs = []
    for tasks in tree.values():
        for algorithms in tasks.values():
            for name, seeds in algorithms.items():
                assert "," not in name
                runs += list(seeds.values())
                assert all(run.startswith("seed_") and run[5:].isdigit() for run in seeds)
            lengths = {len(run) for seeds in algorithms.values() for run in seeds.values()}
            assert len(lengths) == 1, "all runs of a task need as many steps"
    for run in runs:
        assert set(run) == {f"step_{k}" for k in range(len(run) - 1)} | {"absolute_metrics"}
        counts = [run[f"step_{k}"]["step_count"] for k in range(len(run) - 1)]
        assert all(type(count) is int for count in counts)
        assert counts == sorted(counts)
        for name, step in run.items():
            values = {metric: numbers for metric, numbers in step.items() if metric != "step_count"}
            assert values
            assert ("step_count" in step) == (name != "absolute_metrics")
            assert all(numbers and all(math.isfinite(x) for x in numbers) for numbers in values.values())
    return len(runs)


def test_marl_eval_holds_to_its_schema(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "all.json"
    assert main(["export", str(results), "--format", "marl-eval", "--out", str(out)]) == 0
    assert "floor/service_time" in capsys.readouterr().out  # undefined in most episodes
    tree = json.loads(out.read_text())
    assert check_marl_eval(tree) == 2 * 2 * 3
    run = tree["warehouse_v0"]["floor"]["learner"]["seed_1"]
    assert run["absolute_metrics"]["deliveries"] == [10.0, 10.5, 11.0, 11.5]
    assert run["step_1"] == {"step_count": 100, "deliveries": [10.0, 10.5, 11.0, 11.5], "jain_fairness": [1.0] * 4}
    still = tree["warehouse_v0"]["floor"]["greedy"]["seed_0"]
    assert [still[f"step_{k}"]["step_count"] for k in range(2)] == [0, 100]
    assert still["step_0"]["deliveries"] == still["absolute_metrics"]["deliveries"] == [10.0, 11.0, 12.0, 13.0]


def test_marl_eval_allows_no_comma(results: Path) -> None:
    made = record.load(results)
    jobs = {key: job.model_copy(update={"agent": "a,b"}) for key, job in made.jobs.items()}
    with pytest.raises(InputError, match="marl-eval allows no comma"):
        marl_eval(made.model_copy(update={"jobs": jobs}), results)


def test_csv_holds_every_value(results: Path) -> None:
    path = run_export(results, "csv", None, quiet_console())
    assert path == results / "export.csv"
    assert pl.read_csv(path)["value"].equals(pl.read_parquet(results / "episodes.parquet")["value"])


def test_csv_is_csv_whatever_the_file_is_called(results: Path, tmp_path: Path) -> None:
    path = run_export(results, "csv", tmp_path / "numbers.txt", quiet_console())
    assert path.read_text().startswith(",".join(store.EPISODE_COLUMNS) + "\n")


def test_latex_has_a_line_an_agent_and_escapes_names(results: Path) -> None:
    made = record.load(results)
    text = latex(made, record.summary_of(made, results))
    assert r"\begin{tabular}{lrr}" in text
    assert r"greedy & $21.5 \pm 24.8$ & $21.5 \pm 24.8$ \\" in text
    assert "bound & $43.0" in text
    assert text.count(r"\\") == 4


def test_markdown_has_a_line_an_environment_and_the_shares(results: Path) -> None:
    made = record.load(results)
    lines = markdown(made, record.summary_of(made, results)).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert len(cells) == 4
    assert {len(row) for row in cells} == {len(cells[0])}
    column = cells[0].index("greedy")
    assert all(row[column].startswith("21.5 ± 24.8") for row in cells[2:])
    assert f"mean over {made.suite.seeds} seeds" in lines[-1]
