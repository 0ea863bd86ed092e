"""The figures we can be checked against, and where each comes from.

Traffic: average travel time [s] of all vehicles created within an hour (CityFlow's definition: since creation, to the
end of the trip or to the end of the hour), decisions every 10 s, 5 s of yellow, t_min 10 s with the yellow.

- *published*: MaxPressure in PaddlePaddle/PARL, commit 33d6903d, examples/Application/Traffic-Light-Control/README.md.
- *reference engine*: CityFlow (commit 81ee0f4, lane changes off, seed 0) was run on the same files, with the
  controllers written anew from their definitions: its MaxPressure gives PARL's figures to the cent. Fixed times are
  eight phases in turn, 30 s each with the yellow; SOTL has the thresholds 5, 3, 6; the longest queue is whose phase has
  the most vehicles standing.
- *Threshold*: the rule of `controllers.Threshold` on the reference's dynamics, known to a tenth of a second.

That the warehouse follows RWARE is proved step by step against the original, by `pytest -m parity tests/parity`.
"""

from __future__ import annotations

from dataclasses import dataclass

FIXED, MAX_PRESSURE, SOTL, LONGEST, THRESHOLD = "fixed 30 s", "MaxPressure", "SOTL", "longest queue", "Threshold"
TYC, KN, QC = "hangzhou bc-tyc 08", "hangzhou kn-hz 07", "hangzhou qc-yn 07"
MEDIUM, HEAVY, THREE, SIXTEEN = "uniform 1600", "uniform 2400", "synthetic 1x3", "hangzhou 4x4"


@dataclass(frozen=True)
class Flow:
    """A network with its demand: files below the folder `traffic` of the data."""

    network: str
    demand: str


_ONE = "hangzhou_1x1/roadnet.json"
FLOWS = {
    TYC: Flow(_ONE, "hangzhou_1x1/bc-tyc_18041608_1h.flow.json"),
    KN: Flow(_ONE, "hangzhou_1x1/kn-hz_18041607_1h.flow.json"),
    QC: Flow(_ONE, "hangzhou_1x1/qc-yn_18041607_1h.flow.json"),
    MEDIUM: Flow(_ONE, "hangzhou_1x1/syn_uniform_1600.flow.json"),
    HEAVY: Flow(_ONE, "hangzhou_1x1/syn_uniform_2400.flow.json"),
    THREE: Flow("syn_1x3/roadnet_1X3.json", "syn_1x3/syn_1x3_gaussian_500_1h.json"),
    SIXTEEN: Flow("hangzhou_4x4/roadnet_4_4.json", "hangzhou_4x4/anon_4_4_hangzhou_real.flow.json"),
}


@dataclass(frozen=True)
class Figure:
    """A travel time [s] that must come out, rounded to `digits`."""

    flow: str
    controller: str
    reference: float
    published: float | None = None
    digits: int = 2


_REFERENCE = {
    TYC: {FIXED: 668.37, MAX_PRESSURE: 445.62, SOTL: 335.71, LONGEST: 460.23},
    KN: {FIXED: 299.98, MAX_PRESSURE: 75.17, SOTL: 90.70, LONGEST: 74.89},
    QC: {FIXED: 276.89, MAX_PRESSURE: 91.92, SOTL: 112.20, LONGEST: 96.79},
    MEDIUM: {FIXED: 104.37, MAX_PRESSURE: 243.64, SOTL: 115.94, LONGEST: 248.06},
    HEAVY: {FIXED: 115.78, MAX_PRESSURE: 759.48, SOTL: 148.07, LONGEST: 529.32},
    THREE: {FIXED: 491.38, MAX_PRESSURE: 240.08},
    SIXTEEN: {FIXED: 575.56, MAX_PRESSURE: 365.06, LONGEST: 318.63},
}
_PUBLISHED = {(TYC, MAX_PRESSURE): 445.62, (THREE, MAX_PRESSURE): 240.08}
_THRESHOLD = {TYC: 134.3, THREE: 118.6, KN: 65.6, QC: 73.9, MEDIUM: 86.2, HEAVY: 103.2}

FIGURES = [
    *(
        Figure(flow, controller, value, _PUBLISHED.get((flow, controller)))
        for flow, values in _REFERENCE.items()
        for controller, value in values.items()
    ),
    *(Figure(flow, THRESHOLD, value, digits=1) for flow, value in _THRESHOLD.items()),
]
