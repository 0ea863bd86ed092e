"""Which cases of traffic are measured, and the tables and lines that are printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rich.table import Table

from benchmarks.speed import roads, traffic, traffic_peers
from benchmarks.speed.measure import Block, Case
from marl_envs.traffic.demand import Demand

RILSA, SIGNALS = "RiLSA junction", "signals, 4x4 grid, demand that rises"
BATCH = 64
TOWNS = {4: (1, BATCH), 16: (1, BATCH), 50: (1,)}  # side -> batches
SIZES = (3, 8, 20, 60)  # sides of the towns with about 100 to 100,000 vehicles


def cases() -> list[Case]:
    """Return the cases: published flows, towns, the RiLSA junction, signals."""
    found = []
    for name in roads.HANGZHOU if roads.has_hangzhou() else ():
        found += _against_cityflow(name, partial(roads.hangzhou, name), (1, BATCH), *traffic.HOUR)
    for side, batches in TOWNS.items():
        town = partial(roads.town, side)
        found += _against_cityflow(f"town {side}x{side}", town, batches, traffic.FILLING, traffic.WINDOW)
    if traffic_peers.has_sumo():
        for envs in (1, BATCH):
            run = partial(traffic.engine, roads.rilsa, envs, *traffic.HOUR)
            found.append(Case(f"batch of {envs}", run, RILSA))
            sumo = partial(run, model="sumo", lane_choice="emptiest")
            found.append(Case(f"batch of {envs}, SUMO's law", sumo, RILSA))
        found.append(Case("SUMO (libsumo)", traffic_peers.sumo, RILSA, peer=True))
    return found


def _against_cityflow(
    name: str, demand: Callable[[], Demand], batches: Sequence[int], filling: int, window: int
) -> list[Case]:
    """Return our engine on a demand, step by step and in a batch by decisions, too; and CityFlow where it is there."""
    found = [Case(f"batch of {envs}", partial(traffic.engine, demand, envs, filling, window), name) for envs in batches]
    if BATCH in batches:
        run = partial(traffic.engine, demand, BATCH, filling, window, by_step=False)
        found.append(Case(f"batch of {BATCH}, ten steps a call", run, name))
    if traffic_peers.has_cityflow():
        found.append(Case("CityFlow", partial(traffic_peers.cityflow, name, filling, window), name, peer=True))
    return found


def size_cases() -> list[Case]:
    """Return one environment of a town, from small to large."""
    return [
        Case(f"{side}x{side}", partial(traffic.engine, partial(roads.town, side), 1), "cost by size") for side in SIZES
    ]


def signal_cases() -> list[Case]:
    """Return the PettingZoo face of signals."""
    return [Case("ParallelEnv", traffic.Signals, SIGNALS)]


def compile_kernels() -> None:
    """Use every kernel once."""
    traffic.engine(lambda: roads.town(1), 1)()
    traffic.Signals()


def engine_table(cases: Sequence[Case], blocks: Sequence[Block]) -> Table:
    """Return the table of vehicle-updates, with ratios to the peer on the same roads."""
    title = "Vehicle-updates per CPU-second, one thread, millions"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("roads", "what", "vehicles", "median", "best", "spread", "x peer"):
        table.add_column(column, justify="left" if column in ("roads", "what") else "right")
    for case, block in zip(cases, blocks, strict=True):
        peer = next((other for other in cases if other.peer and other.group == case.group), None)
        ratio = f"{case.median / peer.median:.1f}" if peer and not case.peer else ""
        numbers = f"{case.median / 1e6:.2f}", f"{case.best / 1e6:.2f}", f"{case.spread:.0%}"
        table.add_row(case.group, case.name, f"{_vehicles(block):,.0f}", *numbers, ratio)
    return table


def size_line(cases: Sequence[Case], blocks: Sequence[Block]) -> str:
    """Return the cost of a vehicle-update at rising numbers of vehicles."""
    costs = (
        f"{1e9 / case.median:,.0f} ns with {_vehicles(block):,.0f} ({case.name})"
        for case, block in zip(cases, blocks, strict=True)
    )
    return f"Cost of a vehicle-update in one environment by vehicles: {', '.join(costs)}"


def signal_line(case: Case, block: Block) -> str:
    """Return steps of the signals' PettingZoo face, beside what sumo-rl was seen at."""
    return (
        f"{case.group}: {case.median:,.0f} steps of 16 agents per CPU-second through PettingZoo, "
        f"{_vehicles(block):.0f} vehicles on average; {case.median / traffic_peers.SUMO_RL:.0f} x the "
        f"{traffic_peers.SUMO_RL:.0f} that sumo-rl 1.4.5 was seen at (not measured here)"
    )


def notes() -> list[str]:
    """Return what one must know to read the tables."""
    lines = [
        "A vehicle-update is one driving vehicle advanced by one step; those asleep in a queue count, as they do for "
        "the peers. Engines are called step by step unless it says otherwise, signals run by the network's program. "
        "Environments of a batch all play the same. A batch of 64 towns of 50x50 would need gigabytes and is left out. "
        "Hangzhou: minutes 15 to 20 of the hour; towns: a trip begins on each road once a minute."
    ]
    if not roads.has_hangzhou():
        lines.append(
            "The hangzhou flows are left out: set MARL_ENVS_DATA to a folder with traffic/hangzhou_1x1 and _4x4."
        )
    if not traffic_peers.has_cityflow():
        lines.append(traffic_peers.NO_CITYFLOW)
    if not traffic_peers.has_sumo():
        lines.append(traffic_peers.NO_SUMO)
    return lines


def _vehicles(block: Block) -> float:
    return float(block.vehicles)  # type: ignore[attr-defined]
