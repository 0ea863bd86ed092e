"""Environments that need files of other people: found below the folder MARL_ENVS_DATA, or left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchmarks.config import Environment, Files, Suite, Sweep, files_of
from benchmarks.errors import InputError

VARIABLE = "MARL_ENVS_DATA"


def with_data(suite: Suite, path: Path) -> tuple[Suite, list[str]]:
    """Return the suite with the paths of its files as parameters, and a sentence for each environment left out.

    An environment whose file is absent is left out, of sweeps, too (and sweeps with fewer than two environments left).

    Raises:
        InputError: MARL_ENVS_DATA names no folder, or no environment is left.
    """
    folder = _folder()
    missing: dict[str, str] = {}
    kept: dict[str, Environment] = {}
    for name, environment in suite.environments.items():
        named = [
            file for files in (environment.data, environment.train_data) for p in files for file in files_of(files, p)
        ]
        absent = [file for file in named if folder is None or not (folder / file).is_file()]
        if absent:
            where = f"{VARIABLE} is not set" if folder is None else f"below {VARIABLE}"
            missing[name] = f"{name} is left out: no file {absent[0]} ({where})."
        else:
            params = _filled(environment.params, environment.data, folder or Path())
            train_on = _filled(environment.train_on, environment.train_data, folder or Path())
            changed = {"params": params, "train_on": train_on, "data": {}, "train_data": {}}
            kept[name] = environment.model_copy(update=changed)
    if not kept:
        raise InputError(f"{path}: no environment can run: {' '.join(missing.values())}")
    notes = list(missing.values())
    changes = {
        "environments": kept,
        "sweeps": _trimmed(suite.sweeps, kept),
        "description": " ".join([suite.description.strip(), *notes]),  # so the report says it, too
    }
    return suite.model_copy(update=changes), notes


def _filled(params: dict[str, Any], files: Files, folder: Path) -> dict[str, Any]:
    """Return the parameters with the paths of the files, behind the values that are there already."""
    found = dict(params)
    for parameter, named in files.items():
        if isinstance(named, str) and parameter not in params:
            found[parameter] = str(folder / named)
        else:
            own = params.get(parameter, [])
            first = list(own) if isinstance(own, list) else [own]
            found[parameter] = first + [str(folder / file) for file in files_of(files, parameter)]
    return found


def _folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    if not Path(named).is_dir():
        raise InputError(f"{VARIABLE} names {named!r}, which is not a folder")
    return Path(named).resolve()


def _trimmed(sweeps: dict[str, Sweep], kept: dict[str, Environment]) -> dict[str, Sweep]:
    left = {title: [name for name in sweep.environments if name in kept] for title, sweep in sweeps.items()}
    return {
        title: sweep.model_copy(update={"environments": left[title]})
        for title, sweep in sweeps.items()
        if len(left[title]) > 1
    }
