"""PettingZoo's own test kit, on both of its forms."""

from __future__ import annotations

import warnings
from functools import partial
from types import SimpleNamespace
from typing import Any

import pettingzoo
import pytest
from gymnasium import spaces

import marl_envs
from marl_envs.core.parallel import to_aec
from tests.conformance.play import EPISODE, alone, assert_same, course, is_small, single

with warnings.catch_warnings():
    # Since 1.27 PettingZoo's kit imports a game of its own in a way that PettingZoo warns about.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import (
        api_test,
        max_cycles_test,
        parallel_api_test,
        parallel_seed_test,
        render_test,
        seed_test,
        state_test,
    )

# Advice that does not apply: a Discrete observation is no array, and one with a mask is a dictionary.
ADVICE = (
    "Observation is not a NumPy array",
    "Observation space for each agent probably should be gymnasium.spaces.box or gymnasium.spaces.discrete",
    # A tabular observation may be state 0.
    "Observation numpy array is all zeros.",
)
# Where agents are of several kinds, they may.
DIFFERENT = "Agents have different (observation|action) space sizes|Observations are different shapes"
MASKS = ("info", "obs", None)


def aec(name: str, **parameters: Any) -> Any:
    """Return the AEC form with short episodes."""
    return to_aec(single(name, **parameters))


def check_parallel_api(name: str) -> None:
    for mask in MASKS:
        parallel_api_test(single(name, mask=mask), num_cycles=2 * EPISODE)


def check_api(name: str) -> None:
    for mask in MASKS:
        env = aec(name, mask=mask)
        with warnings.catch_warnings():
            # Vehicles that have not begun to drive see nothing, which is all zeros.
            if not isinstance(env.observation_space(env.possible_agents[0]), spaces.Box) or alone(single(name)):
                for message in ADVICE:
                    warnings.filterwarnings("ignore", message, UserWarning)
            if single(name).vec.simulation.own_spaces is not None:
                warnings.filterwarnings("ignore", DIFFERENT, UserWarning)
            api_test(env, num_cycles=2 * EPISODE)


def check_parallel_seed(name: str) -> None:
    parallel_seed_test(lambda: single(name), num_cycles=10)


def check_seed(name: str) -> None:
    for mask in MASKS:
        seed_test(partial(aec, name, mask=mask), num_cycles=2 * EPISODE)


def check_max_cycles(name: str) -> None:
    if is_small(name):
        pytest.skip("its rules may end an episode before max_cycles, which PettingZoo's test does not expect")
    max_cycles_test(SimpleNamespace(parallel_env=partial(single, name), env=partial(aec, name)))


def check_state(name: str) -> None:
    state_test(aec(name), single(name), num_cycles=EPISODE)


def check_render(name: str) -> None:
    pytest.importorskip("pygame")

    def quick(**parameters: Any) -> Any:
        """Return the AEC form, whose window waits for nobody's eyes."""
        env = single(name, **parameters)
        env.metadata["render_fps"] = 1000
        return to_aec(env)

    render_test(quick)


def check_pettingzoo_makes_it(name: str) -> None:
    if not hasattr(pettingzoo, "make"):
        pytest.skip("this PettingZoo has no registry")
    ours = single(name)
    theirs: Any = pettingzoo.make("parallel", name, max_cycles=EPISODE).unwrapped
    turns: Any = pettingzoo.make("aec", name, max_cycles=EPISODE)
    for env in (ours, theirs, turns):
        env.reset(seed=3)
    assert theirs.fingerprint == ours.fingerprint == turns.unwrapped.fingerprint
    assert_same(course(theirs), course(ours))


def check_listed_once(name: str) -> None:
    assert marl_envs.list_environments().count(name) == 1
    assert name.startswith("marl_envs/")
