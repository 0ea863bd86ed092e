"""The real window, driven by xdotool under Xvfb: keys, clicks, wheel, resize, close. Screenshots stay as artefacts.

They lie in `$MARL_ENVS_ARTEFACTS`, or else in pytest's temporary folder.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs the programs Xvfb and xdotool"
    ),
]

PATIENCE = 120.0  # [s]
ROOT = Path(__file__).parents[3]
LAUNCH = """
import sys
from marl_envs import warehouse_v0
from marl_envs.__main__ import show
from marl_envs.render.viewer import Session
from marl_envs.render.viewer.policies import find_policy
from pathlib import Path

env = warehouse_v0.parallel_env(layout="5x5", num_robots=2, max_cycles=200)
show(Session(env, find_policy("planner", env), 3, name="driven"), (640, 560), folder=Path(sys.argv[1]))
"""
HUMAN = """
from marl_envs import warehouse_v0
env = warehouse_v0.parallel_env(layout="5x5", num_robots=2, max_cycles=10**6, render_mode="human")
env.reset(seed=0)
steps = 0
while steps < 10**6 and env._painter._window._viewer.closed is False:
    env.step({agent: steps % 5 for agent in env.agents})
    steps += 1
for _ in range(100):  # goes on unseen
    env.step({agent: 1 for agent in env.agents})
env.close()
print("played on", flush=True)
"""


def wait_until(true: Callable[[], object], what: str) -> None:
    """Wait until something is so; fail after PATIENCE seconds."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A virtual screen; yields its name."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x1024x24"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        name = f":{pipe.readline().strip()}"
    yield name
    server.terminate()
    server.wait()


class Driven:
    """A program with a window on a virtual screen."""

    def __init__(self, display: str, code: str, folder: Path) -> None:
        hidden = ("SDL_VIDEODRIVER", "SDL_AUDIODRIVER")
        self.env = {name: value for name, value in os.environ.items() if name not in hidden}
        self.env |= {"DISPLAY": display, "SDL_AUDIODRIVER": "dummy", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], env=self.env, stdout=subprocess.PIPE, text=True
        )
        self.window = ""
        wait_until(self._found, "the window")

    def _found(self) -> bool:
        assert self.process.poll() is None, "the program has ended"
        self.window = self.do("search", "--onlyvisible", "--class", ".", check=False).split("\n")[0]
        return bool(self.window)

    def do(self, *words: str, check: bool = True) -> str:
        """Run xdotool."""
        return subprocess.run(
            ["xdotool", *words], env=self.env, capture_output=True, text=True, check=check
        ).stdout.strip()

    def keys(self, *names: str) -> None:
        """Press keys one after another."""
        for name in names:
            self.do("key", "--window", self.window, name)
            time.sleep(0.2)

    def ends(self) -> str:
        """Wait for the end; return what was printed."""
        assert self.process.wait(PATIENCE) == 0
        assert self.process.stdout is not None
        return self.process.stdout.read()


class Message(ctypes.Structure):
    """Xlib's XClientMessageEvent, with room for any event."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("room", ctypes.c_long * 24),
    )


def ask_to_close(program: Driven) -> None:
    """Do what a desktop does when somebody clicks a window's cross; old versions of xdotool cannot."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype, x11.XInternAtom.restype = ctypes.c_void_p, ctypes.c_ulong
    opened = ctypes.c_void_p(x11.XOpenDisplay(program.env["DISPLAY"].encode()))
    protocols, delete = (x11.XInternAtom(opened, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
    message = Message(type=33, window=int(program.window), message_type=protocols, format=32)
    message.data[0] = delete
    x11.XSendEvent(opened, ctypes.c_ulong(int(program.window)), 0, ctypes.c_long(0), ctypes.byref(message))
    x11.XCloseDisplay(opened)


@contextmanager
def started(display: str, code: str, folder: Path) -> Iterator[Driven]:
    """Start a program; it is ended at last, whatever happens."""
    program = Driven(display, code, folder)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Where the screenshots of a test go."""
    named = os.environ.get("MARL_ENVS_ARTEFACTS")
    if not named:
        return tmp_path
    kept = Path(named) / "window" / request.node.name
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    return kept


@pytest.fixture
def driven(display: str, folder: Path) -> Iterator[Driven]:
    with started(display, LAUNCH, folder) as program:
        yield program


def shot(driven: Driven, folder: Path) -> np.ndarray:
    """Ask the viewer for a screenshot; return its pixels."""
    before = set(folder.glob("*.png"))
    driven.keys("s")
    wait_until(lambda: set(folder.glob("*.png")) - before, "a screenshot")
    (path,) = set(folder.glob("*.png")) - before
    time.sleep(0.3)
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def different(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the pixels that differ, without the line at the bottom."""
    assert one.shape == other.shape
    return float((one[:-24] != other[:-24]).any(axis=2).mean())


def test_keys_mouse_and_size_reach_the_viewer(driven: Driven, folder: Path):
    driven.keys("space")
    first = shot(driven, folder)
    assert first.shape == (560, 640, 3)
    assert different(first, shot(driven, folder)) == 0  # paused
    driven.keys("period", "period", "period")
    assert different(first, shot(driven, folder)) > 0.005
    driven.keys("comma", "comma", "comma")
    assert different(first, shot(driven, folder)) == 0  # and back
    driven.keys("Tab", "p")
    chosen = shot(driven, folder)
    assert different(first, chosen) > 0.05  # the panel
    driven.keys("Escape", "p", "question")
    assert different(first, shot(driven, folder)) > 0.1  # the help
    driven.keys("question", "b")
    assert different(first, shot(driven, folder)) > 0.9  # dark
    driven.keys("b")
    assert different(first, shot(driven, folder)) == 0
    driven.do("mousemove", "--window", driven.window, "300", "300", "click", "4", "click", "4")
    time.sleep(0.5)
    assert different(first, shot(driven, folder)) > 0.1  # closer
    driven.do("mousemove", "--window", driven.window, "300", "300", "mousedown", "1")
    driven.do("mousemove_relative", "--sync", "40", "30", "mousemove_relative", "--sync", "40", "30", "mouseup", "1")
    driven.keys("0")
    assert different(first, shot(driven, folder)) == 0
    driven.do("windowsize", "--sync", driven.window, "900", "500")
    time.sleep(1.0)
    assert shot(driven, folder).shape == (500, 900, 3)
    driven.keys("q")
    driven.ends()


def inside_a_robot(picture: np.ndarray) -> tuple[int, int]:
    """A pixel whose surroundings all have the colour of robots: not one of the dots that lead to their goals."""
    blue = np.abs(picture.astype(int) - (0x0B, 0x5C, 0x9E)).max(axis=2) < 8
    around = np.lib.stride_tricks.sliding_window_view(blue, (9, 9)).all(axis=(2, 3))
    rows, columns = np.nonzero(around)
    return int(columns[0]) + 4, int(rows[0]) + 4


def test_a_click_opens_the_panel_of_the_robot_that_is_there(driven: Driven, folder: Path):
    driven.keys("space")
    first = shot(driven, folder)
    at = inside_a_robot(first)
    driven.do("mousemove", "--window", driven.window, *map(str, at), "click", "1")
    time.sleep(0.5)
    assert different(first, shot(driven, folder)) > 0.05
    driven.do("mousemove", "--window", driven.window, "5", "45", "click", "1")
    time.sleep(0.5)
    assert different(first, shot(driven, folder)) == 0


def test_closing_the_window_in_mid_episode_keeps_the_recording(driven: Driven, folder: Path):
    driven.keys("v")
    time.sleep(3.0)
    assert not list(folder.glob("*.gif"))
    ask_to_close(driven)
    driven.ends()
    (path,) = folder.glob("*.gif")
    with Image.open(path) as gif:
        assert getattr(gif, "n_frames", 1) > 3


def test_an_agent_is_driven_by_the_arrow_keys(driven: Driven, folder: Path):
    driven.keys("space", "Tab", "t")
    before = shot(driven, folder)
    driven.keys("Left")
    turned = shot(driven, folder)
    assert different(before, turned) > 0.001
    driven.keys("Left", "Left", "Left")
    assert different(turned, shot(driven, folder)) > 0.0005  # the panel's numbers, and the others have moved on
    driven.keys("q")
    driven.ends()


def test_an_environment_in_human_mode_plays_on_when_its_window_is_closed(display: str, folder: Path):
    with started(display, HUMAN, folder) as program:
        program.keys("Tab", "p")
        time.sleep(1.0)
        ask_to_close(program)
        assert "played on" in program.ends()
