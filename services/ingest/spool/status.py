"""What is in the spools of all instances that share a root; nothing is changed."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from services.ingest.spool.claim import (
    alive_at,
    damaged_files,
    is_owned,
    numbered,
    stream_directories,
)
from services.ingest.spool.disk import PosixDisk
from services.ingest.spool.survey import Found, survey

_LOOKS = 5
"""How often a stream is looked at whose owner removes files meanwhile."""


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One source and topic.

    Attributes:
        records: that the broker may not have yet.
        bytes: of its files.
        oldest_s: how long ago the oldest of them was accepted; ``None`` when there is none.
        damaged: files with accepted entries that cannot be read.
    """

    source: str
    topic: str
    records: int
    bytes: int
    oldest_s: float | None
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """One directory.

    Attributes:
        directory: where it is.
        owned: whether a running instance has it.
        alive_s: how long ago an owner was alive for the last time; ``None`` when it had none.
        streams: those that hold something or have held something.
    """

    directory: str
    owned: bool
    alive_s: float | None
    streams: tuple[StreamStatus, ...]


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """All of a root.

    Attributes:
        root: where it is.
        free_bytes: of its file system.
        instances: by directory.
    """

    root: str
    free_bytes: int
    instances: tuple[InstanceStatus, ...]


def status(root: Path) -> SpoolStatus | None:
    """What is there now; ``None`` when there is no such directory.

    Raises:
        OSError: it cannot be read.
        NewerFormat: a later version has written there.
    """
    if not root.is_dir():
        return None
    now = time.time()
    return SpoolStatus(
        str(root),
        shutil.disk_usage(root).free,
        tuple(_instance(directory, now) for directory in numbered(root)),
    )


def _instance(directory: Path, now: float) -> InstanceStatus:
    alive = alive_at(directory)
    return InstanceStatus(
        str(directory),
        is_owned(directory),
        round(now - alive, 1) if alive else None,
        tuple(
            _stream(directory, source, topic, path, now)
            for source, topic, path in stream_directories(directory)
        ),
    )


def _stream(directory: Path, source: str, topic: str, path: Path, now: float) -> StreamStatus:
    found = _survey(path)
    oldest = None if found.oldest_ms is None else round(max(0.0, now - found.oldest_ms / 1000), 1)
    aside = [file.name for file in damaged_files(directory) if file.parent == path]
    damaged = (*found.damaged, *aside)
    return StreamStatus(source, topic, found.entries, found.size, oldest, damaged)


def _survey(path: Path) -> Found:
    for _ in range(_LOOKS):
        try:
            return survey(PosixDisk(path))
        except FileNotFoundError:  # its owner has sent it meanwhile
            continue
    return Found()
