"""Threads: every environment once, whatever the split; pickles, forks and errors."""

import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core import threads
from marl_envs.core.params import ParameterError
from marl_envs.core.threads import Crew, available
from tests.core.processes import run_python

needs_two = pytest.mark.skipif(available() < 2, reason="one processor")


def crew_of(num_threads: int) -> Crew:
    """Return a crew of that size, however many processors there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "available", lambda: num_threads)
        return Crew(num_threads)


@given(st.integers(1, 6), st.integers(1, 100))
def test_every_environment_is_visited_once(num_threads, count):
    crew, seen = crew_of(num_threads), []

    def kernel(table, operation, first, last):
        assert (table, operation) == ("table", 7)
        seen.extend(range(first, last))

    crew.run(kernel, "table", 7, count)
    crew.close()
    assert sorted(seen) == list(range(count))


@given(st.integers(1, 6), st.integers(6, 100))
def test_shares_differ_by_one_at_most(num_threads, count):
    crew, sizes = crew_of(num_threads), []
    crew.run(lambda table, operation, first, last: sizes.append(last - first), None, 0, count)
    crew.close()
    assert len(sizes) == num_threads
    assert max(sizes) - min(sizes) <= 1


def test_the_shares_run_at_the_same_time():
    crew, meeting = crew_of(3), threading.Barrier(3, timeout=30)
    crew.run(lambda table, operation, first, last: meeting.wait(), None, 0, 3)
    crew.close()


def test_one_thread_starts_no_other():
    before, crew, names = threading.active_count(), Crew(1), []
    crew.run(lambda table, operation, first, last: names.append(threading.current_thread()), None, 0, 5)
    assert names == [threading.current_thread()]
    assert threading.active_count() == before


def test_an_error_in_any_thread_arrives():
    def kernel(table, operation, first, last):
        if first > 0:
            raise ZeroDivisionError

    crew = crew_of(2)
    with pytest.raises(ZeroDivisionError):
        crew.run(kernel, None, 0, 2)
    crew.close()


def test_more_threads_than_processors_are_refused():
    with pytest.raises(ParameterError, match=f"num_threads is 9999, but this process may use {available()} processors"):
        Crew(9999)
    for wrong in (0, -1, 1.5, None, True):
        with pytest.raises(ParameterError, match="num_threads must be an integer at least 1"):
            Crew(wrong)


def test_a_closed_or_pickled_crew_works_again():
    crew, seen = crew_of(2), []
    kernel = lambda table, operation, first, last: seen.append((first, last))  # noqa: E731
    crew.run(kernel, None, 0, 4)
    copy = pickle.loads(pickle.dumps(crew))
    crew.close()
    crew.close()
    for one in (crew, copy):
        one.run(kernel, None, 0, 4)
        one.close()
    assert sorted(seen) == [(0, 2)] * 3 + [(2, 4)] * 3
    assert copy.num_threads == 2


FORK = """
import hashlib, os, sys
import numpy as np
import marl_envs

def digest(vec):
    total = hashlib.sha256()
    for k in range(20):
        obs, reward, *_ = vec.step(np.full((8, 2), k % 5))
        total.update(obs.tobytes() + reward.tobytes())
    return total.hexdigest()

for num_threads in THREADS:
    vec = marl_envs.make_vec("marl_envs/warehouse-tiny-2ag-v0", 8, num_threads)
    vec.reset(seed=1)
    vec.step(np.ones((8, 2), int))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, digest(vec).encode())
        vec.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(os.read(read, 64).decode() == digest(vec))
"""


def test_a_fork_steps_on():
    counts = [1, 2][: available()]
    said = run_python(FORK.replace("THREADS", str(counts)), options=("-W", "ignore::DeprecationWarning"))
    assert said.split() == ["True"] * len(counts)


WORKERS = """
import multiprocessing, pickle
import numpy as np
import marl_envs

def work(vec):
    return vec.step(np.ones((8, 2), int))[0].tobytes()

if __name__ == "__main__":
    vec = marl_envs.make_vec("marl_envs/warehouse-tiny-2ag-v0", 8, 2)
    vec.reset(seed=1)
    vec.step(np.ones((8, 2), int))
    twin = pickle.loads(pickle.dumps(vec))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        theirs = pool.apply(work, (twin,))
    print(theirs == work(vec) == work(twin))
    print(twin.num_threads)
"""


@needs_two
def test_a_batch_with_threads_goes_to_a_worker_process():
    assert run_python(WORKERS, options=("-W", "ignore::DeprecationWarning")).split() == ["True", "2"]
