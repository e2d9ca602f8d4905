"""Logs of child processes: one file each, bounded.

A child appends to its file directly, so that nothing it writes is lost with the supervisor. When
the file has grown past the limit, its content moves to ``NAME.log.1`` and the file is emptied in
place: lines written during that copy may be lost, the disk is never filled.
"""

from __future__ import annotations

import shutil
from pathlib import Path

LIMIT_BYTES = 16 * 1024 * 1024
_TAIL_BYTES = 256 * 1024


def rotate(path: Path, limit: int = LIMIT_BYTES) -> bool:
    """Move the content away if the file has passed the limit; whether it did."""
    try:
        if path.stat().st_size <= limit:
            return False
    except FileNotFoundError:
        return False
    shutil.copyfile(path, path.with_name(path.name + ".1"))
    with path.open("r+") as file:
        file.truncate(0)
    return True


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log, at most 256 KiB of them; none when there is no log."""
    if lines <= 0:
        return []
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    found = text.splitlines()
    if size > _TAIL_BYTES:
        found = found[1:]  # begins in the middle of a line
    return found[-lines:]
