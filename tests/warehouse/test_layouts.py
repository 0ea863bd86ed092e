"""Floors: RWARE's four, generated ones, drawn ones, and drawings that are wrong."""

import pytest

from marl_envs.core.params import ParameterError
from marl_envs.warehouse.layouts import Layout, get_layout, parse, rware_floor, small_floor

TINY = """
    ..........
    .xx....xx.
    .xx....xx.
    .xx....xx.
    .xx....xx.
    .xx....xx.
    .xx....xx.
    .xx....xx.
    .xx....xx.
    ..........
    ....gg....
"""
FULL_2, OPEN_2 = ".xx.xx.xx.", ".xx....xx."
FULL_5, OPEN_5 = ".xx.xx.xx.xx.xx.", ".xx.xx....xx.xx."
DRAWN = {
    "tiny": tuple(TINY.split()),
    "small": ("." * 10, *[FULL_2] * 8, "." * 10, *[OPEN_2] * 8, "." * 10, "....gg...."),
    "medium": ("." * 16, *[FULL_5] * 8, "." * 16, *[OPEN_5] * 8, "." * 16, ".......gg......."),
    "large": (
        "." * 16,
        *[FULL_5] * 8,
        "." * 16,
        *[FULL_5] * 8,
        "." * 16,
        *[OPEN_5] * 8,
        "." * 16,
        ".......gg.......",
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_four_sizes_are_rwares(name):
    floor = get_layout(name)
    assert floor.rows == DRAWN[name]
    assert len(floor.cells("x")) == {"tiny": 32, "small": 80, "medium": 144, "large": 224}[name]


@pytest.mark.parametrize("name", DRAWN)
def test_the_four_sizes_are_those_written_out_from_the_package(name, data_dir):
    file = data_dir / "warehouse" / "rware_layouts" / f"{name}.txt"
    assert get_layout(name) == get_layout(file.read_text())


def test_a_drawing_may_have_spaces_and_capitals():
    floor = get_layout("\n  . X x \n  . . G \n")
    assert floor == Layout((".xx", "..g"))
    assert (floor.height, floor.width) == (2, 3)
    assert floor.cells("x") == [(0, 1), (0, 2)]
    assert floor.cells("g") == [(1, 2)]


def test_the_smallest_generated_floor():
    assert get_layout("5x5").rows == (".....", ".xx..", ".xx..", ".....", ".gg..")


@pytest.mark.parametrize(("height", "width"), [(5, 6), (6, 5), (7, 7), (8, 12), (20, 11), (200, 200)])
def test_generated_floors_can_be_worked(height, width):
    floor = small_floor(height, width)
    assert get_layout(f"{height}x{width}") == floor
    assert (floor.height, floor.width) == (height, width)
    assert len(floor.cells("g")) == 2
    assert len(floor.cells("x")) >= 4
    highways = {*floor.cells("."), *floor.cells("g")}
    for row, col in floor.cells("x"):
        assert highways & {(row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1)}
    reached, frontier = set(), [floor.cells("g")[0]]
    while frontier:
        row, col = cell = frontier.pop()
        if cell in highways and cell not in reached:
            reached.add(cell)
            frontier += [(row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1)]
    assert reached == highways


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("xx.\n..\n.g.", "layout line 2 has 2 cells, but line 1 has 3"),
        ("xx.\n.g.\n....", "layout line 3 has 4 cells, but line 1 has 3"),
        ("xx.\n..w\n.g.", "layout line 2, column 3: 'w' is not one of '.', 'x', 'g'"),
        ("xx.\n\t..\n.g.", "layout line 2, column 1"),
        ("xx.\n\n.g.", "layout line 2 has 0 cells"),
        ("xx.\n...", "the layout has no goal"),
        ("x..\n..g", "at least two shelf homes"),
        ("...\n..g", "at least two shelf homes"),
        ("3x3", "from 5x5 to 200x200 cells, not 3x3"),
        ("5x4", "not 5x4"),
        ("201x5", "not 201x5"),
        ("5x5x5", "unknown layout '5x5x5'; allowed are tiny, small, medium, large"),
        ("-5x5", "unknown layout"),
        ("Tiny", "unknown layout 'Tiny'"),
        ("huge", "unknown layout 'huge'"),
        ("", "unknown layout ''"),
        ("\n\n", "unknown layout"),
        (None, "layout must be a name or a text drawing, not None"),
        (5, "layout must be a name or a text drawing, not 5"),
        (["xx", "g."], "layout must be a name or a text drawing"),
    ],
)
def test_a_wrong_layout_is_refused_with_what_is_wrong(layout, message):
    with pytest.raises(ParameterError) as caught:
        get_layout(layout)
    assert message in str(caught.value)


def test_rwares_rule_needs_an_odd_number_of_shelf_columns():
    with pytest.raises(ParameterError, match="odd, not 4"):
        rware_floor(1, 4, 8)


def test_parse_is_what_get_layout_does_with_a_drawing():
    assert parse(TINY) == get_layout("tiny")
