"""What the spool needs of a file system, and the one of the operating system.

Everything is in one directory, by plain file names. Whatever is not said to be durable may be gone,
in part or whole, after a crash; what was removed may be back.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Protocol

from shared.runtime.durable_files import (
    FILE_MODE,
    make_directory,
    sync_directory,
    write_all,
)


class Appender(Protocol):
    """A new file that is written from its begin to its end."""

    def write(self, data: bytes) -> None:
        """Append; not durable. Raises OSError: some of it may be there."""

    def sync(self) -> None:
        """Make all that was written durable, and that the file exists.

        Raises OSError: what was written since the last one must not be trusted, nor synced again.
        """

    def close(self) -> None:
        """End writing; raises nothing."""


class Disk(Protocol):
    """One directory."""

    def names(self) -> list[str]:
        """File names in it."""

    def size(self, name: str) -> int:
        """Bytes of a file."""

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset``."""

    def create(self, name: str) -> Appender:
        """A new, empty file; raises FileExistsError when there is one."""

    def truncate(self, name: str, size: int) -> None:
        """Cut a file; durable."""

    def replace(self, name: str, data: bytes) -> None:
        """A small file with this content, whatever was there; durable, and never in between."""

    def rename(self, name: str, to: str) -> None:
        """Another name in the same directory; durable."""

    def remove(self, name: str) -> None:
        """Delete a file; not durable."""


class PosixDisk:
    """A directory of the operating system, made with its parents if it is not there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        make_directory(directory)

    def names(self) -> list[str]:
        """File names in it."""
        return [path.name for path in self.directory.iterdir()]

    def size(self, name: str) -> int:
        """Bytes of a file."""
        return (self.directory / name).stat().st_size

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset``."""
        with (self.directory / name).open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def create(self, name: str) -> PosixAppender:
        """A new, empty file."""
        return PosixAppender(self.directory, name)

    def truncate(self, name: str, size: int) -> None:
        """Cut a file; durable."""
        descriptor = os.open(self.directory / name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, name: str, data: bytes) -> None:
        """A small file with this content; durable."""
        other = self.directory / f"{name}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(other, flags, FILE_MODE)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        other.rename(self.directory / name)
        sync_directory(self.directory)

    def rename(self, name: str, to: str) -> None:
        """Another name; durable."""
        (self.directory / name).rename(self.directory / to)
        sync_directory(self.directory)

    def remove(self, name: str) -> None:
        """Delete a file."""
        (self.directory / name).unlink(missing_ok=True)


class PosixAppender:
    """A new file, mode 0600."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(directory / name, flags, FILE_MODE)
        self._is_listed = False

    def write(self, data: bytes) -> None:
        """Append."""
        write_all(self._descriptor, data)

    def sync(self) -> None:
        """Make it durable, at first with its name."""
        os.fsync(self._descriptor)
        if not self._is_listed:
            sync_directory(self._directory)
            self._is_listed = True

    def close(self) -> None:
        """End writing."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
