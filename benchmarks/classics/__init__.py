"""Published results that a learner has to reproduce: a file each, with functions that play and return numbers."""
