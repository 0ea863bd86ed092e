"""Bad input: a clear error that names what is wrong, and an environment that goes on as if nothing had been said."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import marl_envs
from tests.conformance.play import SEED, assert_same, batch, batch_course, course, joint, plan, single


def assert_refused(env: Any, call: Callable[[], Any], error: type[Exception], message: str) -> None:
    """Fail unless `call` raises that error and leaves the environment as it was."""
    before = _told(env)
    with pytest.raises(error, match=message):
        call()
    assert_same(_told(env), before)


def _told(env: Any) -> dict[str, Any]:
    """Return the state without `actions`, which is written before each step and read by nothing else."""
    return {name: array for name, array in env.get_state().arrays.items() if name != "actions"}


def check_bad_actions(name: str) -> None:
    env, twin = single(name), single(name)
    for e in (env, twin):
        e.reset(seed=SEED)
    good, last = joint(env, plan(env.vec, 1)[0, 0]), env.agents[-1]
    size = int(env.action_space(last).n)  # type: ignore[attr-defined]
    outside = rf"action of {last} must be in 0\.\.{size - 1}"
    for value in (size, -1, 2**40, np.int64(-3), np.uint64(2**63)):
        bad: dict[str, Any] = {**good, last: value}
        assert_refused(env, lambda bad=bad: env.step(bad), ValueError, outside)  # type: ignore[misc]
    for odd in (1.0, np.float64(1), np.nan, None, "1", [1], np.array([1, 2]), np.array([1]), np.array(1.0)):
        bad = {**good, last: odd}
        message = f"action of {last} must be an integer"
        assert_refused(env, lambda bad=bad: env.step(bad), TypeError, message)  # type: ignore[misc]
    assert_same((env.step(good), course(env)), (twin.step(good), course(twin)))


def check_missing_and_unknown_agents(name: str) -> None:
    env, twin = single(name), single(name)
    for e in (env, twin):
        e.reset(seed=SEED)
    good, last = joint(env, plan(env.vec, 1)[0, 0]), env.agents[-1]
    missing = {agent: action for agent, action in good.items() if agent != last}
    assert_refused(env, lambda: env.step(missing), KeyError, f"no action for {last}")
    assert_refused(env, lambda: env.step({}), KeyError, "no action for")
    unknown = "unknown agent 'nobody'.*" + last
    assert_refused(env, lambda: env.step({**good, "nobody": 0}), KeyError, unknown)
    assert_refused(env, lambda: env.step({**missing, "nobody": 0}), KeyError, unknown)
    for wrong in (None, 3, list(good.values()), np.array(list(good.values()))):
        assert_refused(env, lambda wrong=wrong: env.step(wrong), TypeError, "actions must be a dict")  # type: ignore[misc]
    backwards = dict(reversed(good.items()))
    assert_same((env.step(backwards), course(env)), (twin.step(good), course(twin)))


def check_bad_actions_in_a_batch(name: str) -> None:
    vec, twin = batch(name, 3), batch(name, 3)
    for v in (vec, twin):
        v.reset(seed=SEED)
    actions = plan(vec)
    good, agent = actions[0], vec.agents[-1]
    for value in (int(vec.action_space.n), -1, 2**40):
        bad = good.copy()
        bad[2, -1] = value
        message = rf"action {value} of {agent} in environment 2 is not in 0\.\.{vec.action_space.n - 1}"
        assert_refused(vec, lambda bad=bad: vec.step(bad), ValueError, message)  # type: ignore[misc]
    bad = good.astype(np.uint64)
    bad[2, -1] = 2**64 - 1
    assert_refused(vec, lambda: vec.step(bad), ValueError, "environment 2")
    shape = re.escape(f"actions must have shape {good.shape}, not ")
    shapes: tuple[Any, ...] = (good[0], good[:-1], good.T, good[None], good.ravel(), 0, [])
    for wrong in shapes:
        assert_refused(vec, lambda wrong=wrong: vec.step(wrong), ValueError, shape)  # type: ignore[misc]
    for kind in (np.float32, np.float64, bool, object, str):
        wrong = good.astype(kind)
        assert_refused(vec, lambda wrong=wrong: vec.step(wrong), TypeError, "actions must be integers, not")  # type: ignore[misc]
    assert_same(batch_course(vec, actions), batch_course(twin, actions))


def check_call_order(name: str) -> None:
    env, vec = single(name), batch(name, 2)
    actions = plan(vec, 1)[0]
    for call in ("state", "metrics", "frame", "get_state"):
        with pytest.raises(RuntimeError, match=rf"reset\(\) before {call}\(\)"):
            getattr(env, call)()
        with pytest.raises(RuntimeError, match=rf"reset\(\) before {call}\(\)"):
            getattr(vec, call)()
    for do in (lambda: env.step(joint(env, actions[0])), lambda: env.step({}), lambda: vec.step(actions)):
        with pytest.raises(RuntimeError, match=r"reset\(\) before step\(\)"):
            do()
    with pytest.raises(RuntimeError, match=r"reset\(\) before render\(\)"):
        env.render("ansi")
    env.reset()
    vec.reset()
    env.close()
    vec.close()
    env.step(joint(env, actions[0]))
    vec.step(actions)


def check_bad_seeds(name: str) -> None:
    env, twin, vec = single(name), single(name), batch(name, 3)
    for e in (env, twin, vec):
        e.reset(seed=SEED)
    for seed in (-1, 2**64, 1.5, "1", True, [1]):
        for face in (env, vec):
            assert_refused(face, lambda f=face, s=seed: f.reset(seed=s), ValueError, "seed must be an integer from 0")  # type: ignore[misc]
    assert_same(course(env), course(twin))
    env.reset(seed=np.int64(SEED))  # type: ignore[arg-type]
    twin.reset(seed=SEED)
    assert_same(course(env), course(twin))


def check_bad_parameters(name: str) -> None:
    for make in (marl_envs.make, marl_envs.make_vec):
        with pytest.raises(ValueError, match=r"unknown parameter 'num_robot'.*max_cycles"):
            make(name, num_robot=2)
        for wrong in (0, -5, 1.5, "many", None, True, np.nan):
            with pytest.raises(ValueError, match=f"max_cycles must be an integer at least 1, not {wrong!r}"):
                make(name, max_cycles=wrong)
        with pytest.raises(ValueError, match=r"mask must be one of 'info', 'obs', None, not 'both'"):
            make(name, mask="both")
        with pytest.raises(ValueError, match=r"reward must be one of 'individual', 'team'.*not 'shared'"):
            make(name, reward="shared")
        with pytest.raises(ValueError, match=r"agents_leave must be one of True, False, not 'no'"):
            make(name, agents_leave="no")
    for size in ((15, 480), (640, 10_001), (640.0, 480)):
        with pytest.raises(ValueError, match="render_size must be an integer from 16 to 10000"):
            marl_envs.make(name, render_size=size)
    with pytest.raises(ValueError, match=r"render_mode must be one of .*not 'rgb'"):
        marl_envs.make(name, render_mode="rgb")
    with pytest.raises(ValueError, match='vector_env gives it in the info: mask="info"'):
        marl_envs.make_vec(name, mask="obs")


def check_bad_batches(name: str) -> None:
    for wrong in (0, -1, 2.5, "4", None):
        with pytest.raises(ValueError, match="num_envs must be an integer at least 1"):
            marl_envs.make_vec(name, num_envs=wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="num_threads must be an integer at least 1"):
            marl_envs.make_vec(name, num_threads=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="num_threads is 5000, but this process may use"):
        marl_envs.make_vec(name, num_threads=5000)
    vec = batch(name, 2)
    vec.reset(seed=0)
    for env in (2, -3, 1.5):
        with pytest.raises(ValueError, match=r"env must be an integer from 0 to 1"):
            vec.frame(env)  # type: ignore[arg-type]


def check_bad_render_modes(name: str) -> None:
    env = single(name)
    env.reset(seed=0)
    assert_refused(env, lambda: env.render("gif"), ValueError, "render mode must be one of .*not 'gif'")
