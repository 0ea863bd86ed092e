"""BenchMARL's IQL, VDN and QMIX beside ours, on one environment with the same settings (docs/learners-deep.md)."""
