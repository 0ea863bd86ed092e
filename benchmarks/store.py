"""Run folders: written beside their place and renamed when complete, with checksums, so that damage is seen."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.errors import RunError

if TYPE_CHECKING:
    import polars as pl

DONE = "DONE"
PART = ".part"  # suffix of a run folder that is being written
CHECKPOINT = "checkpoint.npz"  # of what has learned
TRAINING = "training.npz"  # a learner's checkpoint while it trains, inside a .part folder
REPLAY = "replay.npz"  # one episode's trajectory
RUNNING = "running"  # folder of a file for every job that runs now: how much of its training is done
BOARD = "tensorboard"  # folder in which jobs log their trainings, if it exists
EPISODE_COLUMNS = ("run", "seed", "env", "algo", "phase", "step", "episode", "agent", "metric", "value")

ROW_GROUP = 250_000  # rows of a joined file that are written at a time

_RUN_NAME = re.compile(r"[0-9a-f]{16}")


@dataclass
class Inventory:
    """What is in `runs/`: finished keys, and what was wrong (path -> why) and has been removed."""

    done: set[str] = field(default_factory=set)
    resumable: set[str] = field(default_factory=set)
    removed: dict[Path, str] = field(default_factory=dict)


def take_stock(out: Path, wanted: set[str]) -> Inventory:
    """Look at every wanted run folder under `out`; remove what is half written or damaged."""
    stock = Inventory()
    for folder in sorted(path for path in (out / "runs").glob("*") if path.is_dir()):
        key = folder.name.removesuffix(PART)
        if key not in wanted or not _RUN_NAME.fullmatch(key):
            continue  # an older version's run, or not ours: left alone
        problem = "half written" if folder.name.endswith(PART) else check(folder)
        if problem == "half written" and (folder / TRAINING).is_file():
            stock.resumable.add(key)
        elif problem:
            shutil.rmtree(folder)
            stock.removed[folder] = problem
        else:
            stock.done.add(key)
    return stock


def check(folder: Path) -> str | None:
    """Return what is wrong with a finished run folder, or None; every file is compared with its checksum."""
    try:
        files = dict(json.loads((folder / DONE).read_text())["files"])
    except FileNotFoundError:
        return "half written"
    except (ValueError, KeyError, TypeError):
        return f"{DONE} is damaged"
    for name, digest in files.items():
        if not (folder / name).is_file():
            return f"{name} is missing"
        if _digest(folder / name) != digest:
            return f"{name} is damaged (its checksum differs)"
    return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def part_folder(out: Path, key: str) -> Path:
    """Return (and make) the folder in which the run `key` is written before it is complete."""
    folder = out / "runs" / f"{key}{PART}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def commit(part: Path, facts: dict[str, Any]) -> Path:
    """Write DONE (checksums and `facts`, such as timings) and rename `part` to its final name in one step.

    If another attempt at the same job, whose worker was thought dead, has come first, its folder stays.
    """
    files = {path.name: _digest(path) for path in sorted(part.iterdir()) if path.name != DONE}
    (part / DONE).write_text(json.dumps({"files": files, **facts}, indent=1))
    final = part.with_name(part.name.removesuffix(PART))
    try:
        os.replace(part, final)
    except OSError:
        if not final.is_dir() or check(final) is not None:
            raise
        shutil.rmtree(part)
    return final


def run_folder(out: Path, key: str) -> Path:
    """Return the folder of a finished run."""
    return out / "runs" / key


def facts(folder: Path) -> dict[str, Any]:
    """Return what DONE says about the run (timings)."""
    done: dict[str, Any] = json.loads((folder / DONE).read_text())
    return done


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write; rename it to `path` if all went well, else remove it.

    Raises:
        RunError: the disk is full or the file cannot be written; says which file, and that runs are kept.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def disk_error(error: OSError, path: Path) -> RunError:
    """Return the error to show when `path` cannot be written."""
    why = error.strerror or str(error)
    return RunError(f"cannot write {path}: {why}; finished runs are kept, the same command continues")


def write_rows(path: Path, rows: list[tuple[Any, ...]]) -> None:
    """Write long-format rows (EPISODE_COLUMNS) as parquet."""
    import polars as pl

    kinds = (pl.String, pl.Int64, pl.String, pl.String, pl.String, pl.Int64, pl.Int64, pl.String, pl.String, pl.Float64)
    frame = pl.DataFrame(rows, schema=dict(zip(EPISODE_COLUMNS, kinds, strict=True)), orient="row")
    frame.write_parquet(path)


def read_runs(out: Path, keys: list[str], name: str, where: pl.Expr | None = None) -> pl.DataFrame:
    """Return the rows of the file `name` ("episodes.parquet" or "evals.parquet") of several runs, in that order.

    `where`: which rows; the others take no memory.
    """
    rows = _scan(out, keys, name)
    return (rows if where is None else rows.filter(where)).collect()


def join_runs(out: Path, keys: list[str], name: str, path: Path, form: Literal["parquet", "csv"]) -> None:
    """Write the rows of several runs, in that order, to `path`, whatever its name: never all of them in memory.

    Raises:
        RunError: the file cannot be written.
    """
    rows = _scan(out, keys, name)
    with writing(path) as temporary:
        if form == "csv":
            rows.sink_csv(temporary)
        else:
            rows.sink_parquet(temporary, row_group_size=ROW_GROUP)


def _scan(out: Path, keys: list[str], name: str) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_parquet([run_folder(out, key) / name for key in keys])
