"""The report: self-contained, escaped, with data that the page's player can read; and compact replays."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import replay
from benchmarks.__main__ import main
from benchmarks.coordination.files import read_matrices, write_matrices
from benchmarks.coordination.table import Row, read_csv, write_csv
from benchmarks.errors import InputError, RunError
from benchmarks.report.strangers import heat_map, read_measured
from benchmarks.statistics import Estimate
from benchmarks.suite import run_suite
from marl_envs import errands_v0
from marl_envs.render import rollout
from marl_envs.warehouse.planner import RandomPolicy
from tests.benchmarks.fakes import fake_run, quiet_console, write_suite

NAN = float("nan")


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the fake suite, whose title holds markup."""
    folder = tmp_path_factory.mktemp("report")
    path = write_suite(folder, title="<b>Bold</b> & quick")
    run_suite(str(path), folder / "out", None, 1, quiet_console(), fake_run)
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """Collects tags, the addresses they refer to, and the text of JSON scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.data: list[str] = []
        self.in_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        named = dict(attrs)
        self.addresses += [str(named[name]) for name in ("src", "href", "xlink:href") if name in named]
        self.in_data = tag == "script" and named.get("type") == "application/json"

    def handle_data(self, data: str) -> None:
        if self.in_data:
            self.data.append(data)
            self.in_data = False


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    """The parsed report."""
    parsed = Page()
    parsed.feed(html)
    return parsed


def test_nothing_comes_from_the_network(html: str, page: Page) -> None:
    assert all(address.startswith("#") for address in page.addresses)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|<link", html)


def test_title_is_escaped(html: str) -> None:
    assert "<b>Bold" not in html
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; quick" in html


def test_results_are_in_the_tables(html: str) -> None:
    assert "10.8 ± 12.4" in html
    assert "of greedy" in html
    assert html.count("<table") == 2 * 2 + 1


def opacities(svg: str) -> list[float]:
    return [float(value) for value in re.findall(r'fill-opacity="([\d.]+)"', svg)]


def test_what_was_measured_of_trained_agents_is_in_the_report(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_suite(str(write_suite(tmp_path)), out, None, 1, quiet_console(), fake_run)
    assert "Cross-play" not in (out / "report.html").read_text(encoding="utf-8")
    matrix = np.array([[9.0, 2.5], [4.0, 8.0]])
    write_matrices(out / "cross-play.csv", {("floor", "learner"): matrix})
    rows = [
        Row("floor", "learner", "self_play", "", Estimate(8.5, 8.0, 9.0, 2)),
        Row("floor", "learner", "labour", "1", Estimate(0.25, NAN, NAN, 2), "p < 0.05 in 1 of 2 runs"),
        Row("floor", "greedy", "removed_1", "1", Estimate(0.5, 0.4, 0.6, 2)),
    ]
    write_csv(out / "coordination.csv", rows)
    assert main(["report", str(out)]) == 0
    html = (out / "report.html").read_text(encoding="utf-8")
    assert html.count('aria-label="cross-play matrix"') == 1
    assert "agents 0, 2, … of seed 0 with agents 1, 3, … of seed 1: 2.50" in html
    assert "agents 0, 2, … of seed 1 with agents 1, 3, … of seed 0: 4.00" in html
    cells = re.findall(r"<td>([^<]*)((?:<small>[^<]*</small>)*)</td>", html[html.index(">Coordination<") :])
    assert ("8.50", "<small>[8.00, 9.00]</small>") in cells
    assert ("0.2500", "<small>p &lt; 0.05 in 1 of 2 runs</small>") in cells
    assert ("0.50", "<small>[0.40, 0.60]</small>") in cells


def test_files_of_measurements_come_back_as_they_were(tmp_path: Path) -> None:
    matrices = {("floor", "one"): np.array([[1.0, 2.5], [NAN, 4.0]]), ("hall", "two"): np.array([[7.0]])}
    write_matrices(tmp_path / "cross-play.csv", matrices)
    found = read_matrices(tmp_path / "cross-play.csv")
    assert list(found) == list(matrices)
    assert all(np.array_equal(found[name], matrices[name], equal_nan=True) for name in matrices)
    rows = [Row("floor", "one", "score", "1", Estimate(0.5, 0.25, NAN, 3), "a note, with a comma")]
    write_csv(tmp_path / "coordination.csv", rows)
    assert repr(read_csv(tmp_path / "coordination.csv")) == repr(rows)
    assert read_measured(tmp_path / "nowhere") == ({}, [])
    for name in ("cross-play.csv", "coordination.csv"):
        kept = (tmp_path / name).read_text()
        (tmp_path / name).write_text(kept.replace("floor,one", "floor,one,x"))
        with pytest.raises(InputError, match=f"{name} is damaged"):
            read_measured(tmp_path)
        (tmp_path / name).write_text(kept)


def test_a_heat_map_is_strongest_where_it_is_best() -> None:
    matrix = np.array([[9.0, 2.5], [NAN, 8.0]])
    higher = opacities(heat_map(matrix, (2.5, 9.0), "red"))
    assert higher[0] > higher[3] > higher[1] == higher[2]  # what is undefined has no colour of its own
    lower = opacities(heat_map(matrix, (9.0, 2.5), "red"))
    assert lower[1] > lower[3] > lower[0] == lower[2]
    assert heat_map(matrix, (2.5, 9.0), "red").count("stroke=") == 2  # one's own partners
    assert ">-</text>" in heat_map(matrix, (2.5, 9.0), "red")
    assert len(set(opacities(heat_map(np.ones((3, 3)), (1.0, 1.0), "red")))) == 1


def test_curves_follow_the_pages_colours(page: Page, html: str) -> None:
    assert page.open.count("svg") == 2 + 1  # curves of two environments, and the profiles
    assert "var(--series-1)" in html
    assert "#0a0b" not in html
    assert "#010203" not in html


def test_every_environment_has_a_replay_of_every_agent(page: Page) -> None:
    shown = [json.loads(data) for data in page.data]
    assert [set(agents) for agents in shown] == [{"greedy", "learner"}] * 2
    assert {tuple(which) for agents in shown for which in agents.values()} == {("usual",)}  # nothing else is kept


def test_says_how_it_was_made(html: str) -> None:
    assert re.search(r"python -m benchmarks run fake.yaml --seeds 3 --workers 1", html)
    assert "numba" in html


def test_full_disk_keeps_the_earlier_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = write_suite(tmp_path), tmp_path / "out"
    run_suite(str(path), out, None, 1, quiet_console(), fake_run)
    before = (out / "report.html").read_bytes()
    write = Path.write_text

    def full(self: Path, *args: Any, **kwargs: Any) -> int:
        if "report" in self.name:
            raise OSError(28, "No space left on device", str(self))
        return write(self, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RunError, match=r"cannot write .*report.html: No space left on device"):
        run_suite(str(path), out, None, 1, quiet_console(), fake_run)
    assert (out / "report.html").read_bytes() == before


def test_report_comes_again_from_the_folder_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = write_suite(tmp_path), tmp_path / "out"
    run_suite(str(path), out, None, 1, quiet_console(), fake_run)
    before = (out / "report.html").read_bytes()
    path.unlink()
    (out / "report.html").unlink()
    moved = out.rename(tmp_path / "moved")
    assert main(["report", str(moved)]) == 0
    assert "moved/report.html" in capsys.readouterr().out.replace("\n", "")
    assert (moved / "report.html").read_bytes() == before


def test_report_of_what_is_no_results_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "is no finished results folder of a suite" in capsys.readouterr().err
    (tmp_path / "suite.json").write_text("{}")
    assert main(["report", str(tmp_path)]) == 2
    assert "suite.json is damaged: Field required" in capsys.readouterr().err


def test_report_of_damaged_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = write_suite(tmp_path), tmp_path / "out"
    run_suite(str(path), out, None, 1, quiet_console(), fake_run)
    next((out / "runs").glob("*/evals.parquet")).write_bytes(b"")
    assert main(["report", str(out)]) == 2
    assert "evals.parquet is damaged (its checksum differs); run the suite again" in capsys.readouterr().err


def unpack(packed: dict[str, Any]) -> list[dict[str, Any]]:
    """Read a compact replay as the page's player does."""
    shelves: list[list[int]] = [list(place) for place in packed["shelves"]]
    wanted: list[int] = []
    frames = []
    for line in packed["frames"]:
        for index, row, col in line.get("m", []):
            shelves[index] = [row, col]
        wanted = line.get("q", wanted)
        frames.append({"robots": line["r"], "shelves": [list(place) for place in shelves], "wanted": wanted})
    return frames


def test_compact_replay_gives_every_frame_back() -> None:
    rng = np.random.default_rng(0)
    shelves = np.array([[1, 1], [1, 2], [2, 1]], np.int32)
    frames = []
    for step in range(40):
        robots = rng.integers(0, 4, (2, 4)).astype(np.int32)
        robots[:, 3] = -1
        if step % 3:  # robot 0 carries shelf `step % 2` to where it is
            robots[0, 3] = step % 2
            shelves = shelves.copy()
            shelves[step % 2] = robots[0, :2]
        requested = rng.random(3) < (0.2 if step % 5 else 0.8)
        frames.append(
            {"robots": robots, "shelves": shelves, "requested": requested, "deliveries": np.array([step, 2], np.int32)}
        )
    packed = json.loads(json.dumps(replay.compact(("...", ".x.", "g.."), frames)))
    assert packed["rows"] == ["...", ".x.", "g.."]
    for frame, seen in zip(frames, unpack(packed), strict=True):
        assert [robot[:4] for robot in seen["robots"]] == frame["robots"].tolist()
        assert [robot[4] for robot in seen["robots"]] == frame["deliveries"].tolist()
        assert seen["wanted"] == np.flatnonzero(frame["requested"]).tolist()
        carried = set(frame["robots"][:, 3].tolist())
        standing = [index for index in range(3) if index not in carried]
        assert [seen["shelves"][index] for index in standing] == frame["shelves"][standing].tolist()


def test_compact_replay_is_small_where_nothing_changes() -> None:
    frame = {
        "robots": np.array([[0, 0, 1, -1]], np.int32),
        "shelves": np.array([[1, 1]], np.int32),
        "requested": np.array([True]),
        "deliveries": np.array([0], np.int32),
    }
    packed = replay.compact(("..", ".x"), [frame, frame])
    assert packed["frames"] == [{"r": [[0, 0, 1, -1, 0]], "q": [0]}, {"r": [[0, 0, 1, -1, 0]]}]


def unpack_errands(packed: dict[str, Any]) -> list[dict[str, Any]]:
    """Read a compact replay of errands as the page's player does."""
    moves = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]
    places = [list(place) for place in packed["robots"]]
    goals: dict[int, list[int]] = {}
    frames = []
    for line in packed["frames"]:
        letters = [ord(letter) - ord("a") for letter in line["m"]]
        places = [[r + moves[n >> 2][0], c + moves[n >> 2][1]] for (r, c), n in zip(places, letters, strict=True)]
        goals |= {a: [row, col] for a, row, col in line.get("g", [])}
        robots = [[*place, n & 3] for place, n in zip(places, letters, strict=True)]
        frames.append({"robots": robots, "goals": [goals[a] for a in range(len(places))], "tasks": line["t"]})
    return frames


@pytest.mark.parametrize("moves", ["compass", "rotate"])
def test_compact_errands_give_every_frame_back(moves: str) -> None:
    env = errands_v0.parallel_env(floor="aisles-1x1x4", num_robots=12, moves=moves, max_cycles=150)
    trajectory = rollout(env, RandomPolicy(), seed=3)
    frames = list(trajectory.frames())
    packed = json.loads(json.dumps(replay.errands(trajectory)))
    assert len(packed["rows"]) == 5
    for frame, seen in zip(frames, unpack_errands(packed), strict=True):
        assert seen["robots"] == frame["robots"].tolist()
        assert seen["goals"] == frame["goals"].tolist()
        assert seen["tasks"] == frame["tasks"].sum()
    assert packed["frames"][-1]["t"] > 0
    assert sum("g" in line for line in packed["frames"]) < len(frames)
