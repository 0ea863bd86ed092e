"""Prove that a library trains on the environments: `python -m tests.interop NAME`.

Makes an environment of its own below `.interop/` with the versions that fit (requirements/NAME.txt), runs the library's
tests and the conformance tests of one environment a family there, then trains its example from each seed, which must
rise above random.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

from tests.interop.libraries import LIBRARIES, Library
from tests.interop.table import table

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".interop"
RESULTS = ROOT / "results" / "interop"
# Environments that the conformance tests are run for with a library's versions; all are, without one
ONE_OF_EACH = (
    *("warehouse-tiny-2ag-v0", "errands-8ag-v0", "signals-cross-tabular-v0", "intersection-cross-4-v0"),
    *("vacuum-v0", "climbing-v0", "cliff-v0"),
)


def read_requirements(path: Path) -> tuple[list[str], list[str], list[str]]:
    """Return what to install first (torch, so that others find it), then, and last without dependencies."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    alone = [line.removeprefix("# no-deps:").strip() for line in lines if line.startswith("# no-deps:")]
    rest = [line.partition("#")[0].strip() for line in lines]
    first = [line for line in rest if line.startswith("torch==")]
    return first, [line for line in rest if line and line not in first], alone


def install(library: Library) -> Path:
    """Make the library's environment, unless it is there as asked for; return its Python."""
    folder = ENVIRONMENTS / library.name
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    wanted = library.requirements.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"== {library.name}: installing into {folder.relative_to(ROOT)}", flush=True)
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    first, rest, alone = read_requirements(library.requirements)
    if first:
        subprocess.run([*pip, *first], check=True)
    subprocess.run([*pip, *first, *rest, "-e", str(ROOT), "pytest", "hypothesis", "cloudpickle"], check=True)
    for requirement in alone:
        subprocess.run([*pip, "--no-deps", requirement], check=True)
    stamp.write_text(wanted)
    return python


def run_tests(library: Library, python: Path) -> None:
    """Run the library's tests and conformance tests; none of the library's own may be skipped whole."""
    files = [f"tests/interop/test_{name}.py" for name in library.tests]
    for file in files:
        subprocess.run(
            [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not parity", file],
            check=True,
            cwd=ROOT,
        )
    conformance = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_conformance.py"]
    subprocess.run([*conformance, "-k", " or ".join(ONE_OF_EACH)], check=True, cwd=ROOT)


def version(library: Library, python: Path) -> str:
    """Return the installed version."""
    code = f"import importlib.metadata as m; print(m.version({library.distribution!r}))"
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def train(library: Library, python: Path, seeds: list[int], steps: int | None) -> list[dict[str, Any]]:
    """Run the example from each seed; return the results, which are kept in results/interop/NAME.jsonl."""
    shorter = [] if steps is None else ["--steps", str(steps)]
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept, fresh = RESULTS / f"{library.name}.jsonl", RESULTS / f"{library.name}.new"
    results = []
    for options in library.trains:
        for seed in seeds:
            fresh.unlink(missing_ok=True)
            command = ["-m", f"examples.{library.name}", *options, *shorter, "--seed", str(seed)]
            subprocess.run([str(python), *command, "--out", str(fresh)], check=True, cwd=ROOT)
            result = json.loads(fresh.read_text())
            result |= {"library": library.name, "version": version(library, python), "options": list(options)}
            result["date"] = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
            with kept.open("a") as file:
                file.write(json.dumps(result) + "\n")
            results.append(result)
    fresh.unlink(missing_ok=True)
    return results


def prove(library: Library, seeds: list[int], steps: int | None) -> bool:
    """Install, test and train; return whether all went well and every training rose."""
    began = time.perf_counter()
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ENVIRONMENTS / library.name / "numba"))
    try:
        python = install(library)
        run_tests(library, python)
        results = train(library, python, seeds, steps)
    except subprocess.CalledProcessError as error:
        print(f"== {library.name}: FAILED (exit status {error.returncode}): {' '.join(error.cmd)}", flush=True)
        return False
    fallen = [f"{result['name']}, seed {result['seed']}" for result in results if not result["rises"]]
    print(f"== {library.name}: {time.perf_counter() - began:.0f} s, {len(results)} trainings", flush=True)
    for run in fallen:
        print(f"   did not rise above random: {run}", flush=True)
    return not fallen


def main() -> int:
    """Prove the libraries named, or print the table of all that was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*LIBRARIES, "light", "all", "table"], metavar="NAME")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="none: only the tests")
    parser.add_argument("--steps", type=int, help="agent-steps to train for, if not as long as the examples say")
    parser.add_argument("--install-only", action="store_true", help="make the environments, and stop there")
    chosen = parser.parse_args()
    if "table" in chosen.names:
        print(table(RESULTS))
        return 0
    groups = {"all": LIBRARIES.values(), "light": [library for library in LIBRARIES.values() if library.light]}
    libraries = [library for name in chosen.names for library in groups.get(name) or [LIBRARIES[name]]]
    if chosen.install_only:
        for library in libraries:
            install(library)
        return 0
    good = [prove(library, chosen.seeds, chosen.steps) for library in libraries]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
