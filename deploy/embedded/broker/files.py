"""Durable file operations: a small file is replaced whole or not at all."""

import os
from pathlib import Path


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace ``path``; after a crash it holds the old or the new content. Raises OSError.

    Without ``durable`` a power cut may leave anything: for files that are checked when read.
    """
    draft = path.with_name(path.name + ".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        write_fully(descriptor, [content], 0)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)
    if durable:
        sync_directory(path.parent)


def write_fully(
    descriptor: int, buffers: list[bytes] | list[bytearray] | list[memoryview], position: int
) -> None:
    """Write all buffers from ``position`` on, in as few calls as the kernel allows."""
    pending = [memoryview(buffer) for buffer in buffers]
    while pending:
        written = os.pwritev(descriptor, pending[:1024], position)
        if written == 0:
            raise OSError("the device accepts no more bytes")
        position += written
        while pending and written >= len(pending[0]):
            written -= len(pending.pop(0))
        if written:
            pending[0] = pending[0][written:]
