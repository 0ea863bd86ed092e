"""The table of the networks: what was to be shown, what came out, and whether it is met."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path

from benchmarks.config import suite_path
from benchmarks.deep import crossing, driven, ours, ready
from benchmarks.deep.row import Row, by_seed
from benchmarks.jobs import code_digest, digest_of

WAREHOUSE = ("own", "shared", "own-curriculum", "shared-curriculum", "goal", "flattened", "small")


def balancing() -> list[Row]:
    """CartPole: five seeds."""
    from benchmarks.deep import cart_pole

    scores, seconds = by_seed(cart_pole.greedy_return, range(5))
    solved = sum(score >= cart_pole.SOLVED for score in scores)
    what = f"seeds of 5 with {cart_pole.SOLVED:g} over 100 greedy episodes"
    return [Row("CartPole-v1", what, "at least 4", solved, solved >= 4, seconds)]


def deciding() -> list[Row]:
    """The two-step game and VDN's fit: three seeds, of which the worst counts."""
    from agents.deep import QMIX, DeepVDN
    from benchmarks.deep import games

    rows = []
    for cls, name, wanted in ((DeepVDN, "VDN", 7.0), (QMIX, "QMIX", 8.0)):
        scores, seconds = by_seed(partial(games.two_step, cls), range(3))
        worst = max(scores, key=partial(_off, wanted))
        rows.append(Row("two-step game", f"{name} earns", f"{wanted:g}", worst, worst == wanted, seconds))
    (gap,), seconds = by_seed(games.vdn_gap, [0])
    what = "VDN's largest gap to row mean + column mean - mean"
    return [*rows, Row("its second state", what, "below 0.3", gap, gap < 0.3, seconds)]


def remembering(name: str) -> list[Row]:
    """The T-maze: three seeds, of which the worst counts."""
    from benchmarks.deep import t_maze

    shares, seconds = by_seed(partial(t_maze.share_correct, name), range(3))
    if name == "no memory":
        return [Row("T-maze", f"{name}: % correct", "at most 60", max(shares), max(shares) <= 60.0, seconds)]
    return [Row("T-maze", f"{name}: % correct", "at least 95", min(shares), min(shares) >= 95.0, seconds)]


def adapting() -> list[Row]:
    """Sines: three seeds, of which the worst counts."""
    from benchmarks.deep import sine

    begin = time.process_time()
    worst = min(scratch / learned for learned, scratch in map(sine.errors, range(3)))
    seconds = time.process_time() - begin
    what = "error after 32 steps from a random start / from Reptile's"
    return [Row("sines", what, "at least 5", worst, worst >= 5.0, seconds)]


def exploring(pulls: int, arms: int, seeds: int = 3) -> list[Row]:
    """Bandits: several seeds, of which the worst counts, beside rules made for bandits."""
    from benchmarks.deep import bandits

    rules = {name: bandits.rule(name, pulls, arms) for name in ("greedy", "Thompson", "UCB1")}
    scores, seconds = by_seed(partial(bandits.learned, pulls, arms), range(seeds))
    worst, each = min(scores), ours.spread(scores, digits=4)
    others = ", ".join(f"{name} {score:.2f}" for name, score in rules.items())
    what = f"wins of RL^2 in {pulls} pulls of {arms} arms, worst of {seeds} seeds ({each}; {others})"
    wanted = rules["greedy"]
    return [Row("bandits", what, f"at least {wanted:.2f}", worst, worst >= wanted, seconds)]


def delivering(name: str) -> list[Row]:
    """Robots on RWARE's floors, as a percentage of PIBT's deliveries; of several seeds the worst counts."""
    from benchmarks.deep import warehouse

    experiment = warehouse.EXPERIMENTS[name]
    task, planned = experiment.task, experiment.task.planned()
    scores, seconds = by_seed(task.learned, experiment.seeds)
    shares = [100.0 * score / planned for score in scores]
    each = ", ".join(f"{share:.1f}" for share in shares)
    what = f"{experiment.title}: % of PIBT's {planned:.1f} deliveries ({each})"
    return [Row("warehouse", what, "above 1; published: about 0", min(shares), min(shares) > 1.0, seconds)]


def _off(wanted: float, score: float) -> float:
    return abs(score - wanted)


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "games": deciding,
    "t-maze-gru": lambda: remembering("GRU"),
    "t-maze-attention": lambda: remembering("attention"),
    "t-maze-control": lambda: remembering("no memory"),
    "sines": adapting,
    "bandits": lambda: exploring(10, 5),
    "bandits-long": lambda: exploring(100, 10),
    "cart-pole": balancing,
    **{f"warehouse-{name}": partial(delivering, name) for name in WAREHOUSE},
}

GROUPS |= ours.GROUPS | driven.GROUPS | crossing.GROUPS | ready.GROUPS


@lru_cache
def code() -> str:
    """Return a digest of simulation, learners, experiments and their suite: rows of other code are never shown."""
    return code_digest()[:8] + digest_of([*sorted(Path(__file__).parent.glob("*.py")), suite_path(crossing.SUITE)])[:8]


def file_of(group: str, out: Path) -> Path:
    """Return where a group's rows lie; those that other code wrote stay beside it."""
    return out / f"{group}-{code()}.json"


def play(group: str, out: Path) -> list[Row]:
    """Return the rows of a group: those in its file if this code wrote one, else play and write it."""
    path = file_of(group, out)
    if path.exists():
        return [Row(**row) for row in json.loads(path.read_text())]
    import torch

    torch.set_num_threads(1)
    rows = GROUPS[group]()
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    os.replace(temporary, path)
    return rows
