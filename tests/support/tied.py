"""Commands whose process ends with the tests, however those end: a killed run leaves nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy.embedded import tether


def tied(*command: str | Path, nice: int = 0) -> list[str | Path]:
    """The command, to be started by a thread that lives as long as its process may.

    Args:
        command: program and arguments.
        nice: added to its scheduling priority number.
    """
    return [sys.executable, "-I", tether.__file__, str(os.getpid()), str(nice), *command]
