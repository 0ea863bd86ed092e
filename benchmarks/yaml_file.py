"""YAML files checked by pydantic models; an error is one line that names the file, the line in it and the key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from benchmarks.errors import InputError

M = TypeVar("M", bound=BaseModel)


class _UniqueKeys(yaml.SafeLoader):
    """A loader that refuses a key given twice, where YAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping; raise ConstructorError for a repeated key."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read(path: Path, model: type[M]) -> M:
    """Return what the file holds.

    Raises:
        InputError: it cannot be read or parsed, or has a key or value that is not allowed.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        with located(path):
            raise InputError(f"{path}: {first_error(error)}") from error


def first_error(error: ValidationError) -> str:
    """Return the first problem as `key.inside.key: what is wrong`."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part != "[key]")
    what = first["msg"].removeprefix("Value error, ")
    given = "" if isinstance(first["input"], dict) or "not" in what[:12] else f", not {first['input']!r}"
    return f"{where}: {what}{given}" if where else what


@contextmanager
def located(path: Path) -> Iterator[None]:
    """Add the line to InputErrors of the form `path: key.inside.key: what is wrong`, where the key is in the file."""
    try:
        yield
    except InputError as error:
        message = str(error).removeprefix(f"{path}: ")
        line = line_of(path, message)
        if message == str(error) or line is None:
            raise
        raise InputError(f"{path}: line {line}: {message}") from error


def line_of(path: Path, message: str) -> int | None:
    """Return the line (from 1) of the key that `key.inside.key: what is wrong` is about, or None.

    It is that of the first key in the innermost mapping that the text names, if it names one.
    """
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    where, colon, what = message.partition(": ")
    found, node = _walk(node, where if colon else "")
    for word in re.findall(r"[\w.-]+", what if colon else message):
        for key, _ in _entries(node):
            if key.value == word:
                return int(key.start_mark.line) + 1
    return None if found is None else int(found.start_mark.line) + 1


def _walk(node: Any, where: str) -> tuple[Any, Any]:
    """Return the last key of the dotted path that the file has, and what it holds; other parts are passed over."""
    found = None
    while where:
        fitting = [(key, value) for key, value in _entries(node) if re.match(rf"{re.escape(key.value)}(\W|$)", where)]
        if fitting:
            found, node = max(fitting, key=lambda entry: len(entry[0].value))
            where = where[len(found.value) :].lstrip(".")
        elif isinstance(node, yaml.SequenceNode) and (number := re.match(r"\d+", where)):
            found = node = node.value[int(number[0])]
            where = where[len(number[0]) :].lstrip(".")
        else:
            where = where.partition(".")[2]
    return found, node


def _entries(node: Any) -> list[tuple[Any, Any]]:
    return (
        [(k, v) for k, v in node.value if isinstance(k, yaml.ScalarNode)] if isinstance(node, yaml.MappingNode) else []
    )
