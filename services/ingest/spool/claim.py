"""Which directory is whose: numbered directories, each with a lock that its owner holds.

An instance takes the number that it is told, else the first free one. So it finds what it held
before, with a volume of its own (a StatefulSet) in any case. On a shared file system a directory
that nobody has owned for a while is free for anybody: its lock ended with the process that held it,
and the time of the lock's file tells when that was alive. The lock is ``flock``: it holds on local
file systems and on NFS 4, not on object stores.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.ingest.spool.survey import CURSOR
from shared.runtime.durable_files import FILE_MODE, make_directory

LOCK = "lock"
SPARE = 1000
"""Numbers from here on are taken by instances whose own is taken."""
ORPHANED_AFTER_S = 30.0
"""After so long without an owner a directory is anybody's: until then its owner may start again,
and go on in its order."""
_TRIES, _AGAIN_S = 3, 0.02
"""Somebody who only looks holds a lock for a moment."""

_NUMBERED = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Claim:
    """A directory that is ours as long as this process lives."""

    directory: Path
    lock: int

    def touch(self) -> None:
        """Say that the owner is alive; to be called more often than :data:`ORPHANED_AFTER_S`."""
        with contextlib.suppress(OSError):
            os.utime(self.lock)

    def release(self) -> None:
        """Leave it to others."""
        os.close(self.lock)


def claim_own(root: Path, number: int | None = None) -> Claim:
    """The directory of a number, or the first one that nobody owns.

    Args:
        root: of all instances.
        number: the instance's own; while another one holds it, the first free one from
            :data:`SPARE` on.

    Raises:
        OSError: it cannot be made or locked.
    """
    make_directory(root)
    if number is not None:
        claimed = _insist(root / f"{number:04d}")
        if claimed is not None:
            return claimed
    number = 0 if number is None else SPARE
    while True:
        claimed = _insist(root / f"{number:04d}")
        if claimed is not None:
            return claimed
        number += 1


def claim_orphans(
    root: Path,
    after_s: float = ORPHANED_AFTER_S,
    failed: Callable[[Path, OSError], None] = lambda _directory, _error: None,
) -> Iterator[Claim]:
    """Directories that hold entries and that nobody has owned for a while.

    Args:
        root: of all instances.
        after_s: for how long.
        failed: told of each directory that cannot be claimed, and why; the others are.

    Raises:
        OSError: the root cannot be read.
    """
    for directory in numbered(root):
        try:
            claimed = _orphan(directory, after_s)
        except OSError as error:
            failed(directory, error)
            continue
        if claimed is not None:
            yield claimed


def _orphan(directory: Path, after_s: float) -> Claim | None:
    if not _holds_segments(directory) or time.time() - alive_at(directory) < after_s:
        return None
    claimed = _claim(directory)
    if claimed is not None and not _holds_segments(directory):
        claimed.release()
        return None
    return claimed


def numbered(root: Path) -> list[Path]:
    """Directories of instances.

    Raises:
        OSError: the root cannot be read.
    """
    return sorted(path for path in root.iterdir() if _NUMBERED.fullmatch(path.name))


def alive_at(directory: Path) -> float:
    """When an owner of it was alive for the last time, unix seconds; 0 when it never had one."""
    try:
        return (directory / LOCK).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def is_owned(directory: Path) -> bool:
    """Whether a process holds its lock now.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        descriptor = os.open(directory / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _holds_segments(directory: Path) -> bool:
    return any(directory.glob("*/*/*.segment"))


def damaged_files(directory: Path) -> list[Path]:
    """Files of entries that could not be read, which nobody removes."""
    return sorted(directory.glob("*/*/*.damaged"))


def stream_directories(directory: Path) -> Iterator[tuple[str, str, Path]]:
    """Source, topic and directory of every stream in a claimed directory."""
    for path in sorted(directory.glob("*/*/")):
        if any(path.glob("*.segment")) or (path / CURSOR).exists():
            yield path.parent.name, path.name, path


def _insist(directory: Path) -> Claim | None:
    for _ in range(_TRIES):
        claimed = _claim(directory)
        if claimed is not None:
            return claimed
        time.sleep(_AGAIN_S)
    return None


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
    claim = Claim(directory, descriptor)
    claim.touch()
    return claim
