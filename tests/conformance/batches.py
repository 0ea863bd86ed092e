"""What the batched face promises: shapes, types, buffers that stay valid, ends and who is alive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from marl_envs.core.vector import VectorEnv
from tests.conformance.play import EPISODE, SEED, alone, assert_same, batch, batch_course, is_small, plan, valid

ENVS = 6


def check_shapes_and_types(name: str) -> None:
    vec = batch(name, ENVS)
    many, one = (ENVS, vec.num_agents), vec.observation_space
    discrete = isinstance(one, spaces.Discrete)
    expected = ((*many, *one.shape), np.float32 if isinstance(one, spaces.Box) else np.int32)
    flag, number = np.dtype(bool), np.dtype(np.float32)
    obs, info = vec.reset(seed=SEED)
    keys, size = set(info), int(vec.action_space.n)
    assert (obs.shape, obs.dtype) == expected
    for actions in plan(vec):
        obs, reward, terminated, truncated, info = vec.step(actions)
        assert (obs.shape, obs.dtype) == (info["final_obs"].shape, info["final_obs"].dtype) == expected
        assert all(one.contains(np.int64(o) if discrete else o) for row in obs for o in row)
        assert (reward.shape, reward.dtype) == (many, number)
        assert {(a.shape, a.dtype) for a in (terminated, truncated, info["alive"])} == {(many, flag)}
        assert {(info[k].shape, info[k].dtype) for k in ("ended", "_metrics", "_final_obs")} == {((ENVS,), flag)}
        for mask in (info["action_mask"], info["final_action_mask"]):
            assert (mask.shape, mask.dtype) == ((*many, size), np.int8)
        np.testing.assert_array_equal(vec.action_mask, info["action_mask"])
        assert info["action_mask"].any(axis=2).all()
        assert info["reward_terms"].shape == (*many, len(vec.reward_terms))
        assert {(m.shape, m.dtype) for m in info["metrics"].values()} == {((ENVS,), np.dtype(np.float64))}
        assert tuple(info["metrics"]) == vec.metric_names
        assert set(info) == keys
        assert all(vec.state_space.contains(state) for state in vec.state())


def check_results_stay_valid_for_one_more_step(name: str) -> None:
    vec = batch(name, ENVS)
    kept: tuple[Any, ...] = vec.reset(seed=SEED)
    copies = (kept[0].copy(), valid(kept[1]))
    for actions in plan(vec):
        *arrays, info = vec.step(actions)
        *kept_arrays, kept_info = kept
        assert_same((*kept_arrays, valid(kept_info)), copies, "what the step before returned")
        assert not any(np.shares_memory(array, old) for array, old in zip(arrays, kept_arrays, strict=False))
        kept, copies = (*arrays, info), (*(array.copy() for array in arrays), valid(info))
        vec.metrics()
        vec.state()
        assert_same((*arrays, valid(info)), copies, "what a look at the metrics or the state left")


def check_copies_stay_valid_for_good(name: str) -> None:
    vec, twin = batch(name, ENVS, copy=True), batch(name, ENVS)
    first = vec.reset(seed=SEED)
    start = first[0].copy()
    twin.reset(seed=SEED)
    actions = plan(vec)
    kept = [vec.step(chosen) for chosen in actions]
    assert_same([([*arrays], valid(info)) for *arrays, info in kept], [c[:2] for c in batch_course(twin, actions)])
    np.testing.assert_array_equal(first[0], start)
    for array in (a for *arrays, _ in kept for a in arrays):
        array[...] = 1
    assert_same(vec.get_state().arrays, twin.get_state().arrays)


def check_all_end_together_and_start_again(name: str) -> None:
    vec = batch(name, ENVS)
    vec.reset(seed=SEED)
    lasted, finished = np.zeros(ENVS, int), np.zeros((ENVS, vec.num_agents), bool)
    for actions in plan(vec):
        _, _, terminated, truncated, info = vec.step(actions)
        lasted += 1
        if alone(vec):
            finished |= terminated
            over = (finished | truncated).all(axis=1)
            np.testing.assert_array_equal(truncated, (lasted == EPISODE)[:, None] & ~finished)
        else:
            assert is_small(name) or not terminated.any()
            over = (terminated | truncated).all(axis=1)
            np.testing.assert_array_equal(over, terminated.any(axis=1) | (lasted == EPISODE))
        np.testing.assert_array_equal(info["ended"], over)
        assert not (terminated & truncated).any()
        lasted[over], finished[over] = 0, False
    assert vec.metrics().keys() == set(vec.metric_names)


def check_the_finished_stay_with_nothing_to_do(name: str) -> None:
    """Alive from a reset until `terminated`; afterwards no reward, a zero observation, one allowed action."""
    vec = batch(name, ENVS)
    _, info = vec.reset(seed=SEED)
    assert info["alive"].all()
    alive = info["alive"].copy()
    for actions in plan(vec):
        obs, reward, terminated, _, info = vec.step(actions)
        assert not (terminated & ~alive).any()
        assert not reward[~alive].any()
        alive = np.where(info["ended"][:, None], True, alive & ~terminated)
        np.testing.assert_array_equal(info["alive"], alive)
        assert not obs[~alive].any()
        assert (info["action_mask"][~alive].sum(axis=-1) == 1).all()


def check_max_cycles_can_be_set_in_a_batch(name: str) -> None:
    vec, short = batch(name, ENVS), batch(name, ENVS, max_cycles=3)
    vec.reset(seed=SEED)
    vec.max_cycles = 3  # odd: the ends fall on both buffer sets
    assert vec.fingerprint == short.fingerprint
    vec.reset(seed=SEED)
    short.reset(seed=SEED)
    actions = plan(vec, 10)
    assert_same(batch_course(vec, actions), batch_course(short, actions))


def check_without_a_mask(name: str) -> None:
    vec, masked = batch(name, ENVS, mask=None), batch(name, ENVS)
    _, info = vec.reset(seed=SEED)
    assert not {"action_mask", "final_action_mask"} & info.keys()
    assert vec.action_mask is None
    masked.reset(seed=SEED)
    actions = plan(vec)
    assert_same([c[0] for c in batch_course(vec, actions)], [c[0] for c in batch_course(masked, actions)])


def check_actions_of_every_integer_type_in_a_batch(name: str) -> None:
    kinds: tuple[Any, ...] = (np.int8, np.uint8, np.int32, np.uint64, list, np.asfortranarray)
    vecs = [batch(name, ENVS) for _ in kinds]
    expected = batch(name, ENVS)
    for vec in (*vecs, expected):
        vec.reset(seed=SEED)
    actions = plan(expected, 8)
    shown = batch_course(expected, actions)
    for vec, kind in zip(vecs, kinds, strict=True):
        given = [chosen.tolist() if kind is list else kind(chosen) for chosen in actions]
        assert_same(batch_course(vec, given), shown)  # type: ignore[arg-type]


def check_planning_and_pictures_change_no_trajectory(name: str) -> None:
    vec, looked_at = batch(name, ENVS), batch(name, ENVS)
    vec.reset(seed=SEED)
    looked_at.reset(seed=SEED)
    actions = plan(vec)
    shown = batch_course(vec, actions[:5])
    assert_same(batch_course(looked_at, actions[:5]), shown)
    frame = looked_at.frame(ENVS - 1)
    assert all(isinstance(value, np.ndarray) for value in frame.values())
    expected = batch_course(vec, actions[5:])
    assert_same(
        [_as_far_as_known(*pair) for pair in zip(batch_course(looked_at, actions[5:]), expected, strict=True)], expected
    )


def _as_far_as_known(step: Any, expected: Any) -> Any:
    """Return the step without metrics that nobody counts before somebody looks: those undefined in `expected`."""
    arrays, info, state, metrics = step

    def known(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
        return {name: np.where(np.isnan(wanted[name]), np.nan, value) for name, value in found.items()}

    return (
        arrays,
        {**info, "metrics": known(info["metrics"], expected[1]["metrics"])},
        state,
        known(metrics, expected[3]),
    )


def check_some_can_be_restarted(name: str) -> None:
    """A restarted environment goes on as after its own reset; the others do not notice."""
    some, twin = (VectorEnv(batch(name, ENVS).simulation, ENVS, autoreset=False) for _ in range(2))
    with pytest.raises(RuntimeError, match="reset"):
        some.restart(np.ones(ENVS, bool))
    for vec in (some, twin):
        vec.reset(seed=SEED)
    actions = plan(some)
    chosen = np.arange(ENVS) % 2 == 0
    for k in range(4):
        some.step(actions[k])
        twin.step(actions[k])
    some.restart(chosen)
    twin.reset()
    states = [vec.get_state().arrays for vec in (some, twin)]
    assert_same({key: a[chosen] for key, a in states[0].items()}, {key: a[chosen] for key, a in states[1].items()})
    assert_same(some.out.obs[chosen], twin.out.obs[chosen])
    untouched = VectorEnv(batch(name, ENVS).simulation, ENVS, autoreset=False)
    untouched.reset(seed=SEED)
    for k in range(4):
        untouched.step(actions[k])
    for k in range(4, 8):
        obs, *_ = untouched.step(actions[k])
        seen, *_ = some.step(actions[k])
        assert_same(seen[~chosen], obs[~chosen])
    for wrong in (np.ones(ENVS + 1, bool), np.ones(ENVS, int)):
        with pytest.raises(ValueError, match="chosen"):
            some.restart(wrong)
