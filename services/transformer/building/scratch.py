"""A private directory for what a builder cannot hold, removed in all outcomes.

A process that is killed leaves its directory. The kernel releases its lock on it, so the next one
that starts on the same machine knows that nobody is there any more, and removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from uuid import uuid4

import structlog

_LOCK = "owner"

log = structlog.stdlib.get_logger("bergline.transformer")


class Scratch:
    """Files of one builder. For one thread.

    Args:
        below: where directories are made; need not be there.
    """

    def __init__(self, below: Path) -> None:
        self._below = below
        self._directory: Path | None = None
        self._lock: int | None = None

    def directory(self) -> Path:
        """The directory, which nobody but this user may enter. Made when there is none.

        Raises:
            OSError: it cannot be made.
        """
        if self._directory is None:
            self._below.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = self._below / uuid4().hex
            made.mkdir(mode=0o700)
            self._directory = made
            new = made / f"{_LOCK}.new"
            self._lock = os.open(new, os.O_WRONLY | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            new.rename(made / _LOCK)  # it is never there without being locked
        return self._directory

    def clear(self) -> None:
        """Remove the directory and all that is in it. Does not raise: a build has its own error,
        and what cannot be removed is tried again at the next start."""
        made, self._directory = self._directory, None
        lock, self._lock = self._lock, None
        if made is not None:
            shutil.rmtree(made, onerror=_told)
        if lock is not None:
            os.close(lock)

    def sweep(self) -> None:
        """Remove what processes have left that are no more. Does not raise."""
        try:
            found = [each for each in self._below.iterdir() if each.is_dir()]
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("not swept", directory=str(self._below), error=str(error))
            return
        for left in found:
            if _abandoned(left):
                shutil.rmtree(left, onerror=_told)


def _abandoned(directory: Path) -> bool:
    """Whether nobody holds the directory. One without a lock is just being made: it is empty."""
    try:
        lock = os.open(directory / _LOCK, os.O_WRONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _told(_: object, path: str, error: object) -> None:
    log.warning("not removed", path=path, error=str(error))
