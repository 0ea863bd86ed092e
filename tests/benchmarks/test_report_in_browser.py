"""The report in a real browser: no error, every replay plays, every link lands, and it fits a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks import record, store, watch
from benchmarks.config import load_suite
from benchmarks.jobs import Job, expand, job_key
from benchmarks.suite import run_suite
from marl_envs.render.trajectory import pack_frames
from tests.benchmarks.browser import opened
from tests.benchmarks.fakes import fake_run, fake_trajectory, quiet_console, write_suite

EVENTS = {"deadlocks": [0.0, 3.0, 0.0, 1.0], "deadlock_first": [float("nan"), 40.0, float("nan"), 7.0]}
PLAYS = """
const seen = [];
for (const figure of document.querySelectorAll(".player")) {
  for (const tab of figure.querySelectorAll(".tabs button")) {
    tab.click();
    for (let i = 0; i < figure.querySelectorAll(".episodes button").length; i++) {
      figure.querySelectorAll(".episodes button")[i].click();
      const canvas = figure.querySelector("canvas"), slider = figure.querySelector("input[type=range]");
      slider.value = 0; slider.dispatchEvent(new Event("input"));
      const first = canvas.toDataURL(), status = figure.querySelector(".status").textContent;
      slider.value = slider.max; slider.dispatchEvent(new Event("input"));
      const last = canvas.toDataURL();
      figure.querySelector(".heat").click();
      const heat = canvas.toDataURL();
      figure.querySelector(".heat").click();
      if (figure.querySelector(".play").textContent === "▶") figure.querySelector(".play").click();
      await wait(2000);
      const which = figure.querySelector('.episodes [aria-pressed="true"]').textContent;
      const ended = figure.querySelector(".status").textContent;
      seen.push([figure.id, tab.textContent, which, first !== last, heat !== last, status, ended]);
    }
  }
}
return seen;
"""
LINKS = """
const landed = [];
for (const link of document.querySelectorAll("a[href]")) {
  location.hash = ""; link.click();
  await wait(100);
  const [, environment, agent] = decodeURIComponent(link.hash.slice(1)).split("/");
  const figure = document.getElementById("player/" + environment), box = figure.getBoundingClientRect();
  landed.push({
    href: link.getAttribute("href"), title: link.title, shown: figure.querySelector(".which").textContent,
    agent: figure.querySelector('.tabs [aria-selected="true"]').textContent === agent,
    pressed: figure.querySelector('.episodes [aria-pressed="true"]').textContent,
    inView: box.top < innerHeight && box.bottom > 0,
  });
}
return landed;
"""


def moving_run(job: Job, folder: Path) -> dict[str, float]:
    """Write a fake run in which deadlocks happen and robots move."""
    shown = fake_run(job, folder)
    names = ("run", job.seed, job.environment, job.agent, "eval", job.train_steps)
    rows = list(pl.read_parquet(folder / "episodes.parquet").iter_rows())
    for metric, values in EVENTS.items():
        rows += [(*names, number, "team", metric, value) for number, value in enumerate(values)]
    key = folder.name.removesuffix(store.PART)
    store.write_rows(folder / "episodes.parquet", [(key, *row[1:]) for row in rows])
    return shown


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a fake suite with episodes worth watching."""
    folder = tmp_path_factory.mktemp("browser")
    path, out = write_suite(folder, tables={"Results": ["deliveries"], "Deadlocks": list(EVENTS)}), folder / "out"
    run_suite(str(path), out, None, 1, quiet_console(), moving_run)
    jobs = {job_key(job): job for job in expand(load_suite(path))}
    watched = watch.worth_watching(jobs, out)
    (out / watch.FOLDER).mkdir()
    for one in watched:
        still, there = fake_trajectory(), fake_trajectory().positions
        moved = {name: values.copy() for name, values in there.items()}
        moved["robots"][1, 0, :2] = [0, 1]
        still.positions.update(pack_frames([{n: v[t] for n, v in moved.items()} for t in range(2)]))
        still.save(one.path)
    made = record.load(out)
    record.render(made, record.summary_of(made, out), out)
    return out / "report.html"


def test_every_replay_plays_and_the_console_stays_empty(page: Path, tmp_path: Path) -> None:
    seen, console = opened(page, PLAYS, tmp_path)
    assert console == []
    assert not isinstance(seen, dict), seen
    assert len(seen) == 2 * 2 * 3  # environments, agents, and usual, worst, first deadlock
    assert {row[2] for row in seen} == {"an episode", "worst", "first deadlock"}
    for *_, which, moves, heats, status, ended in seen:
        assert status.startswith("step 0 of 1")
        assert ended.startswith("step 1 of 1")
        assert moves == (which != "an episode")  # in which nobody moves
        assert heats


def test_every_link_lands(page: Path, tmp_path: Path) -> None:
    landed, console = opened(page, LINKS, tmp_path)
    assert console == []
    assert not isinstance(landed, dict), landed
    assert len(landed) == 2 * 2 * (1 + len(EVENTS))
    for one in landed:
        assert one["agent"]
        assert one["inView"]
        assert one["title"] == f"watch: {one['pressed']}"
        assert "episode" in one["shown"]
    worst = next(one for one in landed if one["pressed"] == "worst")
    assert worst["shown"] == "seed 0, episode 0: deliveries 10"
    deadlock = next(one for one in landed if one["pressed"] == "first deadlock")
    assert deadlock["shown"] == "seed 0, episode 1: deliveries 11"


@pytest.mark.parametrize("width", [400, 1200])
def test_fits_the_window(page: Path, tmp_path: Path, width: int) -> None:
    script = "return [document.documentElement.scrollWidth, innerWidth, " + (
        "document.querySelectorAll('[role=tab][tabindex=\"0\"]').length];"
    )
    found, console = opened(page, script, tmp_path, (width, 900))
    assert console == []
    assert found[0] <= found[1]
    assert found[2] == 2  # one stop of the keyboard for each row of tabs


def test_keys_choose_the_agent(page: Path, tmp_path: Path) -> None:
    script = """
    const tabs = document.querySelector(".tabs"), chosen = () => tabs.querySelector('[aria-selected="true"]');
    const before = chosen().textContent;
    chosen().focus();
    chosen().dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    return [before, chosen().textContent, document.activeElement === chosen()];
    """
    found: Any
    found, _ = opened(page, script, tmp_path)
    assert found[0] != found[1]
    assert found[2] is True
