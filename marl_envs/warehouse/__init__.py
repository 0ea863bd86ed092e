"""Warehouse robots under RWARE's rules: floors, rules, observations, metrics, planners, pictures."""
