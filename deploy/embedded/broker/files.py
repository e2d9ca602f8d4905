"""Durable file operations: a small file is replaced whole, a log grows or stays as it was."""

import os
from collections.abc import Sequence
from pathlib import Path


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make a directory and its missing parents, durably. Raises OSError."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True, mode=0o750)
    for each in missing:
        sync_directory(each.parent)


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace ``path``; after a crash it holds the old or the new content. Raises OSError.

    Without ``durable`` a power cut may leave anything: for files that are checked when read.
    """
    draft = path.with_name(path.name + ".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        _write_fully(descriptor, [content], 0)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)
    if durable:
        sync_directory(path.parent)


def append_durably(path: Path, buffers: Sequence[bytes | bytearray], position: int) -> None:
    """Write and sync ``buffers`` behind the first ``position`` bytes. Raises OSError.

    What lies there already is of a write that failed: left in place, recovery would find it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o640)
    try:
        if os.fstat(descriptor).st_size > position:
            os.ftruncate(descriptor, position)
        _write_fully(descriptor, buffers, position)
        os.fdatasync(descriptor)
        if position == 0:
            sync_directory(path.parent)
    except OSError:
        os.ftruncate(descriptor, position)
        raise
    finally:
        os.close(descriptor)


def _write_fully(descriptor: int, buffers: Sequence[bytes | bytearray], position: int) -> None:
    pending = [memoryview(buffer) for buffer in buffers if buffer]
    while pending:
        written = os.pwritev(descriptor, pending[:1024], position)
        if written == 0:
            raise OSError("the device accepts no more bytes")
        position += written
        while pending and written >= len(pending[0]):
            written -= len(pending.pop(0))
        if written:
            pending[0] = pending[0][written:]
