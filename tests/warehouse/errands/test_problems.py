"""LoRR's problem files: all published ones read as a plain reader does, written ones read back, broken ones refused."""

import json
import os
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core.params import ParameterError
from marl_envs.warehouse.errands.problems import read_problem

HEAD_2023 = """{
    "mapFile": "maps/a.map",
    "agentFile": "a.agents",
    "teamSize": 3,
    "taskFile": "a.tasks",
    "numTasksReveal": 1,
    "taskAssignmentStrategy": "roundrobin"
}
"""
HEAD_2024 = """{
    "mapFile": "maps/a.map",
    "agentFile": "a.agents",
    "teamSize": 3,
    "taskFile": "a.tasks",
    "numTasksReveal": 1.5,
    "version": "2024 LoRR"
}
"""
MAP = "type octile\nheight 3\nwidth 4\nmap\nE..@\n.S..\nT..G\n"  # obstacles: 3 and 8
AGENTS = "# agents\n4\n0\n5\n11\n6\n"
TASKS_2023 = "5\n1\n2\n4\n# half of them\n5\n9\n"
TASKS_2024 = "# version for LoRR 2024\n4\n1\n2,4\n5,6,7\n9,9\n"


def write(folder: Path, files: dict[str, str]) -> str:
    """Write files, and return the path of the problem."""
    (folder / "maps").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return str(folder / "a.json")


def problem_files(year: int) -> dict[str, str]:
    """Return a small problem of that year."""
    head, tasks = (HEAD_2023, TASKS_2023) if year == 2023 else (HEAD_2024, TASKS_2024)
    return {"a.json": head, "maps/a.map": MAP, "a.agents": AGENTS, "a.tasks": tasks}


@lru_cache(maxsize=1)
def plain_entries(file: Path) -> list[list[int]]:
    """Read agents or tasks line by line."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 1 + int(lines[0])
    return [[int(cell) for cell in line.split(",")] for line in lines[1:]]


def tasks_of(problem) -> list[list[int]]:
    """Return the errands of each task."""
    return [cells.tolist() for cells in np.split(problem.task_cells, problem.task_first[1:-1])]


def test_a_problem_of_2023(tmp_path):
    path = write(tmp_path, problem_files(2023))
    problem = read_problem(path)
    assert (problem.path, problem.supply, problem.reveal, problem.version) == (path, "round_robin", 1.0, "2023 LoRR")
    assert problem.floor.rows == ("E..@", ".S..", "@...")
    assert problem.starts.tolist() == [0, 5, 11]  # the first three of four
    assert tasks_of(problem) == [[1], [2], [4], [5], [9]]
    assert problem.starts.dtype == problem.task_first.dtype == problem.task_cells.dtype == np.int64


def test_a_problem_of_2024(tmp_path):
    problem = read_problem(write(tmp_path, problem_files(2024)))
    assert (problem.supply, problem.reveal, problem.version) == ("pool", 1.5, "2024 LoRR")
    assert problem.task_first.tolist() == [0, 1, 3, 6, 8]
    assert tasks_of(problem) == [[1], [2, 4], [5, 6, 7], [9, 9]]


PUBLISHED = {"lorr2023_startkit": 18, "lorr2024_startkit": 3, "guided_pibt_lifelong": 5}


@pytest.mark.parametrize("folder", PUBLISHED)
def test_every_published_problem_is_read_as_by_a_plain_reader(folder, data_dir):
    paths = sorted((data_dir / "warehouse" / folder).glob("**/*.json"))
    assert len(paths) == PUBLISHED[folder]
    for path in paths:
        head, problem = json.loads(path.read_text()), read_problem(str(path))
        # one of the folders has all agents and tasks beside the problems, not where these say
        files = {key: path.parent / head[key] for key in ("agentFile", "taskFile")}
        files = {key: file if file.exists() else path.parent / file.name for key, file in files.items()}
        assert [[cell] for cell in problem.starts.tolist()] == plain_entries(files["agentFile"])
        tasks = plain_entries(files["taskFile"])
        assert problem.task_cells.tolist() == [cell for task in tasks for cell in task]
        assert np.diff(problem.task_first, prepend=-1).tolist() == [1, *map(len, tasks)]
        assert len(problem.starts) == head["teamSize"]
        assert problem.reveal == head["numTasksReveal"]
        assert problem.supply == ("pool" if head.get("version") else "round_robin")


def test_problems_of_2026_are_refused(data_dir):
    paths = sorted((data_dir / "warehouse" / "lorr2026_startkit").glob("**/*.json"))
    assert len(paths) == 4
    for path in paths:
        with pytest.raises(
            ParameterError, match=r"json, line \d+: agentSize .* delays and footprints .* not supported"
        ):
            read_problem(str(path))


@st.composite
def drawn_problems(draw):
    """Draw a floor, starts and tasks, and how the files are written."""
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    chars = draw(st.text(".ES@", min_size=height * width, max_size=height * width))
    free = [cell for cell, char in enumerate(chars) if char != "@"] or [0]
    rows = ["".join("." if r * width + c in free else "@" for c in range(width)) for r in range(height)]
    starts = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
    year = draw(st.sampled_from((2023, 2024)))
    task = st.lists(st.sampled_from(free), min_size=1, max_size=1 if year == 2023 else 4)
    tasks = draw(st.lists(task, min_size=1, max_size=20))
    style = draw(st.fixed_dictionaries({"comment": st.sampled_from(("", "# a, 1\n")), "blank": st.sampled_from(" \n")}))
    return rows, starts, draw(st.integers(1, len(starts))), tasks, year, style


@given(drawn_problems(), st.sampled_from(("\n", "\r\n")))
def test_a_written_problem_is_read_back(tmp_path_factory, drawn, line_end):
    rows, starts, team, tasks, year, style = drawn
    head = {"mapFile": "maps/a.map", "agentFile": "a.agents", "taskFile": "a.tasks", "teamSize": team}
    head |= {"taskAssignmentStrategy": "roundrobin"} if year == 2023 else {"version": "2024 LoRR", "numTasksReveal": 2}
    lists = {"a.agents": [[cell] for cell in starts], "a.tasks": tasks}
    files = {
        name: f"{style['comment']}{len(entries)}\n"
        + style["comment"].join(",".join(map(str, entry)) + "\n" for entry in entries)
        + style["blank"]
        for name, entries in lists.items()
    }
    files["a.json"] = json.dumps(head)
    files["maps/a.map"] = "\n".join(["type octile", f"height {len(rows)}", f"width {len(rows[0])}", "map", *rows])
    folder = tmp_path_factory.mktemp("problem")
    problem = read_problem(write(folder, {name: text.replace("\n", line_end) for name, text in files.items()}))
    assert problem.floor.rows == tuple(rows)
    assert problem.starts.tolist() == starts[:team]
    assert tasks_of(problem) == tasks
    assert problem.reveal == (1 if year == 2023 else 2)


BROKEN = [
    # the problem itself
    (
        2023,
        "a.json",
        '"teamSize": 3,',
        '"teamSize": 3',
        r"a\.json, line 5, column 5: not JSON: Expecting ',' delimiter",
    ),
    (2023, "a.json", HEAD_2023, "", r"a\.json, line 1, column 1: not JSON"),
    (2023, "a.json", HEAD_2023, "[3]", r"a\.json, line 1: must be a JSON object .* not \[3\]"),
    (2023, "a.json", HEAD_2023, "[" * 100_000, r"a\.json, line 1: not a problem file"),
    (2023, "a.json", '"teamSize": 3,', "", r"a\.json: the key 'teamSize' is missing"),
    (2023, "a.json", '"mapFile"', '"map"', r"a\.json: the key 'mapFile' is missing"),
    (2023, "a.json", '"agentFile"', '"agents"', r"a\.json: the key 'agentFile' is missing"),
    (2023, "a.json", '"taskFile"', '"tasks"', r"a\.json: the key 'taskFile' is missing"),
    (2023, "a.json", '"taskAssignmentStrategy"', '"x"', r"a\.json: the key 'taskAssignmentStrategy' is missing"),
    (2023, "a.json", "roundrobin", "greedy", r"line 7: taskAssignmentStrategy must be 'roundrobin', not 'greedy'"),
    (2023, "a.json", '"teamSize": 3', '"teamSize": "3"', r"line 4: teamSize must be an integer from 1 .* not '3'"),
    (2023, "a.json", '"teamSize": 3', '"teamSize": 3.0', r"line 4: teamSize must be an integer from 1 .* not 3\.0"),
    (2023, "a.json", '"teamSize": 3', '"teamSize": true', r"line 4: teamSize must be an integer from 1 .* not True"),
    (2023, "a.json", '"teamSize": 3', '"teamSize": 0', r"line 4: teamSize must be an integer from 1 .* not 0"),
    (2023, "a.json", '"teamSize": 3', '"teamSize": 5', r"line 4: teamSize must be at most 4, .*a\.agents has, not 5"),
    (2023, "a.json", '"numTasksReveal": 1', '"numTasksReveal": null', "line 6: numTasksReveal must be a number"),
    (2024, "a.json", "1.5", "NaN", "line 6: numTasksReveal must be a number from 0.0 .* not nan"),
    (2024, "a.json", "1.5", "0.3", r"line 6: numTasksReveal times teamSize must be at least 1, not 0\.3 \* 3"),
    (2024, "a.json", "2024 LoRR", "2025 LoRR", r"line 7: version must be '2024 LoRR', .* not '2025 LoRR'"),
    (2024, "a.json", "2024 LoRR", "2026 LoRR", r"line 7: version .* delays and footprints of later versions are not"),
    (2024, "a.json", '"version"', '"delayConfig": {}, "version"', r"line 7: delayConfig belongs to .* 2026; delays"),
    (2023, "a.json", '"maps/a.map"', "7", r"a\.json, line 2: mapFile must be the path of a file, not 7"),
    (2023, "a.json", '"maps/a.map"', '""', r"a\.json, line 2: mapFile must be the path of a file, not ''"),
    (2023, "a.json", "maps/a.map", "maps/b.map", r"a\.json, line 2: mapFile: .*maps.b\.map: cannot be read \(No such"),
    (2023, "a.json", "a.agents", "b.agents", r"a\.json, line 3: agentFile: .*b\.agents: cannot be read"),
    (2023, "a.json", "a.tasks", "b.tasks", r"a\.json, line 5: taskFile: .*b\.tasks: cannot be read"),
    (2023, "a.json", "a.tasks", "maps", r"maps: cannot be read"),
    # the map
    (2023, "maps/a.map", ".S..", ".S#.", r"a\.map, line 6, column 3: '#' is not one of"),
    (2023, "maps/a.map", "height 3", "height 4", r"a\.map, line 7, column 5: the map ends after 3 of 4 rows"),
    # agents
    (2023, "a.agents", AGENTS, "", r"a\.agents, line 1: must be a count, at least 1, not ''"),
    (2023, "a.agents", "\n4\n", "\nfour\n", r"a\.agents, line 2: must be a count, at least 1, not 'four'"),
    (2023, "a.agents", "\n4\n", "\n5\n", r"a\.agents, line 6: the file ends after 4 entries, but line 2 announces 5"),
    (2023, "a.agents", "\n4\n", "\n3\n", r"a\.agents, line 6: more than the 3 entries that line 2 announces"),
    (2023, "a.agents", "\n5\n", "\n0\n", r"a\.agents, line 4: the agent at 0 starts where that of line 3 does"),
    (2023, "a.agents", "\n5\n", "\n8\n", r"a\.agents, line 4: the agent at 8 is on an obstacle \(row 2, column 0"),
    (2023, "a.agents", "11", "12", r"a\.agents, line 5: the agent at 12 is outside the map of 3x4 cells \(0 to 11\)"),
    (2023, "a.agents", "\n5\n", "\n-5\n", r"a\.agents, line 4: '-5' is not a cell"),
    (2023, "a.agents", "\n5\n", "\n5,6\n", r"a\.agents, line 4: '5,6' is not a cell; .* one cell a line"),
    (2023, "a.agents", "\n6\n", "\n1_0\n", r"a\.agents, line 6: '1_0' is not a cell"),  # Python's int() takes it
    # tasks
    (2023, "a.tasks", "9\n", "", r"a\.tasks, line 6: the file ends after 4 entries, but line 1 announces 5"),
    (2023, "a.tasks", "9\n", "9\n\n9\n", r"a\.tasks, line 8: more than the 5 entries that line 1 announces"),
    (2023, "a.tasks", "\n4\n", "\n\n", r"a\.tasks, line 4: '' is not a cell"),
    (2023, "a.tasks", "\n4\n", "\n4 5\n", r"a\.tasks, line 4: '4 5' is not a cell"),
    (2023, "a.tasks", "\n4\n", "\n4,5\n", r"a\.tasks, line 4: '4,5' is not a cell; .* one cell a line"),
    (2023, "a.tasks", "\n4\n", "\n4.0\n", r"a\.tasks, line 4: '4\.0' is not a cell"),
    (2023, "a.tasks", "9\n", "3\n", r"a\.tasks, line 7: the errand at 3 is on an obstacle \(row 0, column 3"),
    (2023, "a.tasks", "9\n", "9" * 25 + "\n", r"a\.tasks, line 7: '9999999999999999999999999' is not a cell"),
    (2023, "a.tasks", "9\n", "9" * 5000 + "\n", r"a\.tasks, line 7: '9{40}' is not a cell"),
    (2023, "a.tasks", TASKS_2023, "0\n", r"a\.tasks, line 1: must be a count, at least 1, not '0'"),
    (2024, "a.tasks", "5,6,7", "5,,7", r"a\.tasks, line 5: '' is not a cell; .* cells with commas"),
    (2024, "a.tasks", "5,6,7", "5,6,", r"a\.tasks, line 5: '' is not a cell"),
    (2024, "a.tasks", "5,6,7", "5,x,7", r"a\.tasks, line 5: 'x' is not a cell"),
    (2024, "a.tasks", "5,6,7", "5,6,8", r"a\.tasks, line 5: the errand at 8 is on an obstacle"),
    (2024, "a.tasks", "5,6,7", "12,6,8", r"a\.tasks, line 5: the errand at 12 is outside the map"),
    (2024, "a.tasks", "9,9\n", "", r"a\.tasks, line 5: the file ends after 3 entries, but line 2 announces 4"),
]


@pytest.mark.parametrize(("year", "name", "old", "new", "complaint"), BROKEN)
def test_broken_problems_are_refused_with_file_and_line(year, name, old, new, complaint, tmp_path):
    files = problem_files(year)
    assert files[name].count(old) == 1
    read_problem(write(tmp_path, files))
    files[name] = files[name].replace(old, new)
    with pytest.raises(ParameterError, match=complaint):
        read_problem(write(tmp_path, files))


@pytest.mark.parametrize(("path", "complaint"), [("no.json", "no.json: cannot be read"), (7, "not 7"), (None, "None")])
def test_a_path_that_is_none_is_refused(path, complaint):
    with pytest.raises(ParameterError, match=complaint):
        read_problem(path)


def test_agents_beyond_the_team_are_not_used(tmp_path):
    files = problem_files(2023) | {"a.agents": "5\n0\n5\n11\n5\n8\n"}  # the last two: a cell again, and an obstacle
    assert read_problem(write(tmp_path, files)).starts.tolist() == [0, 5, 11]


def test_the_start_kit_reveals_one_task_a_robot_unless_told(tmp_path):
    files = problem_files(2024)
    files["a.json"] = files["a.json"].replace('"numTasksReveal": 1.5,', "")
    assert read_problem(write(tmp_path, files)).reveal == 1.0


def test_a_file_is_looked_for_beside_the_problem_only_where_it_is_not_in_its_folder(tmp_path):
    files = problem_files(2023)
    beside = MAP.replace("S", ".")
    path = write(tmp_path, files | {"a.map": beside})
    assert read_problem(path).floor.cells("S") == [(1, 1)]
    (tmp_path / "maps" / "a.map").unlink()
    assert read_problem(path).floor.cells("S") == []


@pytest.mark.parametrize(
    ("name", "old", "new", "starts", "last", "first"),
    [
        ("a.tasks", "9\n", "7\n", [0, 5, 11], 7, "E..@"),
        ("a.agents", "\n5\n", "\n7\n", [0, 7, 11], 9, "E..@"),
        ("maps/a.map", "E..@", "...@", [0, 5, 11], 9, "...@"),
        ("a.json", '"teamSize": 3', '"teamSize": 2', [0, 5], 9, "E..@"),
    ],
)
def test_a_problem_is_kept_until_one_of_its_files_changes(name, old, new, starts, last, first, tmp_path):
    files = problem_files(2023)
    path = write(tmp_path, files)
    before = read_problem(path)
    assert read_problem(path) is before
    write(tmp_path, {name: files[name].replace(old, new)})
    os.utime(tmp_path / name, ns=(1, 1))
    after = read_problem(path)
    assert (after.starts.tolist(), after.task_cells[-1], after.floor.rows[0]) == (starts, last, first)


def test_shared_arrays_are_read_only(tmp_path):
    problem = read_problem(write(tmp_path, problem_files(2024)))
    for array in (problem.starts, problem.task_first, problem.task_cells):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_hundred_thousand_tasks_are_read_fast(tmp_path):
    files = problem_files(2024) | {"a.tasks": "# many\n100000\n" + "5,6\n" * 100_000}
    path = write(tmp_path, files)
    begin = time.perf_counter()
    problem = read_problem(path)
    assert time.perf_counter() - begin < 1.0
    assert len(problem.task_cells) == 200_000
