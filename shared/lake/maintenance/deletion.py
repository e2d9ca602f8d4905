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
from shared.runtime.errors import Refused, Unavailable

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
        refused: whether that says that this client may not delete at all.
    """

    paths: frozenset[str] = frozenset()
    errors: int = 0
    error: str = ""
    refused: bool = False


def require_some(table: str, deleted: int, failed: Deleted) -> None:
    """Let pass a job that has deleted something, or that nothing went wrong in.

    A store that lets nothing be deleted is no success: tables would grow for ever unnoticed.

    Args:
        table: whose files they are.
        deleted: files that the job has deleted.
        failed: what went wrong.

    Raises:
        Refused: the store does not let this client delete.
        Unavailable: it deleted nothing for another reason.
    """
    if deleted or not failed.errors:
        return
    what = f"none of {failed.errors} files of {table} could be deleted: {failed.error}"
    if failed.refused:
        raise Refused(what, "give the credentials of the object store the right to delete objects")
    raise Unavailable(what, "check the object store (`bergline status`)")


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
        errors: list[OSError] = []
        failed = 0
        for root, own in stores.items():
            size = BATCH if root else 1
            for start in range(0, len(own), size):
                batch = own[start : start + size]
                try:
                    self._delete(root, batch)
                except OSError as error:
                    failed += len(batch)
                    errors.append(error)
                else:
                    gone.update(batch)
        if not errors:
            return Deleted(frozenset(gone))
        first = str(errors[0])
        log.warning("files not deleted", files=failed, error=first)
        return Deleted(frozenset(gone), failed, first, isinstance(errors[0], PermissionError))

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
