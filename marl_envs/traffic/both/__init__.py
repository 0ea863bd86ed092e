"""Vehicles and signals as agents in one environment, on the same engine."""
