"""What is measured of learners does learn; nothing timed is asserted."""

import pytest

from benchmarks.speed import learners
from benchmarks.speed.learners import cases, updates
from tests.benchmarks.fakes import printed, quiet_console


def test_both_blocks_of_a_learner_update_it():
    made = []

    def make(vec):
        from agents.multi import VDN

        made.append(VDN(vec))
        return made[-1]

    for alone in (True, False):
        assert updates(make, alone, num_envs=8)() == 16
        assert (made[-1].q != 0).any()


def test_every_learner_has_two_figures():
    names = [case.name for case in cases()]
    assert len(names) == len(set(names)) == 40


@pytest.mark.parametrize("name", ["SARSA", "prioritised sweeping", "VDN"])
def test_kernels_of_the_warehouse_update_what_was_paid(name):
    made = []

    def make(vec):
        made.append(learners._learners()[name](vec, alpha=0.5, initial=1.0))
        return made[-1]

    block = updates(make, True, num_envs=8, world=learners.WAREHOUSE)
    for _ in range(2):  # SARSA learns a step when the next action is known
        assert block() == 16
    assert (made[-1].q != 1.0).any()


def test_table_has_a_line_a_learner_and_a_dash_where_it_does_not_play():
    found = learners.kernel_cases()
    for number, case in enumerate(found, 1):
        case.rates = [number * 1e6]
    assert len(found) == 36
    console = quiet_console()
    console.print(learners.kernel_table(found))
    lines = [line.rsplit(maxsplit=2) for line in printed(console).splitlines() if line[-1:] in "0123456789-"]
    assert ["Q-learning", "1.0", "21.0"] in lines
    assert ["central Q", "17.0", "-"] in lines
    assert len(lines) == 20
