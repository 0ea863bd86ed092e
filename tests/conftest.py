"""What all tests share: no display is opened; data too large to ship is found, or the test skipped."""

import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

pytest.register_assert_rewrite("tests.conformance")  # its checks are no test files, but say what failed as such

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


# In several processes (pytest-xdist) each family's tests go to one, which compiles its kernels. Everything else goes
# file by file.
SMALL = ("vacuum", "climbing", "penalty", "cliff", "maze", "rooms")
FAMILIES = {
    **{"errands": "warehouse/errands", "warehouse": "warehouse"},
    **{"intersection": "traffic/vehicles", "signals": "traffic/signals"},
    **dict.fromkeys(SMALL, "small"),
    "": "traffic",
}


def group_of(nodeid: str) -> str:
    """Return which tests a test belongs to: those of a family of environments, or of its file."""
    path = nodeid.partition("::")[0].removeprefix("tests/")
    if path == "test_conformance.py":
        return next(family for word, family in FAMILIES.items() if word in nodeid.rpartition("/")[2])
    return next((family for family in FAMILIES.values() if path.startswith(f"{family}/")), path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Group tests by `group_of`, the largest group first, whatever `--dist` says.

    Marks (`xdist_group`) would do, but pytest-xdist 3.8 looks for them where pytest has not kept them since 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped, unused-ignore]

    class ByFamily(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByFamily(config, log)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The optional folder of real maps and networks (`warehouse/`, `traffic/`); without it the test is skipped."""
    named = os.environ.get("MARL_ENVS_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if named and not folder.is_dir():
        pytest.fail(f"MARL_ENVS_DATA names {named!r}, which is not a folder")
    if not folder.is_dir():
        pytest.skip(f"no data folder: set MARL_ENVS_DATA, or put one at {folder}")
    return folder
