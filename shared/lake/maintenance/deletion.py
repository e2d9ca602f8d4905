"""Delete files of tables for good. Nobody else deletes data files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import obstore
import structlog
from pyiceberg.io import FileIO

from shared.lake.maintenance.object_store import as_os_errors, bucket, in_store

BATCH = 1000
"""Objects of one request to an object store."""

log = structlog.stdlib.get_logger("bergline.lake")


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of files that were to be deleted.

    Attributes:
        paths: those that are gone.
        errors: how many may not be deleted; an orphan sweep finds those that are not.
        error: the first error, in words.
    """

    paths: frozenset[str] = frozenset()
    errors: int = 0
    error: str = ""


class FileDeletion(Protocol):
    """Deletes files of one store."""

    def delete(self, paths: Iterable[str]) -> Deleted:
        """Delete these files; one that is gone already counts as deleted.

        What the store refuses or does not answer is told, not raised.
        """


class StoreDeletion:
    """Deletes objects and local files through the store that a FileIO knows."""

    def __init__(self, io: FileIO) -> None:
        self._io = io

    def delete(self, paths: Iterable[str]) -> Deleted:
        """As :class:`FileDeletion`."""
        stores: dict[str, list[str]] = {}
        for path in dict.fromkeys(paths):
            parts = urlsplit(path)
            root = f"{parts.scheme}://{parts.netloc}" if in_store(path) else ""
            stores.setdefault(root, []).append(path)
        gone: set[str] = set()
        errors: list[str] = []
        failed = 0
        for root, own in stores.items():
            size = BATCH if root else 1
            for start in range(0, len(own), size):
                batch = own[start : start + size]
                try:
                    self._delete(root, batch)
                except OSError as error:
                    failed += len(batch)
                    errors.append(str(error))
                else:
                    gone.update(batch)
        if errors:
            log.warning("files not deleted", files=failed, error=errors[0])
        return Deleted(frozenset(gone), failed, errors[0] if errors else "")

    def _delete(self, root: str, batch: Sequence[str]) -> None:
        if root:
            keys = [path.removeprefix(f"{root}/") for path in batch]
            with as_os_errors():
                obstore.delete(bucket(self._io, root), keys)
            return
        for path in batch:
            try:
                self._io.delete(path)
            except FileNotFoundError:
                continue


def deletion_of(io: FileIO) -> FileDeletion:
    """Deletes where ``io`` reads and writes."""
    return StoreDeletion(io)
