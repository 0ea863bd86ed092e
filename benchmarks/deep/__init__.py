"""What networks are needed for, each beside the control without it: `python -m benchmarks run deep`."""
