"""Directories for rows that do not fit into memory: gone with their process, however that ends.

A directory is locked by who uses it, and the kernel lets go of locks of the dead. So one that can
be locked was left behind, by a kill or a power cut, and whoever comes next removes it. Ids of
processes would not do: containers that share a directory for temporary files count anew each.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

PREFIX = "bergline-compaction-"

log = structlog.stdlib.get_logger("bergline.lake")


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """A directory of our own where temporary files go, removed in all outcomes.

    Those that others left behind are removed first, as they take the room that this one needs.

    Raises:
        OSError: none can be made.
    """
    remove_abandoned()
    directory, lock = _made()
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def remove_abandoned() -> list[Path]:
    """Remove the directories that no process uses any more; which they were.

    One that cannot be removed is left: somebody else's, or on a disk that is in trouble.
    """
    removed = []
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, gone meanwhile, not ours, not a directory
            lock = _locked(path)
            try:
                shutil.rmtree(path)
            finally:
                os.close(lock)
            removed.append(path)
    if removed:
        log.info("directories of ended compactions removed", directories=len(removed))
    return removed


def _made() -> tuple[Path, int]:
    """A directory and its lock. Another process may take it for abandoned until it is locked."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        with suppress(FileNotFoundError, BlockingIOError):
            lock = _locked(path)
            if path.is_dir():
                return path, lock
            os.close(lock)


def _locked(path: Path) -> int:
    """Lock a directory; its descriptor.

    Raises:
        BlockingIOError: somebody else holds it.
        OSError: it is none, is not there, or cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
