"""One short program a library: each trains the same task (task.py) and prints its learning curve.

Run one from the checkout, in an environment that has the library: `python -m examples.sb3 [--seed S] [--steps N]`.
`python -m tests.interop NAME` makes such an environment with versions that fit, and runs it there.
"""
