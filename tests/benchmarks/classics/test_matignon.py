"""Matignon's table and the open textbook's: some cells of few trials always, all of both with `--slow`."""

import numpy as np
import pytest

from benchmarks.classics import coordination, matignon, open_textbook
from benchmarks.classics.matignon import BANDS, GAMES, LEARNERS, PUBLISHED, TRIALS, success, success_of, verdict
from marl_envs.core import jit

pytestmark = pytest.mark.skipif(not jit.ENABLED, reason="thousands of repetitions take minutes without compilation")


@pytest.mark.parametrize(
    ("name", "game", "low", "high"),
    [
        ("decentralised Q", "climbing", 4, 32),
        ("hysteretic Q", "climbing", 96, 100),
        ("distributed Q", "partially stochastic", 0, 12),
        ("recursive FMQ", "partially stochastic", 85, 100),
    ],
)
def test_a_hundred_trials_of_some_cells(name, game, low, high):
    assert low <= success(name, game, seed=0, trials=100) <= high


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_every_cell_is_in_its_band(name):
    found = {}
    for index, game in enumerate(GAMES):
        ours = found[game] = success(name, game, seed=1)
        word = verdict(PUBLISHED[name][index], ours, BANDS[name][index], (TRIALS, TRIALS))
        assert word != "outside", f"{name} in {game}: {ours}"
    if name == "recursive FMQ":
        worst = success("hysteretic Q", "fully stochastic", seed=1)
        assert found["fully stochastic"] > worst + 40


@pytest.mark.slow
@pytest.mark.parametrize("name", open_textbook.LEARNERS)
def test_every_cell_of_the_textbook_is_as_published(name):
    for game, published in zip(open_textbook.GAMES, open_textbook.PUBLISHED[name], strict=True):
        ours = success_of(open_textbook.LEARNERS[name], game, 1, open_textbook.RUNS)
        assert verdict(published, ours, None, (1000, 1000)) == "equal", f"{name} in {game}: {ours}"


@pytest.mark.slow
def test_learners_that_decide_together_always_find_the_best_joint_action():
    for name in ("central Q", "coordination graph"):
        assert [coordination.success(name, game, 0, 100) for game in GAMES] == [100.0] * len(GAMES)


def test_optimal_joint_actions():
    assert np.argwhere(matignon.optimal("climbing")).tolist() == [[0, 0]]
    assert np.argwhere(matignon.optimal("fully stochastic")).tolist() == [[0, 0]]
    assert np.argwhere(matignon.optimal("penalty k=-100")).tolist() == [[0, 0], [2, 2]]


@pytest.mark.parametrize(
    ("published", "ours", "band", "word"),
    [
        (100, 100, (99, 100), "equal"),
        (7, 0, (0, 10), "in the band"),
        (7, 0, None, "outside"),
        (16, 40, (8, 22), "outside"),
        (16, 18, (8, 22), "equal"),
        (None, 50, None, "-"),
        (None, 50, (0, 40), "outside"),
    ],
)
def test_verdicts(published, ours, band, word):
    assert verdict(published, ours, band, (500, 500)) == word


def test_published_figures_are_in_their_bands():
    for name, bands in BANDS.items():
        for band, published in zip(bands, PUBLISHED[name], strict=True):
            assert band is None or published is None or band[0] <= published <= band[1]


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_map_is_drawn(tmp_path, ending):
    out = tmp_path / f"map.{ending}"
    values = np.linspace(0, 100, len(coordination.ORDER) * len(GAMES)).reshape(-1, len(GAMES))
    coordination.draw(values, out)
    assert out.stat().st_size > 5000
