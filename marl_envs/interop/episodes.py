"""Coordination metrics of finished episodes, collected inside any library's training loop."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pettingzoo.utils.wrappers import BaseParallelWrapper


class EpisodeLog:
    """A growing table: one row an episode, one column a metric (units and definitions: the family's METRICS).

    Feed it by hand (`add`, `add_batch`), let `watch` a PettingZoo environment, or give it as `log=` to the faces for
    flat vectors (`vec.as_gymnasium(log=log)`, `interop.sb3.VecEnv(vec, log=log)`).
    """

    def __init__(self, path: str | Path | None = None) -> None:
        """Start empty.

        Args:
            path: also append every episode to this CSV file at once. Worker processes that got a copy of the log may
                write to the same file; in memory each has only its own episodes.
        """
        self._path = None if path is None else Path(path)
        self._rows: list[tuple[float, ...]] = []
        self._names: tuple[str, ...] = ()
        self._shown = 0

    def __len__(self) -> int:
        """Return how many episodes there are."""
        return len(self._rows)

    def add(self, metrics: Mapping[str, float]) -> None:
        """Add one episode.

        Raises:
            ValueError: its metrics have other names than those of the first episode.
        """
        self._add(tuple(metrics), [tuple(float(value) for value in metrics.values())])

    def add_batch(self, info: Mapping[str, Any]) -> None:
        """Add the episodes that ended in the step of a VectorEnv that returned `info`."""
        ended = info["ended"]
        if ended.any():
            columns = info["metrics"]
            picked = np.stack([np.asarray(column)[np.asarray(ended)] for column in columns.values()], axis=1)
            self._add(tuple(columns), [tuple(row) for row in picked.tolist()])

    def _add(self, names: tuple[str, ...], rows: list[tuple[float, ...]]) -> None:
        if self._names and names != self._names:
            odd = sorted(set(names) ^ set(self._names)) or list(names)
            raise ValueError(f"these metrics differ from those of earlier episodes: {', '.join(odd)}")
        self._names = names
        self._rows += rows
        if self._path is not None:
            _append(self._path, names, rows)

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return the table, float64 [episodes] by name: what `polars.DataFrame` and `pandas.DataFrame` take."""
        return self._columns(0)

    def _columns(self, first: int) -> dict[str, NDArray[np.float64]]:
        rows = self._rows[first:]
        table = np.array(rows, np.float64).reshape(len(rows), len(self._names))
        return {name: table[:, m].copy() for m, name in enumerate(self._names)}

    def dataframe(self) -> Any:
        """Return the table as a pandas DataFrame.

        Raises:
            ImportError: pandas is not installed (`columns()` works without).
        """
        import pandas as pd

        return pd.DataFrame(self.columns())

    def to_tensorboard(self, writer: Any, step: int, prefix: str = "coordination") -> None:
        """Write the means over the episodes since the last call to a `SummaryWriter`, at `step`; NaNs are left out."""
        fresh = self._columns(self._shown)
        self._shown = len(self._rows)
        for name, column in fresh.items():
            defined = column[~np.isnan(column)]
            if defined.size:
                writer.add_scalar(f"{prefix}/{name}", float(defined.mean()), step)

    def watch(self, env: Any) -> Watched:
        """Return `env` (a PettingZoo ParallelEnv of this package) so wrapped that its finished episodes come here."""
        return Watched(env, self)


def _append(path: Path, names: tuple[str, ...], rows: list[tuple[float, ...]]) -> None:
    """Append rows to a CSV file, after a line of names if it is new; one write, so that processes do not mix lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(names)
        writer.writerows(rows)


class Watched(BaseParallelWrapper[str, Any, Any]):
    """A ParallelEnv whose finished episodes go to a log."""

    def __init__(self, env: Any, log: EpisodeLog) -> None:
        """Watch `env`."""
        super().__init__(env)
        self.log = log

    def step(self, actions: dict[str, Any]) -> Any:
        """Step; at the end of an episode, log its metrics."""
        running = bool(self.env.agents)
        results = self.env.step(actions)
        if running and not self.env.agents:
            self.log.add(self.env.unwrapped.metrics())  # type: ignore[attr-defined]
        return results
