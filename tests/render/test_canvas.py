"""The renderer: pictures of a fixed size, the same bytes each time, without a display."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pygame
import pytest

from marl_envs.render.canvas import Canvas, fitted_size
from marl_envs.render.scene import Circle, Line, Polygon, Rect, Scene, Shape, Text, dots
from marl_envs.render.theme import DARK, LIGHT, color, get_theme, mix

WHITE, BLACK, RED, BLUE = color("#ffffff"), color("#000000"), color("#d00000"), color("#0000d0")


def make_scene(*shapes: Shape, background: tuple[Shape, ...] = (), values: tuple[tuple[str, str], ...] = ()) -> Scene:
    """A floor of 4 x 4 cells on a white page."""
    return Scene(4, 4, WHITE, BLACK, BLACK, background, shapes, values)


def colors_in(image: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in image.reshape(-1, 3).tolist()}


def test_importing_the_renderer_does_not_import_pygame():
    code = "import sys, marl_envs.render, marl_envs.warehouse.render; sys.exit('pygame' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("size", [(640, 480), (97, 211), (64, 64)])
def test_a_picture_has_the_size_asked_for(size):
    image = Canvas(size).draw(make_scene(Rect(0, 0, 4, 4, RED)))
    assert image.shape == (size[1], size[0], 3)
    assert image.dtype == np.uint8


def test_drawing_opens_no_display():
    pygame.display.quit()
    Canvas().draw(make_scene(Text(2, 2, "7", 1, BLACK)))
    assert not pygame.display.get_init()


def test_colours_arrive_as_red_green_blue():
    image = Canvas((100, 100)).draw(make_scene(background=(Rect(0, 0, 4, 4, color("#102030")),)))
    assert image[60, 50].tolist() == [0x10, 0x20, 0x30]
    assert image[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    "shape",
    [
        Rect(1, 1, 2, 2, RED),
        Rect(1, 1, 2, 2, RED, 0.4, BLUE, 0.2),
        Circle(2, 2, 1, RED),
        Circle(2, 2, 1, RED, BLUE, 0.2),
        Polygon(((1, 1), (3, 1), (2, 3)), RED),
        Line((1, 1.6), (3, 2.4), 1.0, RED),
    ],
)
def test_every_shape_is_where_it_should_be(shape):
    canvas = Canvas((100, 120))
    image = canvas.draw(make_scene(shape))
    book = canvas._sprites
    assert image[round(book.top + 2 * book.scale), round(book.left + 2 * book.scale)].tolist() == [0xD0, 0, 0]
    rows, columns = np.nonzero((image != 255).any(axis=2))
    assert rows.min() >= book.top + 1 * book.scale - 1
    assert rows.max() <= book.top + 3 * book.scale + 1
    assert columns.min() >= book.left + 0.5 * book.scale - 1
    assert columns.max() <= book.left + 3.5 * book.scale + 1


def test_edges_are_smooth_and_not_darkened():
    image = Canvas((200, 200)).draw(make_scene(Circle(2, 2, 1.5, RED)))
    between = colors_in(image) - {(255, 255, 255), (0xD0, 0, 0)}
    assert len(between) > 5
    assert all(red >= 0xD0 - 2 for red, _, _ in between)  # a mixture of white and red is never darker than the red


def test_opacity_mixes_with_what_lies_below():
    half = color("#000000", 0.5)
    image = Canvas((100, 100)).draw(make_scene(Rect(0, 0, 4, 4, half, 0.1)))
    assert image[60, 50].tolist() == pytest.approx([127, 127, 127], abs=3)


def test_same_scene_same_bytes_whatever_was_drawn_before():
    scene = make_scene(Circle(1.3, 2.2, 0.4, RED), Text(2, 2, "12", 0.8, BLACK), values=(("step", "3"),))
    other = make_scene(Circle(3, 3, 0.4, BLUE), background=(Rect(0, 0, 4, 4, RED),))
    canvas = Canvas((160, 160))
    first = canvas.draw(scene)
    assert canvas.draw(other).tobytes() != first.tobytes()
    assert canvas.draw(scene).tobytes() == first.tobytes()
    assert Canvas((160, 160)).draw(scene).tobytes() == first.tobytes()


def test_another_page_colour_is_noticed():
    canvas = Canvas((100, 100))
    canvas.draw(make_scene())
    assert (canvas.draw(replace(make_scene(), page=BLUE)) == BLUE[:3]).all()


def test_a_scene_of_another_size_is_fitted_anew():
    canvas = Canvas((160, 160))
    canvas.draw(make_scene())
    wide = Scene(8, 2, WHITE, BLACK, BLACK, (Rect(0, 0, 8, 2, RED),), ())
    rows, columns = np.nonzero((canvas.draw(wide) == [0xD0, 0, 0]).all(axis=2))
    assert np.ptp(columns) + 1 == 4 * (np.ptp(rows) + 1)


def test_the_caller_may_write_into_its_picture():
    canvas, scene = Canvas((100, 100)), make_scene(Circle(2, 2, 1, RED))
    first = canvas.draw(scene)
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(canvas.draw(scene), kept)


def test_values_are_written_and_fit_into_a_narrow_picture():
    scene = make_scene(values=(("a long label", "123456"), ("another label", "98765")))
    image = Canvas((160, 160)).draw(scene)
    assert (image[:22] != 255).any()
    assert (image[:, -4:] == 255).all()


def test_unreadable_text_is_left_out():
    text = make_scene(Text(2, 2, "7", 0.3, BLACK))
    assert (Canvas((64, 64)).draw(text) == 255).all()
    assert (Canvas((640, 640)).draw(text) != 255).any()


def test_drawing_survives_pygame_quit_by_somebody_else():
    canvas, scene = Canvas(), make_scene(Text(2, 2, "7", 1, BLACK), values=(("step", "3"),))
    before = canvas.draw(scene)
    pygame.quit()
    assert np.array_equal(canvas.draw(scene), before)


def test_a_canvas_that_has_drawn_can_be_pickled():
    scene = make_scene(Circle(2, 2, 1, RED), values=(("step", "3"),))
    canvas = Canvas((100, 100))
    image = canvas.draw(scene)
    assert np.array_equal(pickle.loads(pickle.dumps(canvas)).draw(scene), image)


@pytest.mark.parametrize("size", [(63, 480), (640, 8193), (640,), 640, (640.5, 480), "big", None, (np.nan, 480)])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ValueError, match="render size must be two integers"):
        Canvas(size)


@pytest.mark.parametrize(("width", "height"), [(10, 11), (5, 5), (33, 32), (1000, 3)])
def test_the_fitted_size_is_even_and_bounded(width, height):
    size = fitted_size(width, height)
    assert all(side % 2 == 0 and side >= 192 for side in size)
    assert max(size) <= max(640, width + 64)


def test_dots_keep_away_from_both_ends():
    xs = [dot.x for dot in dots((0, 0), (4, 0), gap=0.5, radius=0.1, fill=RED, trim=0.75)]
    assert xs == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert list(dots((1, 1), (1, 1), 0.5, 0.1, RED)) == []


def test_themes_are_found_by_name():
    assert get_theme("dark") is DARK
    assert get_theme(LIGHT) is LIGHT
    with pytest.raises(ValueError, match="theme must be one of dark, light, not 'pink'"):
        get_theme("pink")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_what_matters_differs_in_brightness_too(theme):
    def brightness(c):
        return 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]

    assert abs(brightness(theme.wanted) - brightness(theme.object)) > 25
    assert abs(brightness(theme.agent) - brightness(theme.wanted)) > 15
    assert abs(brightness(theme.agent) - brightness(theme.agent_ink)) > 100
    assert mix(BLACK, WHITE, 0.5)[:3] == (128, 128, 128)
