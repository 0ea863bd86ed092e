"""Where things are in a picture, under any camera; shapes cut to it look the same inside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marl_envs.render.cutting import box_of, cut, cut_line, cut_polygon
from marl_envs.render.placing import fitted
from marl_envs.render.scene import Circle, Line, Polygon, Rect
from marl_envs.render.theme import color
from marl_envs.render.viewer.camera import CLOSEST, Camera

SIZE = (640, 480)
RED = color("#d00000")
numbers = st.floats(-50, 50, allow_nan=False)
points = st.tuples(numbers, numbers)


def test_a_camera_that_was_not_moved_shows_all():
    camera = Camera((10.0, 11.0))
    assert camera.placing(SIZE) == fitted(SIZE, 10.0, 11.0)
    left, top = camera.placing(SIZE).to_pixel(0, 0)
    right, bottom = camera.placing(SIZE).to_pixel(10, 11)
    assert 0 <= left < right <= 640
    assert 0 <= top < bottom <= 480


@given(st.floats(1.05, 6.0), st.integers(60, 580), st.integers(60, 420))
def test_zooming_keeps_what_is_under_the_pointer(factor, x, y):
    camera = Camera((30.0, 30.0))
    camera.zoom_by(2.0, SIZE)
    camera.look_at((15.0, 15.0))
    placing = camera.placing(SIZE)
    before = placing.to_scene(x, y)
    if not (0 < before[0] < 30 and 0 < before[1] < 30):
        return
    camera.zoom_by(factor, SIZE, (x, y))
    after = camera.placing(SIZE).to_scene(x, y)
    middle = camera.centre
    if 0 < middle[0] < 30 and 0 < middle[1] < 30:  # not held at the rim
        assert abs(after[0] - before[0]) < 0.15
        assert abs(after[1] - before[1]) < 0.15


def test_panning_moves_the_picture_by_as_many_pixels():
    camera = Camera((100.0, 100.0))
    camera.zoom_by(4.0, SIZE)
    before = camera.placing(SIZE).to_pixel(50, 50)
    camera.pan(37, -12, SIZE)
    after = camera.placing(SIZE).to_pixel(50, 50)
    assert abs(after[0] - before[0] - 37) <= 1
    assert abs(after[1] - before[1] + 12) <= 1


def test_the_camera_neither_leaves_the_scene_nor_goes_too_close():
    camera = Camera((20.0, 20.0))
    for _ in range(60):
        camera.zoom_by(1.5, SIZE)
    assert camera.placing(SIZE).scale <= CLOSEST * 1.001
    camera.pan(1e6, 1e6, SIZE)
    assert camera.centre == (0.0, 0.0)
    for _ in range(60):
        camera.zoom_by(0.5, SIZE)
    assert camera.placing(SIZE) == fitted(SIZE, 20.0, 20.0)


def inside(point: tuple[float, float], corners: tuple[tuple[float, float], ...]) -> bool:
    """Whether a point lies in a polygon, by counting the edges to its right."""
    (x, y), found = point, False
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], *corners[:1]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            found = not found
    return found


@given(st.lists(points, min_size=3, max_size=3), st.tuples(st.floats(-9.9, 9.9), st.floats(-9.9, 9.9)))
def test_a_cut_triangle_covers_the_same_points_of_the_box(corners, point):
    part = cut_polygon(tuple(corners), -10, -10, 10, 10)
    assert all(-10.001 <= value <= 10.001 for corner in part for value in corner)
    (x0, y0), (x1, y1), (x2, y2) = corners
    nearest = min(
        abs((bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)) / (((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5 or 1)
        for (ax, ay), (bx, by) in (((x0, y0), (x1, y1)), ((x1, y1), (x2, y2)), ((x2, y2), (x0, y0)))
    )
    if nearest > 1e-6:
        assert inside(point, part) == inside(point, tuple(corners))


@given(points, points)
def test_a_cut_line_is_the_part_within(start, end):
    part = cut_line(start, end, -10, -10, 10, 10)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
        if max(abs(x), abs(y)) < 9.999:
            assert part is not None
    if part is not None:
        assert all(abs(value) <= 10.001 for point in part for value in point)


def test_boxes_hold_their_shapes():
    assert box_of(Rect(1, 2, 3, 4, RED)) == (1, 2, 4, 6)
    assert box_of(Circle(1, 2, 3, RED)) == (-2, -1, 4, 5)
    assert box_of(Line((0, 0), (4, 1), 2, RED)) == (-1, -1, 5, 2)
    assert box_of(Polygon(((0, 0), (4, 1), (2, 5)), RED)) == (0, 0, 4, 5)
    assert cut(Rect(0, 0, 100, 1, RED), 10, -1, 20, 2) == Rect(10, 0, 10, 1, RED)
    assert cut(Rect(0, 0, 1, 1, RED), 10, 10, 20, 20) is None
