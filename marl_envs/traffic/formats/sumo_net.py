"""sumolib's reader of networks, with errors that say which line of the file is meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marl_envs.core.params import ParameterError
from marl_envs.traffic.formats.sumo_xml import parse_with

_NUMBERS = ("speed", "length", "width", "x", "y", "duration", "offset")


def load(path: str | Path, additional: Sequence[str | Path] = ()) -> Any:
    """Return sumolib's network of a `.net.xml`, with the signal programs of additional files.

    Raises:
        ParameterError: see `sumo.read`.
    """
    import sumolib.net

    class Located(sumolib.net.NetReader):  # type: ignore[misc, unused-ignore]
        """Says where an element is that sumolib cannot make sense of."""

        def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 (the interface's name)
            element = f"{self.file}, line {self._locator.getLineNumber()}: <{name}> {attrs.get('id', '')!r}"
            _check(name, attrs, element)
            try:
                super().startElement(name, attrs)
            except KeyError as error:
                missing = error.args[0] in attrs.values()
                reason = "there is no {} in this file" if missing else "the attribute {} is missing"
                raise ParameterError(f"{element}: {reason.format(error)}") from None
            except IndexError as error:
                if name != "connection":
                    raise ParameterError(f"{element}: cannot be understood: {error}") from None
                lanes = f"fromLane {attrs['fromLane']} of edge {attrs['from']!r} or toLane {attrs['toLane']} of edge"
                raise ParameterError(f"{element}: there is no {lanes} {attrs['to']!r}; lanes count from 0") from None
            except (ValueError, AttributeError, TypeError) as error:
                raise ParameterError(f"{element}: cannot be understood: {error}") from None

        def endElement(self, name: str) -> None:  # noqa: N802 (the interface's name)
            try:
                super().endElement(name)
            except KeyError as error:
                raise ParameterError(f"{self.file}: bidi: there is no edge {error} in this file") from None

        def endDocument(self) -> None:  # noqa: N802 (the interface's name)
            """Leave out what crosses at pedestrian crossings."""

    reader = Located(withInternal=True, withPrograms=True)
    for file in (path, *additional):
        reader.file = str(file)
        parse_with(reader, file)
    net = reader.getNet()
    if not net.getEdges(False):
        raise ParameterError(f"{path}: there are no edges; is it a SUMO network?")
    _check_ends(net, str(path))
    return net


def _check(name: str, attrs: Any, element: str) -> None:
    """Refuse what sumolib reads without a word."""
    if name == "net" and attrs.get("lefthand") in ("true", "1", "x"):
        raise ParameterError(f"{element}: traffic on the left is not supported")
    if name == "net" and "version" not in attrs:
        raise ParameterError(f"{element}: the attribute 'version' is missing")
    if name in ("ROWLogic", "succ", "tl-logic"):
        raise ParameterError(
            f"{element}: networks older than version 0.13 are not supported; convert it with netconvert"
        )
    for key in ("fromLane", "toLane"):
        if key in attrs and not attrs[key].strip().isdecimal():  # -1 would be the last lane
            raise ParameterError(f"{element}: {key} must be an integer of at least 0, not {attrs[key]!r}")
    for key in _NUMBERS:
        if key in attrs and name in ("lane", "junction", "phase", "tlLogic"):
            try:
                good = abs(float(attrs[key])) < 1e9 and (key in ("x", "y", "offset") or float(attrs[key]) >= 0.0)
            except ValueError:
                good = False
            if not good:
                bound = "a finite number" if key in ("x", "y", "offset") else "a number of at least 0"
                raise ParameterError(f"{element}: {key} must be {bound}, not {attrs[key]!r}")


def _check_ends(net: Any, where: str) -> None:
    """Refuse edges without lanes, and those whose junctions the file does not have."""
    for edge in net.getEdges(False):
        for node in (edge.getFromNode(), edge.getToNode()):
            if node is None or node.getType() is None:
                name = node.getID() if node is not None else None
                raise ParameterError(f"{where}: <edge> {edge.getID()!r}: there is no junction {name!r} in this file")
        if not edge.getLanes():
            raise ParameterError(f"{where}: <edge> {edge.getID()!r} has no lanes; at least one is needed")
