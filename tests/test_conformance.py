"""Every registered environment keeps every promise: each `check_...` of `tests/conformance` runs for each id."""

from collections.abc import Callable

import pytest

import marl_envs
from tests.conformance import batches, determinism, face, interop, kit, refusals, snapshots

MODULES = (kit, face, determinism, batches, snapshots, refusals, interop)
CHECKS = [getattr(module, name) for module in MODULES for name in dir(module) if name.startswith("check_")]


@pytest.mark.parametrize("name", marl_envs.list_environments())
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_conformance(check: Callable[[str], None], name: str):
    check(name)
