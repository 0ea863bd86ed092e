"""The microscopic engine: kernels over arrays with a leading environment axis (docs/traffic-engine.md)."""
