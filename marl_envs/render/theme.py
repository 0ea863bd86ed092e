"""Colours that people with any kind of colour vision can tell apart, for light and for dark pages.

The strong colours are those of Okabe and Ito (2008); meaning is never carried by hue alone: what matters also
differs in brightness and in shape.
"""

from __future__ import annotations

from dataclasses import dataclass

Color = tuple[int, int, int, int]  # red, green, blue, opacity, each 0..255


def color(code: str, opacity: float = 1.0) -> Color:
    """Return the colour of `code` ("#rrggbb") with an `opacity` in [0, 1]."""
    red, green, blue = (int(code[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue, round(255 * opacity)


def mix(a: Color, b: Color, share: float) -> Color:
    """Return the colour that lies `share` (0 to 1) of the way from `a` to `b`."""
    red, green, blue, opacity = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue, opacity


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture, by what they stand for."""

    name: str
    page: Color  # behind everything
    floor: Color  # where agents may go
    line: Color  # grid lines and quiet outlines
    ink: Color  # text
    faint: Color  # labels, marks of what is absent
    object: Color  # things that stand around
    object_edge: Color
    wanted: Color  # things somebody has asked for
    wanted_edge: Color
    goal: Color
    goal_edge: Color
    agent: Color
    agent_edge: Color
    agent_ink: Color  # text and marks on an agent
    shadow: Color


LIGHT = Theme(
    name="light",
    page=color("#ffffff"),
    floor=color("#f2f4f7"),
    line=color("#e2e6ec"),
    ink=color("#1d2733"),
    faint=color("#7b8794"),
    object=color("#c3ccd8"),
    object_edge=color("#96a3b3"),
    wanted=color("#f0a30a"),
    wanted_edge=color("#b87503"),
    goal=color("#009e73"),
    goal_edge=color("#00785a"),
    agent=color("#0b5c9e"),
    agent_edge=color("#083f6e"),
    agent_ink=color("#ffffff"),
    shadow=color("#0b1a2b", 0.20),
)

DARK = Theme(
    name="dark",
    page=color("#10161d"),
    floor=color("#1a222c"),
    line=color("#26313d"),
    ink=color("#e8edf3"),
    faint=color("#8b98a7"),
    object=color("#4a5868"),
    object_edge=color("#65778b"),
    wanted=color("#f2ae2b"),
    wanted_edge=color("#ffd27a"),
    goal=color("#14b88a"),
    goal_edge=color("#5ce0bb"),
    agent=color("#56b4e9"),
    agent_edge=color("#a5dafa"),
    agent_ink=color("#0b1a2b"),
    shadow=color("#000000", 0.45),
)

THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


def get_theme(theme: str | Theme) -> Theme:
    """Return the theme of that name (or the theme itself); raise ValueError for an unknown name."""
    if isinstance(theme, Theme):
        return theme
    if theme not in THEMES:
        raise ValueError(f"theme must be one of {', '.join(sorted(THEMES))}, not {theme!r}")
    return THEMES[theme]
