"""Hypothesis strategies: any floor, any warehouse on it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from marl_envs import warehouse_v0
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.layouts import get_layout


@st.composite
def floors(draw: Any, /) -> str:
    """Return a drawn floor with at least one goal and two homes; nothing says that it can be worked."""
    height, width = draw(st.integers(2, 6)), draw(st.integers(2, 6))
    chars = draw(st.lists(st.sampled_from("...xxg"), min_size=height * width, max_size=height * width))
    places = draw(st.lists(st.integers(0, height * width - 1), min_size=3, max_size=3, unique=True))
    for place, char in zip(places, "gxx", strict=True):
        chars[place] = char
    return "\n".join("".join(chars[row * width : (row + 1) * width]) for row in range(height))


@st.composite
def warehouses(draw: Any, /, **fixed: Any) -> VectorEnv:
    """Return a batch of one after its reset: any floor, number of robots, queue, reward and observation."""
    parameters = {"layout": draw(st.one_of(floors(), st.sampled_from(["5x5", "6x8"])))}
    floor = get_layout(parameters["layout"])
    choices = {
        "num_robots": st.integers(1, min(floor.height * floor.width, 12)),
        "request_queue_size": st.integers(0, len(floor.cells("x")) - 1),
        "reward": st.sampled_from(["individual", "team", "two_stage"]),
        "observation": st.sampled_from(["flattened", "goal", "tabular", "tabular_push", "image"]),
        "message_bits": st.integers(0, 2),
        "rware_compat": st.booleans(),
    }
    parameters |= {name: draw(choice) for name, choice in choices.items() if name not in fixed}
    vec = warehouse_v0.vector_env(1, **parameters, **fixed)
    vec.reset(seed=draw(st.integers(0, 2**32)))
    return vec
