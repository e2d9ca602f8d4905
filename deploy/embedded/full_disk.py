"""Notices that the storage met a full disk, from which it does not recover by itself.

SeaweedFS keeps its directory in goleveldb. After one failed write to its journal, goleveldb refuses
every further one for as long as the process lives, also when there is space again, while reads and
so the readiness probe go on working. A new process reads the journal and is well. There is no
figure that tells; the log does, so the log is read.
"""

from __future__ import annotations

import shutil
from pathlib import Path

MESSAGE = b"no space left on device"
"""ENOSPC in Go's words."""

ROOM_BYTES = 64 * 2**20
"""Free space that makes a new start worth while."""

_READ_BYTES = 2**20


class FullDiskWatch:
    """Watches one process from its start; called again and again.

    Args:
        log: what the process writes its errors to.
        directory: where its data lie.
        room_bytes: free space to wait for.
    """

    def __init__(self, log: Path, directory: Path, room_bytes: int = ROOM_BYTES) -> None:
        self._log = log
        self._directory = directory
        self._room = room_bytes
        self._position = _size(log)
        self._met = False

    def __call__(self) -> str | None:
        """Why it must be started again, once there is room for that."""
        self._met = self._met or self._says_so()
        if self._met and shutil.disk_usage(self._directory).free >= self._room:
            return f"the disk of {self._directory} was full; what failed then is refused ever since"
        return None

    def _says_so(self) -> bool:
        size = _size(self._log)
        if size == self._position:
            return False
        # A shorter log was emptied; of a long one the end is enough, as every write fails anew.
        start = self._position if size > self._position else 0
        start = max(start - len(MESSAGE) + 1, size - _READ_BYTES, 0)
        with self._log.open("rb") as file:
            file.seek(start)
            found = MESSAGE in file.read(_READ_BYTES)
        self._position = size
        return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
