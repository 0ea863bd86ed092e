"""Moving pictures and folders of them; other people's recorders; what cannot be written is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pygame
import pytest

from marl_envs import gridworld_v0, matrix_v0, render
from marl_envs.__main__ import main
from marl_envs.core.params import ParameterError
from marl_envs.render.video import write_mp4


def make_env(**parameters):
    return gridworld_v0.parallel_env(world="cliff", max_cycles=8, **parameters)


def up(obs: dict) -> dict:
    return dict.fromkeys(obs, 0)


def test_a_name_without_a_suffix_is_a_folder_of_pictures(tmp_path):
    made = render.record(make_env(), up, tmp_path / "frames", size=(200, 120))
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == [f"frame-{t:05}.png" for t in range(made.steps + 1)]
    last = pygame.surfarray.array3d(pygame.image.load(tmp_path / "frames" / names[-1])).swapaxes(0, 1)
    *_, picture = render.pictures(made, (200, 120))
    assert np.array_equal(last, picture)
    render.record(make_env(), up, tmp_path / "frames", steps=2, size=(200, 120))  # replaced, not mixed
    assert len(list((tmp_path / "frames").iterdir())) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]


def test_a_failed_recording_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "x.gif").write_bytes(b"old")

    def no_space(*arguments):
        Path(arguments[0]).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("marl_envs.render.files.write_gif", no_space)
    with pytest.raises(OSError, match="No space"):
        render.record(make_env(), up, tmp_path / "x.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["x.gif"]
    assert (tmp_path / "x.gif").read_bytes() == b"old"


def test_paths_that_cannot_be_written_are_told_before_anything_is_played(tmp_path, monkeypatch):
    env = make_env()
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "folder.gif").mkdir()
    for name, error, message in (
        ("taken", NotADirectoryError, "is a file, not a folder for pictures"),
        ("folder.gif", NotADirectoryError, "is a folder"),
        ("x.mov", ValueError, r"must end in \.gif, \.mp4 or \.npz \(or have no suffix"),
        ("missing/x.gif", FileNotFoundError, "no folder .*missing"),
    ):
        with pytest.raises(error, match=message):
            render.record(env, up, tmp_path / name)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="must not be written: choose another path"):
        render.record(env, up, tmp_path / "x.gif")
    assert env.agents == []


def test_missing_pyav_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    env = make_env()
    with pytest.raises(ImportError, match=r"marl-envs\[video\]"):
        render.record(env, up, tmp_path / "x.mp4")
    assert env.agents == []


def test_an_mp4_holds_the_pictures(tmp_path):
    av = pytest.importorskip("av", reason="needs PyAV (extra `video`)")
    made = render.record(make_env(), up, tmp_path / "x.mp4", fps=10, size=(201, 121))
    with av.open(str(tmp_path / "x.mp4")) as file:
        stream = file.streams.video[0]
        shown = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
        assert float(stream.average_rate) == 10
        assert stream.codec_context.name == "h264"
    drawn = list(render.pictures(made, (201, 121)))
    assert len(shown) == len(drawn) == made.steps + 1
    assert shown[0].shape == (122, 202, 3)  # made even
    for one, other in zip(shown, drawn, strict=True):
        assert np.abs(one[:121, :201].astype(int) - other).mean() < 6
    with pytest.raises(ValueError, match="at least one picture"):
        write_mp4(tmp_path / "none.mp4", [], 10)


@pytest.mark.parametrize("face", ["parallel", "aec"])
def test_pettingzoos_own_recorder_works(tmp_path, face):
    pytest.importorskip("moviepy", reason="needs moviepy, which those recorders write with")
    wrappers = pytest.importorskip("pettingzoo.utils.wrappers")
    env: object
    if face == "parallel":
        from pettingzoo.utils.wrappers.record_video_parallel import RecordVideoParallel

        env = RecordVideoParallel(
            make_env(render_mode="rgb_array"), str(tmp_path / "videos"), lambda episode: episode == 0
        )
        env.reset(seed=0)
        while env.agents:
            env.step(dict.fromkeys(env.agents, 0))
    else:
        from pettingzoo.utils.wrappers.record_video import RecordVideo

        env = RecordVideo(
            matrix_v0.env(render_mode="rgb_array"), str(tmp_path / "videos"), lambda episode: episode == 0
        )
        env.reset(seed=0)
        for _ in env.agent_iter():
            *_, done, cut, _ = env.last()
            env.step(None if done or cut else 0)
    env.close()
    assert wrappers
    assert [path.suffix for path in (tmp_path / "videos").iterdir()] == [".mp4"]


def test_gymnasiums_recorder_works_on_the_team_as_one_environment(tmp_path):
    pytest.importorskip("moviepy", reason="needs moviepy, which those recorders write with")
    import gymnasium

    env = gymnasium.make("marl_envs/cliff-v0", render_mode="rgb_array")
    env = gymnasium.wrappers.RecordVideo(env, str(tmp_path / "videos"), episode_trigger=lambda episode: True)
    env.reset(seed=0)
    for _ in range(5):
        env.step(env.action_space.sample())
    env.close()
    assert [path.suffix for path in (tmp_path / "videos").iterdir()] == [".mp4"]


def test_the_command_line_records_without_a_window(tmp_path, capsys):
    path = tmp_path / "x.gif"
    assert main(["play", "cliff-v0", "--set", "max_cycles=5", "--record", str(path), "--seed", "4"]) == 0
    assert path.exists()
    assert "5 steps" in capsys.readouterr().out


def test_the_command_line_makes_pictures_of_a_trajectory_file(tmp_path, capsys):
    kept, path = tmp_path / "x.npz", tmp_path / "frames"
    assert main(["play", "cliff-v0", "--set", "max_cycles=5", "--record", str(kept)]) == 0
    assert main(["play", str(kept), "--record", str(path)]) == 0
    assert len(list(path.glob("*.png"))) == 6
    assert main(["play", str(kept), "--record", str(tmp_path / "y.npz")]) == 2
    assert "is a trajectory already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["play", "chess-v0"], "unknown environment 'marl_envs/chess-v0'"),
        (["play", "cliff-v0", "--policy", "planner"], "there is no planner for gridworld_v0"),
        (["play", "cliff-v0", "--set", "max_cycles"], "--set needs NAME=VALUE"),
        (["play", "cliff-v0", "--set", "max_cycles=0"], "max_cycles"),
        (["play", "nothing.npz"], "there is no file nothing.npz"),
        (
            ["play", "signals-cross-tabular-v0", "--policy", "planner", "--set", "actions=duration"],
            "no planner for traffic_signals_v0 with actions='duration' (there are with actions='phase' or",
        ),
        (["play", "cliff-v0", "--fps", "0"], "fps must be in"),
        (["play", "cliff-v0", "--policy", "keyboard", "--record", "x.gif"], "policy that is not the keyboard"),
    ],
)
def test_the_command_line_says_what_was_wrong(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "100"], "must be WIDTHxHEIGHT in pixels, such as 960x720, not '100'"),
        (["--seed", "-1"], "must be a whole number from 0, not '-1'"),
    ],
)
def test_sizes_and_seeds_that_cannot_be_are_refused(words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["play", "cliff-v0", *words])
    assert message in capsys.readouterr().err


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these always have a display")
def test_without_a_display_the_command_line_says_what_to_do(capsys, monkeypatch):
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["play", "cliff-v0"]) == 2
    assert "rgb_array" in capsys.readouterr().err


def test_render_modes_that_do_not_exist_are_refused():
    with pytest.raises(ParameterError, match="render_mode must be one of"):
        make_env(render_mode="rgb")
    env = make_env()
    env.reset(seed=0)
    with pytest.raises(ParameterError, match="render mode must be one of"):
        env.render("depth")


def test_two_environments_render_in_one_process():
    one, other = make_env(), matrix_v0.parallel_env()
    one.reset(seed=0)
    other.reset(seed=0)
    first, second = one.render("rgb_array"), other.render("rgb_array")
    assert np.array_equal(one.render("rgb_array"), first)
    assert np.array_equal(other.render("rgb_array"), second)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("mode", ["rgb_array", "ansi", "human"])
def test_rendering_changes_no_trajectory(mode):
    seen, unseen = (gridworld_v0.parallel_env(world="four_rooms", max_cycles=60) for _ in range(2))
    for env in (seen, unseen):
        env.reset(seed=7)
    seen.metadata["render_fps"] = 10_000
    while unseen.agents:
        seen.render(mode)
        for env in (seen, unseen):
            env.step(dict.fromkeys(env.agents, int(unseen.state().sum() * 7) % 4))
    left, right = seen.get_state().arrays, unseen.get_state().arrays
    assert all(np.array_equal(left[name], right[name]) for name in right)
    seen.close()


def test_the_viewer_imports_pygame_only_when_it_draws():
    code = (
        "import sys, marl_envs.render.viewer, marl_envs.__main__; from marl_envs import gridworld_v0\n"
        "s = marl_envs.render.viewer.Session(gridworld_v0.parallel_env(), lambda obs: dict.fromkeys(obs, 0))\n"
        "s.forward(); s.back(); sys.exit('pygame' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
