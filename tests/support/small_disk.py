"""A file system of its own for one directory, which can be made full and be given space again.

A tmpfs is full once it is remounted with the size of what lies in it, so that nothing has to be
written to fill it. Linux only; needs the right to mount (root, or a user and mount namespace).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PAGE_BYTES = 4096
_TRIES = 10


class SmallDisk:
    """A tmpfs on ``path``.

    Args:
        path: an empty directory, made if missing.
        size_bytes: its size while it is not full; memory is used only for what lies in it.
    """

    def __init__(self, path: Path, size_bytes: int) -> None:
        self.path = path
        self._size = size_bytes

    def mount(self) -> None:
        """Mount it, empty.

        Raises:
            OSError: this process may not mount, or this is not Linux.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _mount("-t", "tmpfs", "-o", f"size={self._size},mode=0700", "tmpfs", str(self.path))

    def fill(self, left_bytes: int = 0) -> None:
        """Leave room for so many bytes; writers meet ENOSPC behind them.

        Raises:
            OSError: it grows too fast to be caught.
        """
        for attempt in range(_TRIES):
            used = os.statvfs(self.path)
            held = (used.f_blocks - used.f_bfree) * used.f_frsize
            # Never 0, which would mean "no limit"; what is written meanwhile is refused by mount.
            size = held + max(left_bytes, _PAGE_BYTES) + attempt * 16 * _PAGE_BYTES
            try:
                self._resize(size)
            except OSError:
                if attempt == _TRIES - 1:
                    raise
            else:
                return

    def free(self) -> None:
        """Give the space back."""
        self._resize(self._size)

    def unmount(self) -> None:
        """Unmount it, with all that lies in it."""
        _run("umount", "--lazy", str(self.path))

    def _resize(self, size: int) -> None:
        # With a source: mount(8) would add the options it finds, among them an owner that a user
        # namespace does not know.
        _mount("-o", f"remount,size={size}", "tmpfs", str(self.path))


def _mount(*arguments: str) -> None:
    if sys.platform != "linux":
        raise OSError("small disks are tmpfs, which only Linux has")
    _run("mount", *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip() or f"{command[0]} failed with {done.returncode}")
