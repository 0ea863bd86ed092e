"""The checks that every registered environment must pass; `tests/test_conformance.py` runs them all."""
