"""What the viewer's panels say, as lines of text; how they look is in `panels`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.render.scene import Artist
from marl_envs.render.viewer.keys import COMMANDS, shown
from marl_envs.render.viewer.source import Details, Source

NUMBERS, ROWS = 8, 9  # of an observation: in a line, and lines
TERMS = 10  # of a reward: above this many, those that are 0 are left out


class Row(NamedTuple):
    """A line of a panel: `label` on the left, `text` after it; `bar` in [-1, 1] is drawn, `strong` stands out."""

    label: str
    text: str = ""
    bar: float | None = None
    strong: bool = False
    faint: bool = False


def agent_rows(details: Details, artist: Artist) -> list[Row]:
    """Return what is known of an agent."""
    rows = [Row(details.name, "driven by the keyboard" if details.driven else "", strong=True)]
    if details.action is not None:
        rows.append(Row("did", _did(details, artist)))
    if details.reward is not None:
        earned = "" if details.earned is None else f", {_signed(details.earned)} in all"
        rows.append(Row("reward", f"{_signed(details.reward)}{earned}"))
        rows += _terms(details.terms)
    if details.mask is not None or details.values is not None:
        rows += [Row(""), *_actions(details, artist)]
    if details.observation is not None:
        rows += [Row(""), *_observation(details.observation)]
    return rows


def _terms(terms: Sequence[tuple[str, float]]) -> Iterator[Row]:
    """Yield a line for each term of the reward; of many terms only for those that are not 0."""
    shown = [(name, value) for name, value in terms if value or len(terms) <= TERMS]
    yield from (Row(f"  {name}", _signed(value), faint=not value) for name, value in shown)
    if len(shown) < len(terms):
        yield Row(f"  {len(terms) - len(shown)} other terms", "0", faint=True)


def _signed(value: float) -> str:
    return f"{value:+.3g}" if value else "0"


def action_name(artist: Artist, action: int) -> str:
    """Return the name of an action."""
    return artist.actions[action] if 0 <= action < len(artist.actions) else f"action {action}"


def _did(details: Details, artist: Artist) -> str:
    assert details.action is not None
    return f"{details.action:+.2f}" if details.number else action_name(artist, int(details.action))


def _actions(details: Details, artist: Artist) -> Iterator[Row]:
    """Yield a line for each action: its number (the key that takes it), whether it is allowed, what it promises."""
    mask, values = details.mask, details.values
    count = len(mask) if mask is not None else len(values) if values is not None else 0
    known = np.zeros(0) if values is None else values[np.isfinite(values)]
    scale = float(np.abs(known).max()) if len(known) else 0.0
    best = int(np.nanargmax(values)) if values is not None and len(known) else -1
    yield Row("actions", "" if values is None else "and what each promises", faint=True)
    for k in range(count):
        allowed = mask is None or bool(mask[k])
        value = None if values is None or not np.isfinite(values[k]) else float(values[k])
        bar = None if value is None else value / scale if scale else 0.0
        said = "" if value is None else f"{value:.3g}"
        key = str((k + 1) % 10) if k < 10 else " "
        row = f"{key} {action_name(artist, k)}"
        yield Row(row, said if allowed else f"{said} not allowed".strip(), bar, k == best, not allowed)


def _observation(seen: NDArray[Any]) -> Iterator[Row]:
    """Yield the numbers of an observation, the first of many."""
    if seen.ndim == 0:
        yield Row("observation", str(int(seen)))
        return
    shape = " x ".join(map(str, seen.shape))
    yield Row("observation", f"{shape}, in [{seen.min():.3g}, {seen.max():.3g}]")
    flat = seen.ravel()
    for start in range(0, min(len(flat), NUMBERS * ROWS), NUMBERS):
        yield Row("", "  ".join(_short(value) for value in flat[start : start + NUMBERS].tolist()), faint=True)
    if len(flat) > NUMBERS * ROWS:
        yield Row("", f"and {len(flat) - NUMBERS * ROWS} more", faint=True)


def _short(value: float) -> str:
    """Return a number in at most five characters."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def help_rows(source: Source, overlays: Sequence[str]) -> list[Row]:
    """Return the keys that do something here, and what."""
    rows = [Row("Keys", strong=True)]
    for command in COMMANDS:
        able = not command.needs or command.needs in source.can
        able = able and (command.name != "overlay" or command.with_ in overlays)
        if able:
            rows.append(Row("  ".join(shown(key) for key in command.keys), command.says))
    return rows
