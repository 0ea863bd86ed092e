"""`ci RESULTS --tolerance FILE`: results held against a file of limits; exit code, JUnit XML and Markdown."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as Xml

from pydantic import Field, model_validator
from rich.console import Console
from rich.markup import escape

from benchmarks import record, store, yaml_file
from benchmarks.config_parts import Strict
from benchmarks.summary import Row, Summary

SHARES = ("percent_of_reference", "percent_of_bound")  # may be given as metrics, too: of the headline


class Check(Strict):
    """Limits of a metric's mean over the seeds; `*` in a name stands for anything."""

    environment: str = "*"
    agent: str = "*"
    metric: str
    min: float | None = None
    max: float | None = None
    value: float | None = Field(default=None, description="what the mean should be")
    within: float | str | None = Field(default=None, description='how far it may be from value: 0.5, or "3 %"')

    @model_validator(mode="after")
    def _has_limits(self) -> Check:
        if (self.value is None) != (self.within is None):
            raise ValueError("value and within go together")
        if isinstance(self.within, float) and not self.within >= 0:
            raise ValueError(f"within: must be at least 0, not {self.within:g}")
        if self.value is None and self.min is None and self.max is None:
            raise ValueError("no limit; give min, max, or value and within")
        if isinstance(self.within, str) and not re.fullmatch(r"\d+(\.\d+)? ?%", self.within):
            raise ValueError(f'within: must be a number or a percentage such as "3 %", not {self.within!r}')
        return self

    def limits(self) -> tuple[float, float]:
        """Return the lowest and the highest mean that is allowed."""
        low = -math.inf if self.min is None else self.min
        high = math.inf if self.max is None else self.max
        if self.value is not None and self.within is not None:
            share = isinstance(self.within, str)
            width = abs(self.value) * float(str(self.within).rstrip(" %")) / 100 if share else float(self.within)
            low, high = max(low, self.value - width), min(high, self.value + width)
        return low, high


class Tolerance(Strict):
    """A tolerance file."""

    checks: list[Check] = Field(min_length=1)


class Verdict(NamedTuple):
    """One cell held against one check; `problem` is empty where it passes."""

    environment: str
    agent: str
    metric: str
    mean: float
    allowed: str
    problem: str


def run_ci(results: Path, tolerance: Path, junit: Path | None, markdown: Path | None, console: Console) -> int:
    """Hold results against limits; write the JUnit and Markdown files that are asked for; return 1 if any fails.

    Raises:
        InputError: no results folder, or a bad tolerance file.
        RunError: a file cannot be written.
    """
    checks = yaml_file.read(tolerance, Tolerance).checks
    summary = record.summary_of(record.load(results), results)
    verdicts = [verdict for check in checks for verdict in judge(check, summary)]
    for one in verdicts:
        sign = f"[red]failed[/]  {escape(one.problem)}" if one.problem else "[green]ok[/]     "
        console.print(f"{sign} {one.environment} / {one.agent} / {one.metric}: {_text(one.mean)} ({one.allowed})")
    for path, text in ((junit, to_junit(verdicts)), (markdown, to_markdown(verdicts))):
        if path is not None:
            with store.writing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
    failed = sum(bool(one.problem) for one in verdicts)
    console.print(f"[red]{failed} of {len(verdicts)} checks failed[/]" if failed else f"{len(verdicts)} checks passed")
    return 1 if failed else 0


def judge(check: Check, summary: Summary) -> list[Verdict]:
    """Return a verdict for every cell that the check is about; one that fails if there is none."""
    low, high = check.limits()
    allowed = " and ".join(
        f"{word} {_text(end)}" for word, end in (("at least", low), ("at most", high)) if not math.isinf(end)
    )
    verdicts = []
    for row in summary.rows:
        if _fits(check.environment, row.environment) and _fits(check.agent, row.agent):
            mean = _mean(row, check.metric)
            if mean is not None:
                problem = "undefined" if math.isnan(mean) else "" if low <= mean <= high else "out of bounds"
                verdicts.append(Verdict(row.environment, row.agent, check.metric, mean, allowed, problem))
    if verdicts:
        return verdicts
    return [Verdict(check.environment, check.agent, check.metric, math.nan, allowed, "no such result")]


def _mean(row: Row, metric: str) -> float | None:
    """Return the row's mean of the metric, or None if it is not about it."""
    if metric not in SHARES:
        return row.estimate.mean if row.metric == metric else None
    share = row.of_reference if metric == SHARES[0] else row.of_bound
    return share.mean if share.seeds else None


def _fits(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def to_junit(verdicts: list[Verdict]) -> str:
    """Return JUnit XML: a test case a verdict."""
    failures = sum(bool(one.problem) for one in verdicts)
    suite = Xml.Element("testsuite", name="benchmarks", tests=str(len(verdicts)), failures=str(failures), errors="0")
    for one in verdicts:
        case = Xml.SubElement(suite, "testcase", classname=one.environment, name=f"{one.agent}: {one.metric}")
        if one.problem:
            Xml.SubElement(case, "failure", message=f"{one.problem}: {_text(one.mean)}, allowed {one.allowed}")
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def to_markdown(verdicts: list[Verdict]) -> str:
    """Return a table, what failed first."""
    failed = sum(bool(one.problem) for one in verdicts)
    lines = [f"**{failed} of {len(verdicts)} checks failed**" if failed else f"**{len(verdicts)} checks passed**", ""]
    lines += ["| | environment | agent | metric | mean | allowed |", "|---|---|---|---|---:|---|"]
    for one in sorted(verdicts, key=lambda one: not one.problem):
        cells = [one.problem or "ok", one.environment, one.agent, one.metric, _text(one.mean), one.allowed]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _text(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.6g}"
