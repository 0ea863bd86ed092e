"""What all tests share: no display is opened; data too large to ship is found, or the test skipped."""

import os
from pathlib import Path

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


# In several processes (pytest-xdist, --dist loadgroup) each family's tests go to one, which compiles its kernels;
# the largest first. Everything else goes file by file.
SMALL = ("vacuum", "climbing", "penalty", "cliff", "maze", "rooms")
FAMILIES = {
    **{"errands": "warehouse/errands", "warehouse": "warehouse"},
    **{"intersection": "traffic/vehicles", "signals": "traffic/signals"},
    **dict.fromkeys(SMALL, "small"),
    "": "traffic",
}


def _group(item: pytest.Item) -> str:
    path = item.path.relative_to(ROOT / "tests").as_posix()
    if path == "test_conformance.py":
        name = item.callspec.params["name"]  # type: ignore[attr-defined]
        return next(family for word, family in FAMILIES.items() if word in name)
    return next((family for family in FAMILIES.values() if path.startswith(f"{family}/")), path)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what belongs together, and begin with what takes longest."""
    order = list(FAMILIES.values())
    groups = {item.nodeid: _group(item) for item in items}
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups[item.nodeid]))
    items.sort(key=lambda item: order.index(groups[item.nodeid]) if groups[item.nodeid] in order else len(order))


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
