"""Which directory is whose: numbered directories, each with a lock that its owner holds.

An instance takes the first free number. With a volume of its own (a StatefulSet) that is always the
same directory, with what it held before. On a shared file system a directory whose owner is gone is
free for anybody: its lock ended with the process that held it. The lock is ``flock``: it holds on
local file systems and on NFS 4, not on object stores.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.ingest.spool.disk import FILE_MODE, make_directory
from services.ingest.spool.stream import CURSOR

LOCK = "lock"
_NUMBERED = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Claim:
    """A directory that is ours as long as this process lives."""

    directory: Path
    lock: int

    def release(self) -> None:
        """Leave it to others."""
        os.close(self.lock)


def claim_first(root: Path) -> Claim:
    """The first directory that nobody owns; a new one when there is none.

    Raises:
        OSError: it cannot be made or locked.
    """
    make_directory(root)
    number = 0
    while True:
        claimed = _claim(root / f"{number:04d}")
        if claimed is not None:
            return claimed
        number += 1


def claim_orphans(root: Path) -> Iterator[Claim]:
    """Directories that hold entries and that nobody owns.

    Raises:
        OSError: the root cannot be read.
    """
    for directory in sorted(root.iterdir()):
        if _NUMBERED.fullmatch(directory.name) and _holds_segments(directory):
            claimed = _claim(directory)
            if claimed is not None:
                if _holds_segments(directory):
                    yield claimed
                else:
                    claimed.release()


def _holds_segments(directory: Path) -> bool:
    return any(directory.glob("*/*/*.segment"))


def stream_directories(directory: Path) -> Iterator[tuple[str, str, Path]]:
    """Source, topic and directory of every stream in a claimed directory."""
    for path in sorted(directory.glob("*/*/")):
        if any(path.glob("*.segment")) or (path / CURSOR).exists():
            yield path.parent.name, path.name, path


def _claim(directory: Path) -> Claim | None:
    make_directory(directory)
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return Claim(directory, descriptor)
