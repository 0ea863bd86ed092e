"""Learners that keep a model of the world and learn from it, too: a file each."""
