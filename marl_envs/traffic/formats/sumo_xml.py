"""SUMO's XML files as elements that know their line, so that every message can say where."""

from __future__ import annotations

import gzip
import math
import xml.sax
import xml.sax.handler
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marl_envs.core.params import ParameterError


@dataclass(slots=True)
class Element:
    """One element of a file."""

    path: str
    line: int
    tag: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)

    def __str__(self) -> str:
        """Return where it is, for messages."""
        name = f" {self.attributes['id']!r}" if "id" in self.attributes else ""
        return f"{self.path}, line {self.line}: <{self.tag}>{name}"

    def text(self, name: str) -> str:
        """Return an attribute.

        Raises:
            ParameterError: it is missing.
        """
        if name not in self.attributes:
            raise ParameterError(f"{self}: the attribute {name!r} is missing")
        return self.attributes[name]

    def number(self, name: str, default: float | None = None, low: float = 0.0) -> float:
        """Return an attribute as a finite number of at least `low`; `default` where it is missing.

        Raises:
            ParameterError: it is missing and has no default, or is no such number.
        """
        if default is not None and name not in self.attributes:
            return default
        return self._checked(name, _float_or_nan(self.text(name)), low)

    def time(self, name: str, default: float | None = None) -> float:
        """Return an attribute that is a time [s]: seconds, or [days:]hours:minutes:seconds."""
        if default is not None and name not in self.attributes:
            return default
        if ":" not in self.text(name):
            return self.number(name)
        parts = [_float_or_nan(part) for part in self.attributes[name].split(":")]
        seconds = math.nan if len(parts) not in (3, 4) else 0.0
        for part, unit in zip(parts[::-1], (1.0, 60.0, 3600.0, 86400.0), strict=False):
            seconds += part * unit
        return self._checked(name, seconds, 0.0)

    def _checked(self, name: str, value: float, low: float) -> float:
        if not low <= value < math.inf:
            wanted = f"a finite number of at least {low:g}"
            raise ParameterError(f"{self}: {name} must be {wanted}, not {self.attributes[name]!r}")
        return value


def _float_or_nan(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


class _Tree(xml.sax.handler.ContentHandler):
    """Builds the elements."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.root: Element | None = None
        self._open: list[Element] = []

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 (the interface's name)
        element = Element(self.path, self._locator.getLineNumber() or 0, name, dict(attrs.items()))  # type: ignore[attr-defined]
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def endElement(self, name: str) -> None:  # noqa: N802 (the interface's name)
        self._open.pop()


def parse_with(handler: xml.sax.handler.ContentHandler, path: str | Path) -> None:
    """Let `handler` read a file, packed with gzip or not.

    Raises:
        ParameterError: it cannot be read, or is not XML (with the line).
    """
    try:
        with gzip.open(path) if str(path).endswith(".gz") else open(path, "rb") as file:
            xml.sax.parse(file, handler)
    except xml.sax.SAXParseException as error:
        where = f"{path}, line {error.getLineNumber()}, column {error.getColumnNumber()}"
        raise ParameterError(f"{where}: not XML: {error.getMessage()}") from None
    except (OSError, EOFError) as error:
        raise ParameterError(f"{path}: cannot be read: {error}") from None


def read_xml(path: str | Path, *roots: str) -> Element:
    """Return the root element of a file, which must have one of the names `roots`.

    Raises:
        ParameterError: the file cannot be read, is not XML, or has another root.
    """
    tree = _Tree(str(path))
    parse_with(tree, path)
    assert tree.root is not None  # or the parser had raised
    if tree.root.tag not in roots:
        raise ParameterError(f"{tree.root}: the file's root must be {' or '.join(f'<{name}>' for name in roots)}")
    return tree.root
