"""The command line: `python -m marl_envs play ID | play FILE.npz | list`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 after a message about what was wrong."""
    chosen = _parser().parse_args(arguments)
    try:
        if chosen.command == "list":
            from marl_envs import list_environments

            print("\n".join(list_environments()))
        else:
            play(chosen)
    except (ValueError, TypeError, OSError, ImportError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m marl_envs", description="Look at environments, and play along.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the registered ids")
    play = commands.add_parser("play", help="open an environment, or a trajectory file, in a window (?: all keys)")
    play.add_argument("id", help="a registered id (marl_envs/ may be left out), or a trajectory file (.npz)")
    play.add_argument(
        "--policy",
        default="random",
        help="who plays: random, planner, keyboard, or module:attribute (a policy, its class, or a function from "
        "observations to actions); default: %(default)s",
    )
    play.add_argument("--seed", type=_seed, default=0, help="of the first episode; default: %(default)s")
    play.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the environment; may be repeated",
    )
    play.add_argument("--size", type=_size, help="WIDTHxHEIGHT of the window [pixels]; default: 960x720, scaled")
    play.add_argument("--theme", choices=("light", "dark"), default="light")
    play.add_argument("--fps", type=float, default=10.0, help="steps a second at speed 1; default: %(default)s")
    play.add_argument("--folder", type=Path, default=Path(), help="where pictures and recordings go; default: here")
    play.add_argument(
        "--record", type=Path, help="no window: write the episode to this file (.gif, .mp4, .npz, folder)"
    )
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"must be WIDTHxHEIGHT in pixels, such as 960x720, not {text!r}")
    return int(width), int(height)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, not {text!r}")
    return int(text)


def play(chosen: argparse.Namespace) -> None:
    """Open the viewer, or write a recording."""
    from marl_envs.render.viewer import Film, Session, Source

    source: Source
    if chosen.id.endswith(".npz"):
        from marl_envs.render import load

        trajectory = load(chosen.id)
        if chosen.record is not None:
            _write(trajectory, chosen)
            return
        source = Film(trajectory, Path(chosen.id).stem)
    else:
        from marl_envs import make
        from marl_envs.render.viewer.policies import find_policy

        env = make(chosen.id if "/" in chosen.id else f"marl_envs/{chosen.id}", **_parameters(chosen.set))
        policy = find_policy(chosen.policy, env)
        if chosen.record is not None:
            _record(env, policy, chosen)
            return
        source = Session(env, policy, chosen.seed, name=f"{chosen.id.removeprefix('marl_envs/')}, {chosen.policy}")
    show(source, chosen.size, chosen.theme, chosen.fps, chosen.folder, drive=chosen.policy == "keyboard")


def show(
    source: Any,
    size: tuple[int, int] | None = None,
    theme: str = "light",
    fps: float = 10.0,
    folder: Path = Path(),
    drive: bool = False,
) -> None:
    """Open a window on `source` and return when it is closed; with `drive` the keyboard has the first agent.

    Raises:
        DisplayError: there is no display; says what to do.
        ValueError: a size or a number that cannot be.
    """
    from marl_envs.render.viewer.loop import watch
    from marl_envs.render.viewer.viewer import LETTERS, Viewer
    from marl_envs.render.window import desktop_scale

    if not 0 < fps <= 1000:
        raise ValueError(f"fps must be in (0, 1000], not {fps}")
    scale = desktop_scale()
    size = size or (round(960 * scale), round(720 * scale))
    viewer = Viewer(source, size, theme, fps, folder, letters=round(LETTERS * scale))
    if drive:
        viewer.drive()
        viewer.running = False
    watch(viewer)


def _record(env: Any, policy: Any, chosen: argparse.Namespace) -> None:
    from marl_envs.render import record

    if policy is None:
        raise ValueError("a recording needs a policy that is not the keyboard")
    fps = min(chosen.fps, 50.0)
    trajectory = record(env, policy, chosen.record, seed=chosen.seed, fps=fps, theme=chosen.theme, size=chosen.size)
    print(f"wrote {chosen.record}: {trajectory.steps} steps")


def _write(trajectory: Any, chosen: argparse.Namespace) -> None:
    """Write the pictures of a trajectory file, as `--record` asks."""
    from marl_envs.render import pictures
    from marl_envs.render.files import check_target, write_pictures

    fps = min(chosen.fps, 50.0)
    check_target(chosen.record, fps, "--fps")
    if chosen.record.suffix.lower() == ".npz":
        raise ValueError(f"{chosen.id} is a trajectory already: --record takes .gif, .mp4 or a folder")
    write_pictures(chosen.record, pictures(trajectory, chosen.size, chosen.theme), fps)
    print(f"wrote {chosen.record}: {trajectory.steps} steps")


def _parameters(pairs: list[str]) -> dict[str, Any]:
    """Return parameters from NAME=VALUE; a value is JSON, or else a plain word."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"--set needs NAME=VALUE, not {pair!r}")
        try:
            found[name] = json.loads(text)
        except json.JSONDecodeError:
            found[name] = text
    return found


if __name__ == "__main__":
    sys.exit(main())
