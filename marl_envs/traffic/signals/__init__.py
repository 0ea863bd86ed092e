"""Traffic signals as agents."""
