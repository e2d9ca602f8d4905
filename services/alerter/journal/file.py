"""The journal on disk: one process at a time, appended durably, replaced as a whole.

Blocking; called off the event loop.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from shared.runtime.durable_files import (
    FILE_MODE,
    make_directory,
    sync_directory,
    write_all,
)
from shared.runtime.errors import ConfigurationError, Refused

JOURNAL = "journal"
_LOCK = "lock"
_NEW = "journal.new"
_DAMAGED = "journal.damaged"
KEPT_DAMAGED = 3
"""So many damaged journals are kept aside, the newest."""


class JournalFile:
    """The file in a directory that is ours until :meth:`close`.

    Raises:
        Refused: another process has the directory.
        ConfigurationError: the directory cannot be made or written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None
        self._closed = False
        try:
            make_directory(directory)
            self._lock = os.open(
                directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE
            )
        except OSError as error:
            raise _unusable(directory, error) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise Refused(
                f"another alerter keeps its journal in {directory}",
                "end it, or give this one another port or work directory",
            ) from None
        self.last_alive_at = os.fstat(self._lock).st_mtime
        """When an alerter last said by :meth:`touch` that it was alive, seconds since the epoch;
        the present where none ever was."""

    def touch(self) -> None:
        """Say that this alerter is alive."""
        with contextlib.suppress(OSError):
            os.utime(self._lock)

    def read(self) -> bytes:
        """All of it; empty when there is none yet.

        Raises:
            ConfigurationError: it cannot be read.
        """
        try:
            return (self._directory / JOURNAL).read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _unusable(self._directory, error) from None

    def set_aside(self) -> Path:
        """Keep the file as it is under another name, for humans, and say under which."""
        aside = sorted(self._directory.glob(f"{_DAMAGED}-*"))
        for each in aside[: len(aside) - KEPT_DAMAGED + 1]:
            each.unlink(missing_ok=True)
        last = int(aside[-1].name.rpartition("-")[2]) if aside else 0
        to = self._directory / f"{_DAMAGED}-{last + 1:06d}"
        to.unlink(missing_ok=True)
        os.link(self._directory / JOURNAL, to)
        sync_directory(self._directory)
        return to

    def replace(self, data: bytes) -> None:
        """Another content, as a whole and durable: after a crash there is the old or the new.

        Raises:
            OSError: it may be there or not.
        """
        self._end()
        if self._closed:
            raise OSError("the journal is closed: its directory may be another's by now")
        new = self._directory / _NEW
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(new, flags, FILE_MODE)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
            new.rename(self._directory / JOURNAL)
            sync_directory(self._directory)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def append(self, data: bytes, *, durable: bool = True) -> None:
        """Add lines; with ``durable`` they, and all before them, outlive a crash of the machine.

        Raises:
            OSError: some of it may be there; the content must be replaced.
        """
        if self._descriptor is None:
            raise OSError("the journal has to be replaced first")
        try:
            write_all(self._descriptor, data)
            if durable:
                os.fsync(self._descriptor)
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Leave the directory to others; nothing is written from here on."""
        self._end()
        self._closed = True
        with contextlib.suppress(OSError):
            os.close(self._lock)

    def _end(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _unusable(directory: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"the journal in {directory} cannot be kept: {error.strerror}",
        "give alerter a directory of its own that it can read and write",
    )
