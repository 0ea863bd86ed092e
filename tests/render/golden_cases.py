"""Golden pictures: which ones there are, and how each is made.

`python -m tests.render.golden_cases [FAMILY ...]` makes them anew.

Episodes lie in `golden/*.npz` as trajectories with their frames, so no simulator takes part in drawing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marl_envs.core.vector import VectorEnv
from marl_envs.render import Trajectory, load
from marl_envs.render.artists import artist_for
from marl_envs.render.canvas import Canvas, Image
from marl_envs.render.marks import RECENT
from marl_envs.render.placing import fitted
from marl_envs.render.scene import Frame, Moment, Point, Surveyor
from marl_envs.render.theme import get_theme
from marl_envs.render.viewer.policies import RandomPolicy

FOLDER = Path(__file__).parent / "golden"
MOMENTS = FOLDER / "moments.json"  # family -> overlay -> step that shows it
SIZE = (320, 240)
FLOOR = "........\n.@@..@@.\n........\n.@@..@@.\n........\n........"
PLAYED = {  # family -> module, parameters, policy (see find_policy), steps
    "warehouse": (
        "warehouse_v0",
        {"layout": "5x5", "num_robots": 4, "request_queue_size": 2, "battery": 300},
        "random",
        150,
    ),
    "errands": (
        "errands_v0",
        {"floor": FLOOR, "num_robots": 8, "moves": "compass", "goals": "anywhere"},
        "random",
        40,
    ),
    "signals": ("traffic_signals_v0", {"network": "cross", "phases": "two", "warmup": 60.0}, "random", 30),
    "intersection": (
        "intersection_v0",
        {"layout": "cross", "num_vehicles": 12, "arrivals": "flow", "flow": 1500.0, "background": 0.3},
        "random",
        40,
    ),
    "traffic": (
        "traffic_v0",
        {"layout": "cross-turns", "length": 60.0, "num_vehicles": 12, "flow": 2400.0, "background": 0.3},
        "tests.render.golden_cases:Hasty",
        70,
    ),
    "vacuum": ("vacuum_v0", {"rules": "dock", "num_robots": 2}, "random", 6),
    "matrix": ("matrix_v0", {"game": "climbing"}, "random", 1),
    "grid": ("gridworld_v0", {"world": "cliff"}, "random", 30),
}


class Hasty(RandomPolicy):
    """Drives on more often than not, so that vehicles meet."""

    def act(self, vec: VectorEnv, obs: Any) -> NDArray[Any]:
        """Return actions [E, A]."""
        actions, faster, share = super().act(vec, obs), 1, self._generator.random((vec.num_envs, vec.num_agents))
        share[:, vec.params.num_vehicles :] = 1.0
        assert vec.action_mask is not None
        return np.where((share < 0.6) & (vec.action_mask[..., faster] > 0), faster, actions)


class Case(NamedTuple):
    """One picture."""

    family: str
    overlay: str  # "" for none
    theme: str

    @property
    def name(self) -> str:
        """Of its file."""
        return "-".join(part for part in (self.family, self.overlay, self.theme) if part)


def cases() -> Iterator[Case]:
    """Yield all cases: each family in both themes, and each of its overlays."""
    for family in PLAYED:
        yield Case(family, "", "light")
        yield Case(family, "", "dark")
        yield from (Case(family, overlay, "light") for overlay in artist_for(episode(family).env).overlays)


def episode(family: str) -> Trajectory:
    """Return the episode that a family's pictures are of."""
    return load(FOLDER / f"{family}.npz")


def moment_of(played: Trajectory, at: int) -> Moment:
    """Return the moment after `at` steps, with made-up values of the actions and the first agent chosen."""
    frames = list(played.frames())[max(0, at + 1 - RECENT) : at + 1]
    actions = tuple(played.actions[at - 1].tolist()) if at else ()
    count = len(played.agents) * 5
    values: NDArray[Any] = np.cos(1.7 * np.arange(count)).reshape(-1, 5)
    return Moment(frames, actions, values[:, : most_actions(played)], 0, expected_elsewhere(played, frames[-1]))


def expected_elsewhere(played: Trajectory, frame: Frame) -> list[tuple[Point, NDArray[Any]]]:
    """Return made-up values of the actions at other places, where the family's artist knows some."""
    artist = artist_for(played.env)
    if not isinstance(artist, Surveyor):
        return []
    places = artist.elsewhere(frame)[0]
    numbers = np.arange(len(places) * most_actions(played)).reshape(len(places), -1)
    return list(zip(places, np.cos(2.3 * numbers), strict=True))


def most_actions(played: Trajectory) -> int:
    """Return how many actions have a name, at most 5."""
    return min(5, len(artist_for(played.env).actions))


def draw(case: Case, at: int) -> Image:
    """Return the picture of a case."""
    played = episode(case.family)
    artist, theme, moment = artist_for(played.env), get_theme(case.theme), moment_of(played, at)
    scene = artist.scene(moment.frame, theme, fitted(SIZE, *artist.extent()).view(SIZE))
    if case.overlay:
        above = tuple(artist.overlays[case.overlay](moment, theme))
        both = (*above, *scene.shapes) if case.overlay == "heat" else (*scene.shapes, *above)
        scene = replace(scene, shapes=both)
    return Canvas(SIZE).draw(scene)


def moments() -> dict[str, dict[str, int]]:
    """Return the step that each picture shows, by family and overlay."""
    found: dict[str, dict[str, int]] = json.loads(MOMENTS.read_text())
    return found


def _make(families: list[str]) -> None:
    """Play the families' episodes, choose the steps at which overlays show most, and write the pictures."""
    from PIL import Image as Pictures

    from marl_envs.core.registry import from_fingerprint
    from marl_envs.render import rollout
    from marl_envs.render.viewer.policies import find_policy

    FOLDER.mkdir(exist_ok=True)
    chosen = moments() if MOMENTS.is_file() else {}
    for family in families:
        name, parameters, policy, steps = PLAYED[family]
        env = from_fingerprint({"env": name, "params": parameters})
        played = rollout(env, find_policy(policy, env), seed=1, steps=steps)
        played.save(FOLDER / f"{family}.npz")
        artist, theme = artist_for(played.env), get_theme("light")
        chosen[family] = {"": min(played.steps, 12)}
        for overlay, shapes in artist.overlays.items():
            shown = [len(list(shapes(moment_of(played, at), theme))) for at in range(played.steps + 1)]
            chosen[family][overlay] = int(np.argmax(shown))
            print(family, overlay, max(shown), "shapes at step", chosen[family][overlay])
    MOMENTS.write_text(json.dumps(chosen, indent=1) + "\n")
    for case in (case for case in cases() if case.family in families):
        picture = draw(case, chosen[case.family][case.overlay])
        Pictures.fromarray(picture).save(FOLDER / f"{case.name}.png", optimize=True)


if __name__ == "__main__":
    _make(sys.argv[1:] or list(PLAYED))
