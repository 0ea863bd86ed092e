"""What all tests share: no display is opened; data too large to ship is found, or the test skipped."""

import gc
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

# Compilers and thousands of tests fill memory with objects that stay: looking through them all, again and again, takes
# a tenth of the time.
gc.set_threshold(100_000, 50, 50)


def pytest_collection_finish() -> None:
    """What has been collected stays to the end."""
    gc.freeze()


ROOT = Path(__file__).resolve().parent.parent


# In several processes (pytest-xdist) one compiles the kernels of the roads, which share most of what they call, and
# another those of the warehouses; then files go to whoever is free, first those that need neither. So nothing large is
# compiled twice, and nobody waits for it.
FAMILIES = {
    **dict.fromkeys(("errands", "warehouse"), "warehouse"),
    **dict.fromkeys(("traffic", "intersection", "signals"), "traffic"),
    "": "small",
}
FIRST = ("traffic", "warehouse", "small")
LATE = ("benchmarks/", "docs/", "interop/", "metrics/", "render/", "warehouse/", "traffic/")  # a family's kernels


def group_of(nodeid: str) -> str:
    """Return which tests a test belongs to: the promises of similar environments, or those of its file."""
    path = nodeid.partition("::")[0].removeprefix("tests/")
    if path == "test_conformance.py":
        return next(family for word, family in FAMILIES.items() if word in nodeid.rpartition("/")[2])
    return path


def turn_of(group: str, size: int) -> tuple[int, int]:
    """Return when a group of tests has its turn: a number to sort by; large ones first, as small ones fill gaps."""
    if group in FIRST:
        return FIRST.index(group) - len(FIRST), 0
    return next((k for k, folder in enumerate(LATE, 1) if group.startswith(folder)), 0), -size


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Group tests by `group_of` in the order of `turn_of`, whatever `--dist` says.

    Marks (`xdist_group`) would do, but pytest-xdist 3.8 looks for them where pytest has not kept them since 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped, unused-ignore]

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            first = min(self.workqueue, key=lambda group: turn_of(group, len(self.workqueue[group])))
            self.workqueue.move_to_end(first, last=False)
            super()._assign_work_unit(node)

    return ByGroup(config, log)


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
