"""What is seen of a source, and the commands that change it. No window is needed: `draw` returns a surface."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from marl_envs.render.canvas import checked_size
from marl_envs.render.pygame_loader import load_pygame
from marl_envs.render.scene import artist_of
from marl_envs.render.theme import DARK, LIGHT, Theme
from marl_envs.render.viewer.eye import Eye
from marl_envs.render.viewer.keeping import Keeper
from marl_envs.render.viewer.keys import BY_KEY
from marl_envs.render.viewer.pace import Pace
from marl_envs.render.viewer.panels import Pen, draw_bar, draw_panel
from marl_envs.render.viewer.source import Source
from marl_envs.render.viewer.text import Row, agent_rows, help_rows

LETTERS = 18  # [pixels]
STEP, ZOOM = 60, 1.25  # [pixels] of a look aside, and how much closer one key press goes
LONG = 4.0  # [s] that a message stays
BUSY = 0.03  # [s] of steps before the next picture


class Viewer:
    """Shows `source` at `size` = (width, height) pixels.

    Args:
        source: what is played.
        size: of the picture; `resize` changes it.
        theme: "light", "dark" or a Theme.
        fps: steps a second at speed 1.
        folder: where pictures and recordings are written.
        letters: height of the panels' letters [pixels].

    Raises:
        ValueError: for a size or a theme that does not exist.
    """

    def __init__(
        self,
        source: Source,
        size: tuple[int, int] = (960, 720),
        theme: str | Theme = "light",
        fps: float = 10.0,
        folder: str | Path = ".",
        letters: int = LETTERS,
    ) -> None:
        self._pen = Pen(letters)
        self.source, self.eye = source, Eye(source, checked_size(size), theme)
        self.resize(*size)
        self.pace, self.keeper = Pace(fps), Keeper(Path(folder), source.title)
        self.running, self.helping, self.closed = True, False, False
        self._message, self._until = "", 0.0
        self._held: str | None = None  # the key that drives
        self._surface: Any = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of all that is drawn [pixels]."""
        return self.eye.size[0], self.eye.size[1] + self._pen.bar

    def resize(self, width: int, height: int) -> None:
        """Go on with another size, within what can be drawn."""
        self.eye.resize(width, height - self._pen.bar)

    # What keys, mouse and window ask for

    def press(self, key: str) -> None:
        """Do what a key (see `keys.py`) asks for, or let it drive the driven agent."""
        if (action := self.source.controls.get(key)) is not None:
            self._held = key
            self.source.steer(action)
            if not self.running:
                self.forward()
            return
        command = BY_KEY.get(key)
        if command is None:
            return
        if command.needs and command.needs not in self.source.can:
            self.say(f"{command.says}: not possible here")
            return
        method = getattr(self, command.name)
        method() if command.with_ is None else method(command.with_)

    def release(self, key: str) -> None:
        """Let the driven agent rest again."""
        if key == self._held:
            self._held = None
            self.source.steer(None)

    def click(self, x: int, y: int) -> None:
        """Choose the agent at a pixel, or none."""
        self.choose(self.eye.agent_at(x, y))

    def scroll(self, up: int, at: tuple[int, int]) -> None:
        """Zoom around a pixel."""
        self.eye.camera.zoom_by(ZOOM**up, self.eye.size, at)

    def drag(self, dx: int, dy: int) -> None:
        """Move the picture."""
        self.eye.following = False
        self.eye.camera.pan(dx, dy, self.eye.size)

    # Commands: their names are in keys.py

    def pause(self) -> None:
        """Pause, or go on."""
        self.running = not self.running
        self.pace.reset()

    def forward(self) -> None:
        """Go one step on, and stop there."""
        self.running = False
        if not self._step():
            self.say("the episode is over" if self.source.over else "a key drives: waiting for it")

    def back(self) -> None:
        """Go one step back, and stop there."""
        self.running = False
        self.source.back()

    def slower(self) -> None:
        """Lower the speed."""
        self.pace.change(-1)

    def faster(self) -> None:
        """Raise the speed."""
        self.pace.change(1)

    def restart(self) -> None:
        """Play the episode from its beginning."""
        self._end_recording()
        self.source.restart()
        self.pace.reset()

    def reseed(self, by: int) -> None:
        """Play the episode of another seed."""
        self._end_recording()
        self.source.reseed(by)
        self.pace.reset()
        self.keeper = Keeper(self.keeper.folder, self.source.title)

    def zoom(self, by: int) -> None:
        """Go closer, or further away."""
        self.eye.camera.zoom_by(ZOOM**by, self.eye.size)

    def fit(self) -> None:
        """See everything."""
        self.eye.following = False
        self.eye.camera.fit()

    def pan(self, way: str) -> None:
        """Look aside."""
        dx, dy = {"left": (STEP, 0), "right": (-STEP, 0), "up": (0, STEP), "down": (0, -STEP)}[way]
        self.drag(dx, dy)

    def choose_next(self, by: int) -> None:
        """Choose the agent that follows."""
        if not self.source.agents:
            self.say("nothing is known of the agents")
            return
        first = -1 if by > 0 else 0
        self.choose(((first if self.eye.chosen is None else self.eye.chosen) + by) % len(self.source.agents))

    def choose(self, agent: int | None = None) -> None:
        """Choose an agent, or none; another one is then no longer driven."""
        if agent != self.source.driver:
            self.source.drive(None)
        self.eye.chosen = agent

    def follow(self) -> None:
        """Keep the chosen agent in the middle, or no longer."""
        eye = self.eye
        eye.following = not eye.following and eye.chosen is not None
        if eye.following and eye.camera.zoom == 1.0:
            eye.camera.zoom_by(2.0, eye.size)

    def drive(self) -> None:
        """Let the keyboard drive the chosen agent, or no longer."""
        agent = self.eye.chosen if self.eye.chosen is not None else 0
        self.source.drive(None if self.source.driver == agent else agent)
        self.eye.chosen = agent
        driven = self.source.driver is not None
        self.say(f"you drive {self.source.agents[agent]}; t: no longer" if driven else "nobody drives")

    def overlay(self, name: str) -> None:
        """Show an overlay, or no longer."""
        if said := self.eye.toggle(name):
            self.say(said)

    def toggle_theme(self) -> None:
        """Go from light to dark, or back."""
        self.eye.theme = LIGHT if self.eye.theme == DARK else DARK

    def screenshot(self) -> None:
        """Write a picture of what is shown."""
        self._try(lambda: f"wrote {self.keeper.screenshot(self.draw())}")

    def record(self) -> None:
        """Begin a GIF, or end and write it."""
        if self.keeper.recording:
            self._end_recording()
        else:
            self._try(self.keeper.start)

    def keep(self) -> None:
        """Write the episode so far as a trajectory."""

        def write() -> str:
            path = self.keeper.path(".npz")
            self.source.trajectory().save(path)
            return f"wrote {path}"

        self._try(write)

    def help(self) -> None:
        """Show all keys, or no longer."""
        self.helping = not self.helping

    def close(self) -> None:
        """Stop, and write what is being recorded; any further call does nothing."""
        if not self.closed:
            self.closed = True
            self._end_recording()

    def say(self, text: str) -> None:
        """Show a message for a while."""
        self._message, self._until = text, time.monotonic() + LONG

    def _try(self, action: Any) -> None:
        """Do something with files; say what came of it."""
        try:
            self.say(action())
        except (OSError, ValueError, ImportError) as error:
            self.say(f"{error}")

    def _end_recording(self) -> None:
        if self.keeper.recording:
            rate = self.pace.rate * min(self.pace.speed, 2.0)
            self._try(lambda: self.keeper.stop(rate))

    # Time and pictures

    def tick(self, seconds: float) -> None:
        """Let time go by: play the steps that are due, as many as there is time for."""
        if not self.running:
            return
        self.pace.pass_time(seconds)
        begun = time.perf_counter()
        while self.pace.take():
            if not self._step():
                self.running = not self.source.over
                self.pace.drop()
                return
            if time.perf_counter() - begun > BUSY:
                self.pace.drop()
                return

    def _step(self) -> bool:
        """Go one step on, and record what is then seen; return whether there was one."""
        if not self.source.forward():
            return False
        if self.keeper.recording and not self.keeper.add(self.eye.picture()):
            self._end_recording()
        return True

    def draw(self) -> Any:
        """Return the surface that shows everything; the next call draws over it."""
        moves = self.running and not self.source.over and self.pace.speed <= 2.0
        picture, theme = self.eye.picture(self.pace.share if moves else 1.0), self.eye.theme
        if self._surface is None or self._surface.get_size() != self.size:
            self._surface = load_pygame().Surface(self.size, 0, 32)
        self._surface.blit(picture, (0, 0))
        if self.eye.chosen is not None and self.eye.chosen < len(self.source.agents):
            chosen = self.eye.chosen
            rows = agent_rows(self.source.details(chosen), artist_of(self.source.artist, chosen))
            draw_panel(self._surface, self._pen, rows, theme, "right")
        if self.helping:
            draw_panel(self._surface, self._pen, self._help(), theme, "middle")
        draw_bar(self._surface, self._pen, self._status(), "?: keys", theme)
        return self._surface

    def _help(self) -> list[Row]:
        return help_rows(self.source, list(self.source.artist.overlays))

    def _status(self) -> str:
        """Return the line at the bottom: the message, or what is played and how."""
        if time.monotonic() < self._until:
            return self._message
        state = "over" if self.source.over else "playing" if self.running else "paused"
        more = [f"{self.pace.speed:g}x", f"step {self.source.at}"]
        more += [self.eye.overlays_shown()] if self.eye.overlays else []
        more += ["RECORDING"] if self.keeper.recording else []
        return "   ".join([self.source.title, state, *more])
