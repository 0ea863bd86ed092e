"""These tests need SUMO (the extra `sumo`); where it is not installed they are skipped."""

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WITHOUT = ("test_without_sumo.py", "test_processes.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs SUMO where it is missing."""
    missing = [name for name in ("libsumo", "sumo") if importlib.util.find_spec(name) is None]
    for item in items:
        if item.path.parent == HERE and item.path.name not in WITHOUT:
            item.add_marker(pytest.mark.sumo)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f'no {missing[0]}: pip install "marl-envs[sumo]"'))
