"""Running a few lines in a process of their own, where nothing has been imported or compiled yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_python(code: str, *folders: Path, options: tuple[str, ...] = (), **variables: str) -> str:
    """Return what `code` prints; modules are looked for in `folders`, then in the checkout."""
    path = os.pathsep.join(str(folder) for folder in (*folders, ROOT))
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=folders[0] if folders else ROOT,  # which Python searches first
        env={**os.environ, "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
