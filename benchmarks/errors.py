"""Errors that the command line prints as one line."""


class InputError(ValueError):
    """What the user gave (a suite, an option, a name) cannot be used; the message says what, where and what can."""


class RunError(RuntimeError):
    """Running or writing failed (a full disk, a dead worker); finished runs are kept."""
