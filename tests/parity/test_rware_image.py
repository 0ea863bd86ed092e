"""Parity of the observation "image" with rware 2.0.0: the same pictures after every step of the same episodes."""

from __future__ import annotations

import inspect
import textwrap
from importlib.metadata import version
from types import MethodType
from typing import Any

import numpy as np
import pytest

from marl_envs.warehouse.types import RWARE_LAYERS
from tests.parity.replay import Replay
from tests.parity.test_rware import README_FLOOR

pytestmark = pytest.mark.parity

# RWARE's five layers. name: (layout, robots, queue), parameters
CASES: dict[str, tuple[tuple[str, int, int], dict[str, Any]]] = {
    "tiny, 1 robot": (("tiny", 1, 3), {}),
    "tiny, 2 robots, north up": (("tiny", 2, 2), {"image_rotated": False}),
    "tiny, 4 robots, range 3": (("tiny", 4, 6), {"sensor_range": 3}),
    "tiny, 8 robots, messages": (("tiny", 8, 31), {"message_bits": 2}),
    "small, 3 robots": (("small", 3, 3), {}),
    "small, 7 robots, range 2, north up": (("small", 7, 10), {"image_rotated": False, "sensor_range": 2}),
    "medium, 5 robots, range 4": (("medium", 5, 5), {"sensor_range": 4}),
    "medium, 6 robots, range 12, north up": (("medium", 6, 30), {"image_rotated": False, "sensor_range": 12}),
    "large, 8 robots": (("large", 8, 16), {}),
    "large, 6 robots, range 20": (("large", 6, 12), {"sensor_range": 20}),
    "a drawn floor, crowded": ((README_FLOOR, 20, 6), {"sensor_range": 2}),
    "layers in another order": (("tiny", 4, 8), {"image_layers": ("accessible", "goals", "requests")}),
}
ALL_LAYERS = {
    "tiny": (("tiny", 4, 4), {}),
    "small, north up": (("small", 8, 8), {"image_rotated": False, "sensor_range": 2}),
    "medium, range 3": (("medium", 8, 8), {"sensor_range": 3}),
    "large, messages": (("large", 8, 8), {"message_bits": 1}),
}
FAULT, MENDED = "layer[ag.x, ag.y]", "layer[ag.y, ag.x]"


@pytest.fixture(scope="module", autouse=True)
def _rware():
    pytest.importorskip("rware", reason="rware is not installed; the extra `peers` brings it")
    assert version("rware") == "2.0.0"


def mend(theirs: Any) -> None:
    """Let the reference write its two faulty layers by row and column; the rest of its method stays as it is."""
    from rware import warehouse

    source = textwrap.dedent(inspect.getsource(warehouse.Warehouse._make_img_obs))
    assert source.count(FAULT) == 2
    names = dict(vars(warehouse))
    exec(source.replace(FAULT, MENDED), names)
    theirs._make_img_obs = MethodType(names["_make_img_obs"], theirs)


@pytest.mark.parametrize("name", CASES)
def test_every_picture_is_the_same(name):
    shape, parameters = CASES[name]
    tally = Replay(*shape, observation="image", max_cycles=300, **parameters).play(2, random_share=0.3)
    print(tally)
    assert tally.steps == 600


@pytest.mark.parametrize("name", ALL_LAYERS)
def test_all_layers_are_the_same_once_the_reference_is_mended(name):
    shape, parameters = ALL_LAYERS[name]
    replay = Replay(*shape, observation="image", image_layers=RWARE_LAYERS, max_cycles=300, **parameters)
    mend(replay.theirs)
    tally = replay.play(2, random_share=0.3)
    print(tally)
    assert tally.steps == 600


def test_what_is_mended_are_swapped_indices():
    """On a square floor the reference as it is shows our layers of headings and loads with rows and columns swapped."""
    layers = ("agents", "agent_direction", "agent_load")
    replay = Replay(README_FLOOR, 5, 4, observation="image", image_layers=layers, image_rotated=False)
    replay.observe = False  # what it compares is known to differ
    differing = 0
    for seed in range(5):
        replay.play(1, random_share=0.3, seed=seed)
        replay.theirs._make_obs(replay.theirs.agents[0])
        theirs = replay.theirs.global_layers.copy()
        mend(replay.theirs)
        replay.theirs._make_obs(replay.theirs.agents[0])
        mended = replay.theirs.global_layers
        del replay.theirs._make_img_obs
        assert np.array_equal(theirs[0], mended[0])
        assert np.array_equal(theirs[1:], mended[1:].transpose(0, 2, 1))
        differing += not np.array_equal(theirs, mended)
    assert differing > 0


def test_on_other_floors_the_reference_as_it_is_stops():
    replay = Replay("tiny", 4, 4, observation="image", image_layers=RWARE_LAYERS)
    replay.observe = False
    with pytest.raises(IndexError):
        replay.play(1, random_share=0.3)
