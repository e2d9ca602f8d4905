"""A directory in memory that forgets, at a crash, what was not made durable."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class _File:
    data: bytearray = field(default_factory=bytearray)
    synced: int = 0
    """Bytes that survive."""
    is_listed: bool = False
    """Whether its name survives."""


class CrashingDisk:
    """Like ``PosixDisk``; fails on demand.

    ``fails`` is how many calls succeed before one raises ENOSPC; ``None``: all of them do. A write
    that fails leaves half of its bytes.
    """

    def __init__(self) -> None:
        self.files: dict[str, _File] = {}
        self.removed: dict[str, _File] = {}
        self.fails: int | None = None

    def names(self) -> list[str]:
        return list(self.files)

    def size(self, name: str) -> int:
        return len(self.files[name].data)

    def read(self, name: str, offset: int, size: int) -> bytes:
        return bytes(self.files[name].data[offset : offset + size])

    def create(self, name: str) -> CrashingAppender:
        self._may_fail()
        if name in self.files:
            raise FileExistsError(name)
        self.removed.pop(name, None)
        self.files[name] = _File()
        return CrashingAppender(self, self.files[name])

    def truncate(self, name: str, size: int) -> None:
        self._may_fail()
        if name not in self.files:
            raise FileNotFoundError(name)
        file = self.files[name]
        del file.data[size:]
        file.synced = len(file.data)

    def replace(self, name: str, data: bytes) -> None:
        self._may_fail()
        self.files[name] = _File(bytearray(data), len(data), is_listed=True)

    def rename(self, name: str, to: str) -> None:
        self._may_fail()
        self.files[to] = self.files.pop(name)

    def remove(self, name: str) -> None:
        file = self.files.pop(name, None)
        if file is not None:
            self.removed[name] = file

    def crash(self, keep: Callable[[int], int], stays: Callable[[], bool]) -> None:
        """Lose what was not durable.

        Args:
            keep: how many of so many unsynced bytes stay.
            stays: asked for each name that may stay or not.
        """
        self.fails = None
        for name, file in list(self.files.items()):
            if not file.is_listed and not stays():
                del self.files[name]
                continue
            file.is_listed = True
            del file.data[file.synced + keep(len(file.data) - file.synced) :]
            file.synced = len(file.data)
        for name, file in self.removed.items():
            if file.is_listed and name not in self.files and stays():
                self.files[name] = file
        self.removed.clear()

    def _may_fail(self) -> None:
        if self.fails is not None:
            self.fails -= 1
            if self.fails < 0:
                self.fails = None
                raise OSError(errno.ENOSPC, "No space left on device")


class CrashingAppender:
    def __init__(self, disk: CrashingDisk, file: _File) -> None:
        self._disk = disk
        self._file = file

    def write(self, data: bytes) -> None:
        try:
            self._disk._may_fail()
        except OSError:
            self._file.data += data[: len(data) // 2]
            raise
        self._file.data += data

    def sync(self) -> None:
        self._disk._may_fail()
        self._file.synced = len(self._file.data)
        self._file.is_listed = True

    def close(self) -> None:
        pass
