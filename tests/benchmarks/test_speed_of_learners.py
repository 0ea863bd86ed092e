"""What is measured of learners does learn; nothing timed is asserted."""

from benchmarks.speed.learners import cases, updates


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
    assert len(names) == len(set(names)) == 22
