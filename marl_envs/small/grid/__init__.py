"""The grid worlds of published checks."""
