"""Vehicles as agents on the traffic engine."""
