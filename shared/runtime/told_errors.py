"""What events and logs tell of an error: bounded, and without values of rows.

Our own errors and the system's are told in their words. Libraries quote the value that they
stumbled over: of theirs, kind and place are told.
"""

from __future__ import annotations

import traceback

from shared.runtime.errors import BerglineError

LONGEST = 2000
"""Characters of a text: an event must always fit into a record."""


def told(error: BaseException) -> tuple[str, str]:
    """Class and text of an error."""
    kind = type(error).__name__
    if isinstance(error, BerglineError | OSError | ImportError | MemoryError):
        return kind, str(error)[:LONGEST]
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [(frame.f_globals.get("__name__", "?"), line) for frame, line in frames]
    ours = [each for each in names if each[0].startswith(("services.", "shared."))]
    module, line = (ours or names or [("?", 0)])[-1]
    return kind, f"raised below {module}, line {line}; its text is left out, as it may quote a row"
