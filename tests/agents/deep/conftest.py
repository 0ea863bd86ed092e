"""These tests need PyTorch (extra `deep`); one thread, so that they do not get into each other's way."""

from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.deep)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")
    torch.set_num_threads(1)
