"""What depends on the network alone is found once, whatever is played on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import intersection_v0, traffic_v0

TABLES = ("pair_first", "pair_size", "pair_zone", "pair_kind", "path_first", "path_x", "path_y")


def tables(module: Any, **parameters: Any) -> list[Any]:
    settings = module.vector_env(1, **parameters).simulation.settings
    return [getattr(settings, name) for name in TABLES]


@pytest.mark.parametrize("module", [intersection_v0, traffic_v0])
def test_environments_on_one_network_share_tables_that_nobody_may_write_into(module: Any):
    one, other = (tables(module, layout="cross", num_vehicles=vehicles) for vehicles in (2, 5))
    for mine, theirs in zip(one, other, strict=True):
        assert mine is theirs
        with pytest.raises(ValueError, match="read-only"):
            mine[0] = 0


def test_another_network_has_others():
    near, far = (tables(intersection_v0, layout=layout) for layout in ("cross", "tee"))
    assert not any(np.array_equal(mine, theirs) for mine, theirs in zip(near, far, strict=True))
