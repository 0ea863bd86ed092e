"""Recording episodes, on the smallest floor."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

import marl_envs
from marl_envs import render, warehouse_v0
from marl_envs.core.parallel import ParallelEnv
from marl_envs.core.registry import from_fingerprint
from marl_envs.render.artists import ARTISTS
from marl_envs.render.gif import write_gif
from marl_envs.render.viewer.policies import RandomPolicy
from marl_envs.warehouse.planner import GreedyPolicy
from tests.render.golden_cases import PLAYED


def make_env(**parameters) -> ParallelEnv:
    return warehouse_v0.parallel_env(layout="5x5", num_robots=2, max_cycles=20, **parameters)


def forward(obs: dict) -> dict:
    return dict.fromkeys(obs, 1)


def test_a_recorded_trajectory_replays_to_the_same_frames(tmp_path):
    made = render.record(make_env(), GreedyPolicy(), tmp_path / "x.npz", seed=5)
    read = render.load(tmp_path / "x.npz")
    assert read.steps == made.steps == 20
    assert read.info["metrics"]["episode_length"] == 20
    assert json.loads(json.dumps(read.env)) == make_env().fingerprint
    replayed = render.Trajectory(read.env, read.seed, read.agents, read.actions)
    stored = list(read.frames())
    assert len(stored) == 21
    for again, frame in zip(replayed.frames(), stored, strict=True):
        assert again.keys() == frame.keys()
        assert all(np.array_equal(again[name], frame[name]) for name in frame)


@pytest.mark.parametrize("family", PLAYED)
def test_an_episode_replays_exactly_also_if_it_was_not_the_first(family):
    name, parameters, _, _ = PLAYED[family]
    env = from_fingerprint({"env": name, "params": parameters})
    for seed in (5, 6):
        played = render.rollout(env, RandomPolicy(), seed=seed, steps=12)
    replayed = render.Trajectory(played.env, played.seed, played.agents, played.actions)
    for again, frame in zip(replayed.frames(), played.frames(), strict=True):
        for values, kept in zip(again.values(), frame.values(), strict=True):
            np.testing.assert_array_equal(values, kept)


def test_a_policy_may_be_a_function_of_the_observations():
    trajectory = render.rollout(make_env(), forward, seed=1, steps=7)
    assert trajectory.actions.tolist() == [[1, 1]] * 7


def test_a_policy_and_its_actions_see_the_same_observations_in_every_setting():
    actions = [
        render.rollout(make_env(observation=observation), GreedyPolicy(), seed=2).actions.tolist()
        for observation in ("flattened", "goal", "tabular", "image")
    ]
    assert actions[0] == actions[1] == actions[2]


def test_a_gif_has_a_picture_for_every_frame(tmp_path):
    made = render.record(make_env(), GreedyPolicy(), tmp_path / "x.gif", seed=5, steps=6, fps=10, size=(160, 200))
    with Image.open(tmp_path / "x.gif") as gif:
        assert gif.size == (160, 200)
        assert gif.info["loop"] == 0
        shown, lasting = [], 0
        for i in range(gif.n_frames):
            gif.seek(i)
            shown.append(np.asarray(gif.convert("RGB")))
            lasting += gif.info["duration"]
    assert lasting == 7 * 100
    pictures = list(render.pictures(made, (160, 200)))
    for image, picture in ((shown[0], pictures[0]), (shown[-1], pictures[-1])):
        assert (image == picture).all(axis=2).mean() > 0.97  # all but some smoothed edges
        assert np.abs(image.astype(int) - picture).mean() < 1


def test_smooth_pictures_lie_between_the_frames():
    trajectory = render.rollout(make_env(), GreedyPolicy(), seed=5, steps=3)
    plain, smooth = list(render.pictures(trajectory)), list(render.pictures(trajectory, smooth=4))
    assert len(smooth) == 4 * (len(plain) - 1) + 1
    assert all(np.array_equal(a, b) for a, b in zip(smooth[::4], plain, strict=True))
    moved = [
        not np.array_equal(plain[t], plain[t + 1]) and not np.array_equal(smooth[4 * t + 2], plain[t]) for t in range(3)
    ]
    assert any(moved)


def test_wrong_requests_are_refused_before_anything_is_played(tmp_path):
    env = make_env()
    for arguments, message in (
        ({"path": tmp_path / "x.avi"}, r"must end in \.gif, \.mp4 or \.npz .*, not '\.avi'"),
        ({"path": tmp_path / "x.gif", "smooth": 0}, "smooth must be at least 1"),
        ({"path": tmp_path / "x.gif", "fps": 0}, r"fps must be in \(0, 50\], not 0"),
        ({"path": tmp_path / "x.gif", "fps": 30, "smooth": 2}, r"fps \* smooth must be in \(0, 50\], not 60"),
        ({"path": tmp_path / "x.gif", "size": (0, 0)}, "render size"),
        ({"path": tmp_path / "x.gif", "theme": "red"}, "theme must be"),
        ({"path": tmp_path / "x.gif", "steps": -1}, "steps must be None or at least 0"),
        ({"path": tmp_path / "missing" / "x.gif"}, "missing"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            render.record(env, forward, **arguments)
    assert env.agents == []
    assert list(tmp_path.iterdir()) == []


def test_foreign_environments_and_policies_are_refused():
    class Foreign:
        unwrapped = property(lambda self: self)

    with pytest.raises(TypeError, match="must be a ParallelEnv of marl_envs, not Foreign"):
        render.rollout(Foreign(), forward)
    with pytest.raises(TypeError, match="policy must have act"):
        render.rollout(make_env(), 3)


def test_missing_pillow_names_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match="pip install pillow"):
        render.record(make_env(), forward, tmp_path / "x.gif")


def test_a_gif_needs_pictures(tmp_path):
    with pytest.raises(ValueError, match="at least one picture"):
        write_gif(tmp_path / "x.gif", [], fps=10)


def test_every_registered_environment_can_be_drawn_from_its_fingerprint():
    for name in marl_envs.list_environments():
        env = marl_envs.make(name)
        assert ARTISTS[env.fingerprint["env"]] == env.vec.simulation.family.scene
        trajectory = render.rollout(env, forward, steps=1)
        first, second = render.pictures(trajectory, (320, 240))
        assert first.shape == second.shape == (240, 320, 3)


@pytest.mark.parametrize("family", PLAYED)
def test_drawing_changes_nothing_that_agents_get(family):
    name, parameters, _, _ = PLAYED[family]
    seen, unseen = (from_fingerprint({"env": name, "params": parameters}) for _ in range(2))
    policy, other = RandomPolicy(), RandomPolicy()
    for env in (seen, unseen):
        env.reset(seed=2)
    for _ in range(8):
        if not seen.agents:
            break
        assert seen.render("rgb_array").shape == (480, 640, 3)
        assert len(seen.render("ansi").splitlines()) > 1
        found = [
            env.step(dict(zip(env.possible_agents, chooser.act(env.vec, None)[0].tolist(), strict=True)))
            for env, chooser in ((seen, policy), (unseen, other))
        ]
        for agent, expected in found[1][0].items():
            assert np.asarray(found[0][0][agent]).tobytes() == np.asarray(expected).tobytes()
        assert found[0][1:4] == found[1][1:4]
        assert seen.state().tobytes() == unseen.state().tobytes()


def test_an_unknown_environment_cannot_be_drawn():
    trajectory = render.Trajectory({"env": "chess_v0", "params": {}}, 0, ("a",), np.zeros((0, 1), np.int16))
    with pytest.raises(
        ValueError,
        match="cannot draw environment 'chess_v0'; known are errands_v0, gridworld_v0, intersection_v0, matrix_v0, ",
    ):
        next(render.pictures(trajectory))
