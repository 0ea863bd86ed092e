"""SUMO in this process (libsumo): one simulation at a time."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marl_envs.core.params import ParameterError

INSTALL = 'pip install "marl-envs[sumo]"'
# Nothing is teleported or deleted: collisions on lanes are reported, those on junctions are not looked for (SUMO's
# default). Warnings go to the log, which is read at the end.
_OPTIONS = (
    *("--time-to-teleport", "-1", "--collision.action", "warn", "--no-warnings", "--no-step-log"),
    *("--xml-validation", "never", "--xml-validation.net", "never", "--xml-validation.routes", "never"),
)


def library() -> Any:
    """Return the module libsumo, with SUMO_HOME set to the installed package's where it is not set.

    Raises:
        ImportError: the extra is not installed; says how to install it.
    """
    try:
        if "SUMO_HOME" not in os.environ:
            os.environ["SUMO_HOME"] = str(importlib.import_module("sumo").SUMO_HOME)
        return importlib.import_module("libsumo")
    except ImportError as error:
        raise ImportError(f"SUMO is not installed here: {INSTALL} ({error})") from None


class Process:
    """One run of SUMO, from its start to `close`."""

    _running: Process | None = None  # libsumo has one simulation a process

    def __init__(
        self,
        network: Path,
        additional: Sequence[Path],
        routes: Path,
        *,
        begin: float,
        dt: float,
        seed: int,
        options: Sequence[str],
    ) -> None:
        """Start SUMO.

        Args:
            network: the `.net.xml`.
            additional: files with further signal programs.
            routes: the route file.
            begin: time of the first step [s].
            dt: length of a step [s].
            seed: of SUMO's random numbers, from 0 to 2**31 - 1.
            options: SUMO's own, after ours.

        Raises:
            ImportError: the extra is not installed.
            RuntimeError: another simulation runs in this process.
            ParameterError: SUMO refuses a file or an option; with its message, as far as it is given to us.
        """
        self.sumo = library()
        if Process._running is not None:
            raise RuntimeError("SUMO runs already in this process; libsumo allows one simulation: close() that first")
        self._folder = tempfile.TemporaryDirectory(prefix="marl-envs-sumo-")
        self._log = Path(self._folder.name) / "log.txt"
        command = ["sumo", "--net-file", str(network), "--route-files", str(routes)]
        command += ["--additional-files", ",".join(map(str, additional))] if additional else []
        command += ["--begin", str(begin), "--step-length", str(dt), "--seed", str(seed)]
        command += [*_OPTIONS, "--error-log", str(self._log), *options]
        try:
            self.sumo.start(command)
        except self.sumo.TraCIException as error:
            text = "; ".join(self._read()) or str(error)
            self._folder.cleanup()
            raise ParameterError(f"SUMO does not start: {text}") from None
        Process._running = self

    def step(self) -> None:
        """Let one step pass.

        Raises:
            RuntimeError: SUMO cannot go on, as at a vehicle that it refuses; with its message.
        """
        try:
            self.sumo.simulationStep()
        except (self.sumo.TraCIException, self.sumo.FatalTraCIError) as error:
            self.close()
            raise RuntimeError(f"SUMO stopped: {error}") from None

    def close(self) -> tuple[str, ...]:
        """End the simulation; return what SUMO warned of, a line each."""
        if Process._running is self:
            Process._running = None
            self.sumo.close()
        lines = self._read()
        self._folder.cleanup()
        return lines

    def _read(self) -> tuple[str, ...]:
        if not self._log.exists():
            return ()
        return tuple(line for line in self._log.read_text().splitlines() if line.strip())
