"""Which run of a results folder is meant: `play` and `verify` take the same words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from benchmarks.errors import InputError
from benchmarks.jobs import Job

Key = TypeVar("Key")


def name_of(job: Job) -> str:
    """Return the job's name: "environment/agent/seed"."""
    return f"{job.environment}/{job.agent}/{job.seed}"


def the_run(jobs: Mapping[Key, Job], words: str, where: Path) -> Key:
    """Return the key of the one job that `words` name: "environment/agent/seed", or some words of the job's title.

    Raises:
        InputError: none fits, or several do; lists them.
    """
    exact = [key for key, job in jobs.items() if words in (name_of(job), job.title)]
    found = exact or [key for key, job in jobs.items() if _fits(job, words)]
    if len(found) == 1:
        return found[0]
    names = "\n  ".join(sorted(name_of(jobs[key]) for key in found or jobs))
    which = "several runs fit" if found else f"no run fits {words!r}"
    raise InputError(f"{where}: {which}; say which one by --job, environment/agent/seed or words of it:\n  {names}")


def _fits(job: Job, words: str) -> bool:
    """Return whether all words are words of the job's title; without any, all jobs fit."""
    there = job.title.replace("/", " ").split()
    return all(word in there for word in words.replace("/", " ").split())
