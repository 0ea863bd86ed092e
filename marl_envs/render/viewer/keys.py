"""All keys of the viewer: one table, from which the help is made too."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """What a key does."""

    name: str  # of the method of Viewer
    keys: tuple[str, ...]  # as `key_name` has them
    says: str
    needs: str = ""  # what the source must be able to do
    with_: int | str | None = None  # what the method is given


COMMANDS = (
    Command("pause", ("space",), "pause, go on"),
    Command("forward", ("right", "."), "one step"),
    Command("back", ("left", ","), "one step back", "back"),
    Command("slower", ("[", "down"), "slower, to 0.1x"),
    Command("faster", ("]", "up"), "faster, to 100x"),
    Command("restart", ("r", "home"), "this episode again", "restart"),
    Command("reseed", ("n",), "next seed", "reseed", 1),
    Command("reseed", ("shift+n",), "seed before", "reseed", -1),
    Command("zoom", ("+", "="), "closer (or the wheel)", "", 1),
    Command("zoom", ("-",), "further away", "", -1),
    Command("fit", ("0", "f2"), "see everything"),
    Command("pan", ("shift+left",), "look further left (or drag)", "", "left"),
    Command("pan", ("shift+right",), "look further right", "", "right"),
    Command("pan", ("shift+up",), "look further up", "", "up"),
    Command("pan", ("shift+down",), "look further down", "", "down"),
    Command("choose_next", ("tab",), "next agent (or click one)", "", 1),
    Command("choose_next", ("shift+tab",), "agent before", "", -1),
    Command("choose", ("escape",), "no agent"),
    Command("follow", ("f",), "follow the agent"),
    Command("drive", ("t",), "drive the agent by arrows, digits, return", "drive"),
    Command("overlay", ("p",), "paths and goals", "", "paths"),
    Command("overlay", ("w",), "who waits for whom", "", "waits"),
    Command("overlay", ("h",), "heat: where it is crowded", "", "heat"),
    Command("overlay", ("c",), "conflicts", "", "conflicts"),
    Command("overlay", ("m",), "times to collision", "", "ttc"),
    Command("overlay", ("g",), "what promises most", "", "greedy"),
    Command("toggle_theme", ("b",), "bright or dark"),
    Command("screenshot", ("s",), "picture of this moment"),
    Command("record", ("v",), "start a GIF, end it"),
    Command("keep", ("k",), "keep the episode as a file", "keep"),
    Command("help", ("?", "f1"), "these keys"),
    Command("close", ("q",), "close"),
)
BY_KEY = {key: command for command in COMMANDS for key in command.keys}


def shown(key: str) -> str:
    """Return a key as the help writes it."""
    return " ".join(part if len(part) == 1 else part.capitalize() for part in key.split("+") if part) or key
