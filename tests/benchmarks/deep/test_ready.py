"""Starts made ready for tasks never seen: equal conditions, floors drawn at random, gains by hand, and SUMO missing."""

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents import Evaluation, History, evaluate
from benchmarks.deep import families, floors, in_sumo, junctions, randomised, ready, signals, table
from marl_envs.warehouse.layouts import GOAL, HOME, get_layout

pytestmark = pytest.mark.deep


def test_the_groups_are_played_by_the_command():
    assert ready.GROUPS.items() <= table.GROUPS.items()


def tiny(**changes):
    """Return a family of two floors, made ready in two rounds of 64 steps."""
    sizes = {"envs": 4, "rounds": 2, "inner_steps": 64 * 8, "adapting": 64, "every": 32, "episodes": 2}
    return replace(floors.FAMILY, tasks=floors.FAMILY.tasks[:2], **{**sizes, **changes})


def test_starts_cost_as_many_steps_and_batches(monkeypatch):
    made = []
    plain = families.Family.learner

    def counted(self, vec, seed, *arguments, **settings):
        made.append(plain(self, vec, seed, *arguments, **{**settings, "learn_after": 0}))
        return made[-1]

    monkeypatch.setattr(families.Family, "learner", counted)
    costs = {}
    for kind in ("meta-learned", "joint"):
        made.clear()
        start = families.made_ready(tiny(), kind, 1)
        costs[kind] = (sum(one.steps for one in made), sum(int(one.counts[2]) for one in made))
        assert all(np.isfinite(array).all() for array in start.knowledge().values())
    assert costs["meta-learned"] == costs["joint"] == (1024, 62)  # windows of three steps have to be there first
    assert families.made_ready(tiny(), "scratch", 1) is None


def test_a_course_begins_with_what_the_start_knows_and_repeats():
    family = tiny()
    start = families.made_ready(family, "meta-learned", 1)
    vec = family.unseen["RWARE's tiny"](2)
    learner = families.beginner(family, vec, start, 5)
    for name, array in learner.knowledge().items():
        assert np.array_equal(array, start.knowledge()[name])
    one, two = (families.course(family, "RWARE's tiny", start, 5) for _ in range(2))
    assert [each.steps for each in one.evaluations] == [0, 32, 64]
    assert families.scores(family, one) == families.scores(family, two)


def course_of(metric, *values):
    evaluations = [Evaluation(100 * k, [{metric: value}]) for k, value in enumerate(values)]
    return History(100 * (len(values) - 1), evaluations=evaluations)


def test_worth_by_hand():
    times = (course_of("travel_time", 300.0, 200.0, 100.0), course_of("travel_time", 150.0, 101.0, 90.0))
    assert families.worth(junctions.FAMILY, *times, level=105.0) == (150.0, 50.0)
    counts = (course_of("deliveries", 0.0, 2.0, 5.0), course_of("deliveries", 6.0, 1.0, 1.0))
    assert families.worth(floors.FAMILY, *counts, level=5.5) == (6.0, 100.0)
    assert families.worth(floors.FAMILY, *counts, level=7.0) == (6.0, 0.0)  # nobody gets there


@pytest.mark.parametrize("seed", range(12))
def test_a_loaded_robot_can_come_to_every_home_of_a_drawn_floor(seed):
    drawing = floors.floor(seed)
    assert drawing == floors.floor(seed)
    layout = get_layout(drawing)
    homes, (goal,) = set(layout.cells(HOME)), layout.cells(GOAL)
    assert 5 <= layout.height <= 7
    assert 5 <= layout.width <= 7
    assert goal[0] in (0, layout.height - 1) or goal[1] in (0, layout.width - 1)
    assert 4 <= len(homes) <= layout.height * layout.width // 3
    cells = {(r, c) for r in range(layout.height) for c in range(layout.width)}
    for home in homes:  # the other shelves stand
        reached = {goal}
        while True:
            around = {(r + a, c + b) for r, c in reached for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0))}
            more = (around & cells - homes | around & {home}) - reached
            if not more:
                break
            reached |= more
        assert home in reached


def test_drawn_floors_differ():
    assert len({floors.floor(seed) for seed in range(30)}) == 30
    assert len(floors.floor(0, (8, 9)).splitlines()) in (8, 9)


def test_every_simulation_of_the_randomised_training_has_drivers_and_lights_of_its_own():
    parts = [make(2) for make in randomised.randomised()]
    drivers = {tuple(np.unique(part.simulation.settings.top_speed)) for part in parts}
    assert len(drivers) == len(parts) == 8
    assert {part.params.yellow for part in parts} == set(randomised.YELLOWS)
    assert {part.params.car_following for part in parts} == {"krauss", "idm"}


def test_sumo_is_shown_what_the_network_learned_from():
    """The policy that is handed to SUMO, played in our simulation, is the network itself."""
    place = signals.Place("cross", "uniform-400")
    world = junctions.maker(place, max_cycles=30)(2)
    learner = junctions.FAMILY.learner(world, 0, 0.1)
    shown = signals.batch(place, 2, junctions.SETS, **randomised.SHOWN, max_cycles=30)
    ours, theirs = (evaluate(*pair, 2, seed=3) for pair in ((learner, world), (in_sumo.Shown(learner), shown)))
    assert len(ours) == len(theirs) == 2
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(other, nan_ok=True)
        assert not math.isnan(mine["travel_time"])


def test_where_sumo_is_missing_its_row_says_so(monkeypatch):
    monkeypatch.setattr(in_sumo, "missing", lambda: "no SUMO here")
    (row,) = ready._in_sumo({})
    assert row.cells()[1:5] == ("not played: extra sumo", "-", "not played", "-")


@pytest.mark.slow
def test_a_network_plays_an_hour_in_sumo():
    pytest.importorskip("libsumo", reason="needs SUMO (extra `sumo`)")
    learner = junctions.FAMILY.learner(randomised.TARGETS["RiLSA"](2), 0, 0.1)
    played = in_sumo.learned(learner, 0)
    assert played.seeds == (in_sumo.FIRST,)
    assert played.metrics["created"][0] > 2000
