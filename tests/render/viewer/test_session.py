"""Sessions: forwards and backwards through the same moments, and what the keyboard changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import gridworld_v0, intersection_v0, matrix_v0, vacuum_v0, warehouse_v0
from marl_envs.core.params import ParameterError
from marl_envs.render import Trajectory
from marl_envs.render.viewer import Film, Session
from marl_envs.render.viewer.past import Past
from marl_envs.render.viewer.policies import RandomPolicy, find_policy
from marl_envs.warehouse.planner import GreedyPolicy


def session(seed: int = 3, **parameters: Any) -> Session:
    env = warehouse_v0.parallel_env(layout="5x5", num_robots=2, max_cycles=30, **parameters)
    return Session(env, RandomPolicy(), seed)


def frame(one: Session) -> dict[str, list[Any]]:
    return {name: values.tolist() for name, values in one.moment().frame.items()}


def test_a_session_plays_what_a_loop_plays():
    one = session()
    while one.forward():
        pass
    env, policy = warehouse_v0.parallel_env(layout="5x5", num_robots=2, max_cycles=30), RandomPolicy()
    env.reset(seed=3)
    policy.reset(3)
    while env.agents:
        env.step(dict(zip(env.agents, policy.act(env.vec, None)[0].tolist(), strict=True)))
    assert frame(one) == {name: values.tolist() for name, values in env.frame().items()}
    assert one.at == 30
    assert one.over
    assert not one.forward()


def test_back_and_forward_go_through_the_same_moments():
    one = session()
    course = [frame(one)]
    while one.forward():
        course.append(frame(one))
    for t in range(29, -1, -1):
        assert one.back()
        assert (one.at, frame(one)) == (t, course[t])
    assert not one.back()
    for t in range(1, 31):
        assert one.forward()
        assert frame(one) == course[t]


def test_steps_between_distant_snapshots_are_played_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Past.__init__, "__defaults__", (9000,))  # [bytes]: a few snapshots
    one = session()
    course = [one.env.state().tolist()]
    while one.forward():
        course.append(one.env.state().tolist())
    assert len(one._past._snapshots) < 16
    for t in (29, 13, 1, 0, 22):
        one.seek(t)
        assert one.env.state().tolist() == course[t]
    with pytest.raises(ParameterError, match=r"at must be in \[0, 30\], not 31"):
        one.seek(31)


def test_restart_plays_the_same_episode_and_another_seed_another_one():
    one = session()
    for _ in range(10):
        one.forward()
    tenth = frame(one)
    one.restart()
    assert one.at == 0
    for _ in range(10):
        one.forward()
    assert frame(one) == tenth
    one.reseed(1)
    assert (one.seed, one.at) == (4, 0)
    one.reseed(-10)
    assert one.seed == 0


def test_the_keyboard_drives_one_agent_and_the_policy_the_others():
    one, free = session(), session()
    one.drive(0)
    for action in (1, 2, 1, 1, 3, 1):
        one.steer(action)
        one.forward()
        free.forward()
        assert one.moment().actions[0] == action
        assert one.moment().actions[1] == free.moment().actions[1]  # drawn from the same stream
        assert one.details(0).driven
    one.steer(None)
    one.forward()
    assert one.moment().actions[0] == 0  # rests


def test_driving_in_the_past_replaces_the_future():
    one = session()
    for _ in range(10):
        one.forward()
    one.seek(4)
    one.drive(1)
    one.steer(2)
    one.forward()
    assert one.at == 5
    with pytest.raises(ParameterError, match=r"\[0, 5\]"):
        one.seek(6)


def test_time_waits_for_the_key_where_there_is_no_action_that_rests():
    one = Session(gridworld_v0.parallel_env(world="cliff"), RandomPolicy())
    one.drive(0)
    assert not one.forward()
    one.steer(0)
    assert one.forward()


def test_actions_that_are_numbers_are_driven_by_keys_too():
    env = intersection_v0.parallel_env(layout="cross", num_vehicles=2, actions="continuous", max_cycles=60)
    one = Session(env, RandomPolicy(), 0)
    while one.moment().frame["status"][0] != 2:  # drives
        one.forward()
    low, high = (float(side[0]) for side in (env.action_space("vehicle_0").low, env.action_space("vehicle_0").high))
    assert one.controls == {}
    one.drive(0)
    assert one.controls == {"up": high, "down": pytest.approx(0.4 * low), "return": low}
    assert one.forward()  # without a key time goes on, at the same speed
    assert one.moment().actions[0] == 0.0
    for key in ("down", "up", "return"):
        one.steer(one.controls[key])
        speed = one.moment().frame["speed"][one.moment().frame["slot"][0]]
        assert one.forward()
        assert one.moment().actions[0] == one.controls[key]
        later = one.moment().frame["speed"][one.moment().frame["slot"][0]]
        assert (later > speed) == (key == "up")
    assert one.details(0).number
    one.steer(high + 1.0)  # outside the space
    one.forward()
    assert one.moment().actions[0] == 0.0


def test_the_keys_of_the_driven_agent_are_its_own():
    one = session()
    one.drive(0)
    assert one.controls["up"] == one.controls["2"] == 1
    assert "6" not in one.controls  # there are five actions
    assert Film(one.trajectory()).controls == {}


def test_actions_beyond_the_space_are_not_taken():
    one = session()
    one.drive(0)
    one.steer(99)
    one.forward()
    assert one.moment().actions[0] == 0


def test_a_session_may_begin_at_a_snapshot_with_given_actions():
    first = session()
    for _ in range(12):
        first.forward()
    start, later = first.env.get_state(), []
    for _ in range(5):
        first.forward()
        later.append(first.moment().actions)
    second = Session(
        warehouse_v0.parallel_env(layout="5x5", num_robots=2, max_cycles=30),
        None,
        start=start,
        script=np.array(later, np.int64),
    )
    for _ in range(5):
        second.forward()
    assert frame(second) == frame(first)
    second.restart()
    assert second.at == 0
    assert second.env.get_state().arrays["pos"].tolist() == start.arrays["pos"].tolist()


def test_details_are_those_of_the_environment():
    one = session(observation="goal")
    one.forward()
    found, out = one.details(1), one.env.vec.out
    assert found.name == "robot_1"
    assert np.array_equal(found.observation, out.obs[0, 1])
    assert np.array_equal(found.mask, out.mask[0, 1])
    assert found.reward == float(out.reward[0, 1])
    assert [name for name, _ in found.terms] == list(one.env.reward_terms)
    assert found.earned == found.reward


def test_what_is_earned_is_summed_also_on_the_way_back():
    one = Session(gridworld_v0.parallel_env(world="cliff"), lambda obs: {"agent_0": 0}, 0)
    for _ in range(5):
        one.forward()
    assert one.details(0).earned == -5.0
    one.back()
    assert one.details(0).earned == -4.0


def test_values_come_from_a_policy_that_explains_itself():
    class Explaining(RandomPolicy):
        def values(self, vec: Any, obs: Any) -> np.ndarray:
            return np.arange(vec.num_envs * vec.num_agents * 4.0).reshape(vec.num_envs, vec.num_agents, 4)

    one = Session(vacuum_v0.parallel_env(), Explaining())
    assert one.details(0).values.tolist() == [0, 1, 2, 3]
    assert one.moment(0, values=True).values.tolist() == [[0, 1, 2, 3]]
    assert one.moment(0, values=False).values is None
    assert session().moment(0, values=True).values is None


def test_a_saved_episode_replays_from_its_seed(tmp_path):
    from marl_envs.render import load

    one = session()
    for _ in range(9):
        one.forward()
    one.trajectory().save(tmp_path / "x.npz")
    kept = load(tmp_path / "x.npz")
    assert kept.steps == 9
    replayed = Film(Trajectory(kept.env, kept.seed, kept.agents, kept.actions))  # without its frames
    stored = Film(kept)
    while stored.forward():
        replayed.forward()
    assert stored.at == 9
    for name, values in stored.moment().frame.items():
        assert np.array_equal(replayed.moment().frame[name], values)
    assert frame(one)["robots"] == stored.moment().frame["robots"].tolist()


def test_actions_that_are_numbers_can_be_played_and_saved(tmp_path):
    from marl_envs.render import load

    env = intersection_v0.parallel_env(layout="cross", num_vehicles=2, actions="continuous")
    one = Session(env, RandomPolicy(), 1)
    for _ in range(4):
        one.forward()
    last = frame(one)
    one.back()
    one.forward()
    assert frame(one) == last
    one.trajectory().save(tmp_path / "x.npz")
    kept = load(tmp_path / "x.npz")
    assert kept.actions.dtype == np.float64
    *_, final = Trajectory(kept.env, kept.seed, kept.agents, kept.actions).frames()
    assert {name: values.tolist() for name, values in final.items()} == last


def test_rendering_does_not_change_what_is_played():
    seen, unseen = session(), session()
    seen.env.render_mode = "human"  # the session shows nothing by itself
    while seen.forward():
        seen.env.render("rgb_array")
        seen.moment(0, values=True)
        unseen.forward()
    assert frame(seen) == frame(unseen)


def test_policies_are_found_by_name():
    env = warehouse_v0.parallel_env(layout="5x5")
    assert isinstance(find_policy("random", env), RandomPolicy)
    assert isinstance(find_policy("planner", env), GreedyPolicy)
    assert find_policy("keyboard", env) is None
    assert isinstance(find_policy("marl_envs.warehouse.planner:GreedyPolicy", env), GreedyPolicy)
    for name, message in (
        ("best", "must be random, planner, keyboard or module:attribute, not 'best'"),
        ("nowhere:Policy", "'nowhere:Policy' cannot be imported: No module named 'nowhere'"),
        ("math:nothing", "cannot be imported: .*nothing"),
        ("math:pi", r"has no act\(vec, obs\)"),
    ):
        with pytest.raises(ParameterError, match=message):
            find_policy(name, env)
    with pytest.raises(ParameterError, match="no planner for matrix_v0"):
        find_policy("planner", matrix_v0.parallel_env())


def test_foreign_environments_and_policies_are_refused():
    with pytest.raises(TypeError, match="must be a ParallelEnv of marl_envs"):
        Session(type("Foreign", (), {"unwrapped": None})())
    with pytest.raises(TypeError, match="policy must have act"):
        Session(matrix_v0.parallel_env(), 3)
