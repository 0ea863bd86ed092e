"""SUMO plays in processes of its own, also where the process that asks for them is another program's worker."""

from __future__ import annotations

import multiprocessing

import pytest

from marl_envs.traffic.sumo.evaluate import _known_start


def _square_elsewhere(number: int) -> tuple[str | None, int, str | None]:
    """Return the square of `number` from a new process, between the start methods before and after it."""
    before = multiprocessing.get_start_method(allow_none=True)
    with _known_start(), multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        square = pool.apply_async(pow, (number, 2)).get(timeout=60)
    return before, square, multiprocessing.get_start_method(allow_none=True)


def test_a_worker_of_joblib_starts_processes_and_keeps_its_start_method():
    joblib = pytest.importorskip("joblib", reason="needs joblib (extra `bench`)")
    played = joblib.Parallel(n_jobs=2)(joblib.delayed(_square_elsewhere)(number) for number in (3, 4))
    assert [square for _, square, _ in played] == [9, 16]
    for before, _, after in played:
        assert before == after
        assert before not in multiprocessing.get_all_start_methods()  # else this would prove nothing


def test_elsewhere_nothing_is_changed():
    before = multiprocessing.get_start_method(allow_none=True)
    assert _square_elsewhere(5) == (before, 25, before)
