"""The report: one HTML file with tables, learning curves and replays, that needs nothing from the network."""

from benchmarks.report.page import Made, write_report

__all__ = ["Made", "write_report"]
