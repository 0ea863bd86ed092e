"""Floors of errands: published ones, generated ones, MovingAI's files, drawings, and those that are wrong."""

import os
import time

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core.params import ParameterError
from marl_envs.warehouse.errands.floors import (
    Floor,
    aisles_floor,
    get_floor,
    parse_drawing,
    parse_map,
    random_floor,
    read_map,
    storage_floor,
)

KIVA_ROW = ".EE.EE.SSSSSSSSSS.SSSSSSSSSS.SSSSSSSSSS.EE.EE."
MAP = "type octile\nheight 3\nwidth 4\nmap\nE..@\n.S..\nT..G\n"


def free_cells(floor: Floor) -> set[tuple[int, int]]:
    """Return the cells that are no obstacle, by going through the characters."""
    return {(r, c) for r, row in enumerate(floor.rows) for c, char in enumerate(row) if char != "@"}


def parts(cells: set[tuple[int, int]]) -> list[set[tuple[int, int]]]:
    """Return the connected parts of a set of cells."""
    left, found = set(cells), []
    while left:
        part = frontier = {left.pop()}
        while frontier:
            near = {(r + down, c + right) for r, c in frontier for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0))}
            frontier = near & left
            left -= frontier
            part = part | frontier
        found.append(part)
    return found


def map_text(rows: list[str]) -> str:
    """Return a MovingAI file."""
    return "\n".join(["type octile", f"height {len(rows)}", f"width {len(rows[0])}", "map", *rows, ""])


def test_kiva_is_the_floor_that_is_published(data_dir):
    file = data_dir / "warehouse" / "pogema_benchmark" / "maps.yaml"
    drawn = yaml.safe_load(file.read_text())["wfi_warehouse"].split()
    assert get_floor("kiva").rows == tuple(row.translate(str.maketrans("@$#", "SE@")) for row in drawn)


def test_kiva_has_the_published_size_and_counts():
    floor = get_floor("kiva")
    assert (floor.height, floor.width, floor.num_free) == (33, 46, 1278)
    assert (len(floor.cells("E")), len(floor.cells("S")), len(floor.cells("."))) == (192, 480, 606)
    assert floor.rows[:3] == ("." * 46, KIVA_ROW, KIVA_ROW.replace("S", "@"))
    assert floor is get_floor("kiva") == get_floor("aisles-8x3")


def test_aisles_of_one_short_shelf():
    drawn = ".EE.SS.EE.", ".EE.@@.EE.", ".EE.SS.EE."
    assert aisles_floor(1, 1, 2, 1).rows == ("." * 10, *drawn, "." * 10)


@pytest.mark.parametrize("name", ["aisles-1x1", "aisles-2x3", "aisles-2x2x1", "storage-10x11", "storage-20x23"])
def test_no_single_cell_divides_a_generated_floor(name):
    """Biconnected: what PIBT's guarantee needs."""
    floor = get_floor(name)
    cells = free_cells(floor)
    assert floor.cells("E")
    assert floor.cells("S")
    assert all(len(parts(cells - {cell})) == 1 for cell in cells)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 6))
def test_aisles_have_the_shelves_that_were_asked_for(rows, columns, length):
    floor = get_floor(f"aisles-{rows}x{columns}x{length}")
    assert len(parts(free_cells(floor))) == 1
    obstacles = set(floor.cells("@"))
    shelves = parts(obstacles)
    assert len(shelves) == rows * columns
    assert all(len({r for r, _ in shelf}) == 1 and len(shelf) == length for shelf in shelves)
    assert set(floor.cells("S")) == {(r + side, c) for r, c in obstacles for side in (-1, 1)}
    assert len(floor.cells("E")) == rows * 3 * 2 * 4


@given(st.integers(10, 40), st.integers(11, 40))
def test_storage_is_made_of_blocks_with_sides_in_a_floor_of_that_size(height, width):
    floor = storage_floor(height, width)
    assert (floor.height, floor.width) == (height, width)
    obstacles = set(floor.cells("@"))
    blocks = parts(obstacles)
    assert len(blocks) == ((height - 7) // 3) * ((width - 7) // 4)
    for block in blocks:
        top, left = min(block)
        assert block == {(top + down, left + right) for down in range(2) for right in range(3)}
        assert 4 <= top <= height - 6
        assert 4 <= left <= width - 7
    near = {(r + down, c + right) for r, c in obstacles for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0))}
    assert set(floor.cells("S")) == near - obstacles
    assert len(floor.cells("E")) == 2 * ((height - 7) // 3 + (width - 7) // 4)
    assert len(parts(free_cells(floor))) == 1


def test_the_floor_of_ten_thousand_robots():
    floor = get_floor("storage-140x500")
    assert (floor.height, floor.width) == (140, 500)
    assert floor.num_free == len(free_cells(floor)) > 30_000
    assert len(parts(free_cells(floor))) == 1
    assert get_floor("storage-300x700").num_free > 100_000


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 90), st.integers(0, 1000))
def test_random_floors_are_connected(height, width, percent, seed):
    floor = get_floor(f"random-{height}x{width}-{percent}-{seed}")
    assert (floor.height, floor.width) == (height, width)
    assert floor == random_floor(height, width, percent / 100, seed)
    assert len(parts(free_cells(floor))) == 1
    assert 1 <= floor.num_free <= max(1, height * width - round(height * width * percent / 100))


def test_random_floors_keep_the_largest_part_and_nothing_more():
    open_floor = free_cells(get_floor("random-12x12-0-7"))
    assert len(open_floor) == 144
    for percent in range(0, 91, 2):
        floor = random_floor(12, 12, percent / 100, 7)
        cells = open_floor - drawn_obstacles(12, 12, percent, 7)
        first_largest = min(parts(cells), key=lambda part: (-len(part), min(part)))
        assert free_cells(floor) == first_largest


def drawn_obstacles(height: int, width: int, percent: int, seed: int) -> set[tuple[int, int]]:
    """Return the cells with the lowest numbers of the stream."""
    numbers = [int(np.random.PCG64(seed).advance(i).random_raw()) for i in range(height * width)]
    lowest = sorted(range(height * width), key=numbers.__getitem__)[: round(height * width * percent / 100)]
    return {divmod(cell, width) for cell in lowest}


def test_a_random_floor_stays_what_it_is():
    """Written down once: every version of NumPy must draw the same."""
    assert get_floor("random-5x8-30-3").rows == PINNED
    assert get_floor("random-5x8-30-4").rows != PINNED


PINNED = ("@@..@..@", "@@......", "@..@@...", "....@..@", "..@....@")


def test_empty_floors():
    assert get_floor("empty-2x3").rows == ("...", "...")


def test_cells_come_in_reading_order():
    floor = Floor(("E.@", "SE."))
    assert floor.cells("E") == [(0, 0), (1, 1)]
    assert floor.cells("SE.") == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    assert floor.cells("") == []
    assert floor.codes.tolist() == [[ord(char) for char in row] for row in floor.rows]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("castle", r"'castle'; allowed are kiva, aisles-ROWSxCOLUMNS, .*\.map.*drawing"),
        ("aisles-2", "unknown floor"),
        ("aisles-2x3 ", "unknown floor"),
        ("", "unknown floor ''"),
        ("aisles-0x3", "shelf_rows must be an integer from 1"),
        ("aisles-2x3x0", "shelf_length must be an integer from 1"),
        ("aisles-9999x9999", "must have from 1x1 to 32000x32000 and at most 10000000 cells, not 39997x"),
        ("storage-9x50", "from 10x11 to 32000x32000 .* not 9x50"),
        ("storage-50x10", "from 10x11 to 32000x32000 .* not 50x10"),
        ("random-8x8-95-0", "density must be a number from 0.0 to 0.9, not 0.95"),
        ("random-0x8-5-0", "not 0x8"),
        ("empty-4000x4000", "at most 10000000 cells, not 4000x4000"),
        ("nowhere.map", r"nowhere\.map: cannot be read \(No such file"),
        ("null\0.map", "cannot be read"),
        (3, "not 3"),
        (None, "not None"),
    ],
)
def test_unknown_floors_are_refused(name, complaint):
    with pytest.raises(ParameterError, match=complaint):
        get_floor(name)


# MovingAI's files


def test_letters_of_a_map():
    floor = parse_map("type octile\nheight 2\nwidth 4\nmap\n.GSE\n@OTW\n\n \n", "a.map")
    assert floor.rows == ("..SE", "@@@@")


@given(st.integers(1, 12).flatmap(lambda width: st.lists(st.text(".@ES", min_size=width, max_size=width), min_size=1)))
def test_a_written_map_is_read_back(rows):
    rows[0] = "." + rows[0][1:]
    assert parse_map(map_text(rows), "a.map").rows == tuple(rows)
    assert parse_map(map_text(rows).replace("\n", "\r\n"), "a.map").rows == tuple(rows)


def test_every_map_of_the_data_folder_is_read(data_dir):
    files = [*(data_dir / "warehouse").glob("lorr*/**/*.map"), *(data_dir / "warehouse").glob("movingai/*.map")]
    assert len(files) >= 15
    for file in files:
        lines = file.read_text().split("\n")
        floor = get_floor(str(file))
        assert (floor.height, floor.width) == (int(lines[1].split()[1]), int(lines[2].split()[1]))
        assert floor.num_free == sum(char in ".GSE" for line in lines[4:] for char in line)
        assert len(floor.cells("E")) == sum(line.count("E") for line in lines[4:])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("type octile", "octile", "line 1, column 1: must be 'type octile', not 'octile'"),
        ("height 3", "height three", "line 2, column 1: must be 'height NUMBER', not 'height three'"),
        ("height 3\nwidth 4", "width 4\nheight 3", "line 2, column 1: must be 'height NUMBER', not 'width 4'"),
        ("width 4", "width -4", "line 3, column 1: must be 'width NUMBER'"),
        ("map\n", "", "line 4, column 1: must be 'map', not 'E..@'"),
        ("height 3", "height 0", "lines 2 and 3: the map must have from 1x1 .* not 0x4"),
        ("width 4", "width 99999", "lines 2 and 3: the map must have .* not 3x99999"),
        ("height 3", "height 4", "line 7, column 5: the map ends after 3 of 4 rows"),
        ("height 3", "height 2", "line 7, column 1: more than the 2 rows that line 2 announces"),
        (".S..", ".S.", "line 6, column 4: the row has 3 cells, not 4"),
        (".S..", ".S...", "line 6, column 5: the row has 5 cells, not 4"),
        (".S..", ".Sx.", "line 6, column 3: 'x' is not one of '.', 'G'"),
        (".S..", ".s..", "line 6, column 2: 's' is not one of"),
        (".S..", ".S. ", "line 6, column 4: ' ' is not one of"),
        (".S..", "", "line 6, column 1: the row has 0 cells, not 4"),
        ("E..@\n.S..\nT..G", "@@@@\nOOOO\nTTWW", "line 5, column 1: no cell is free"),
        (MAP, "", "line 1, column 1: must be 'type octile', not ''"),
        ("\nE..@\n.S..\nT..G", "", "line 4, column 4: the map ends after 0 of 3 rows"),
    ],
)
def test_broken_maps_are_refused_with_the_place(old, new, complaint, tmp_path):
    assert MAP.count(old) == 1
    file = tmp_path / "broken.map"
    file.write_text(MAP.replace(old, new))
    with pytest.raises(ParameterError, match=rf"broken\.map, {complaint}"):
        read_map(str(file))


def test_files_that_are_no_text(tmp_path):
    (tmp_path / "bytes.map").write_bytes(b"type octile\n\xff")
    with pytest.raises(ParameterError, match=r"bytes\.map: not a text file \(byte 12 is not UTF-8\)"):
        get_floor(str(tmp_path / "bytes.map"))
    (tmp_path / "folder.map").mkdir()
    with pytest.raises(ParameterError, match=r"folder\.map: cannot be read"):
        get_floor(str(tmp_path / "folder.map"))


def test_a_map_is_read_again_once_it_changed(tmp_path):
    file = tmp_path / "a.map"
    file.write_text(map_text(["..", ".."]))
    first = get_floor(str(file))
    assert get_floor(str(file)) is first
    file.write_text(map_text(["..", ".@"]))  # as long as before
    os.utime(file, ns=(1, 1))
    assert get_floor(str(file)).rows == ("..", ".@")


def test_a_large_map_is_read_in_milliseconds(tmp_path):
    text = map_text(list(get_floor("storage-140x500").rows))
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        parse_map(text, "large.map")
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 0.02


# Drawings


def test_a_drawing_may_have_spaces_and_small_letters():
    floor = get_floor("\n  . e @ \n  s . . \n")
    assert floor == Floor((".E@", "S.."))
    assert (floor.height, floor.width, floor.num_free) == (2, 3, 5)


@pytest.mark.parametrize(
    ("drawing", "complaint"),
    [
        ("...\n..", "floor line 2, column 3: the row has 2 cells, not 3"),
        ("...\n.x.", r"floor line 2, column 2: 'X' is not one of '.', '@', 'E', 'S'"),
        ("@@\n@@", "floor line 1, column 1: no cell is free"),
        ("", "drawn floor must have"),
    ],
)
def test_wrong_drawings_are_refused(drawing, complaint):
    with pytest.raises(ParameterError, match=complaint):
        parse_drawing(drawing)
