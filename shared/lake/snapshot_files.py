"""The data files of pinned snapshots as a file system that DuckDB reads from.

DuckDB's own S3 reader is an extension that would have to be downloaded. Iceberg's data files
never change, and manifests tell their sizes, so nothing needs to be asked of the store but
bytes: small files come whole in one request and are kept a while, large ones by ranges.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from fsspec import AbstractFileSystem  # type: ignore[import-untyped]
from pyiceberg.io import FileIO, InputStream

WHOLE_BYTES = 1024 * 1024
"""Files up to this size are fetched whole."""

KEPT_BYTES = 64 * 1024 * 1024
"""Most bytes of small files that are kept."""

_UNCHANGED_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


class SnapshotFiles(AbstractFileSystem):
    """Read-only; knows exactly the files that it was given.

    :attr:`failure` is the last error of the store: DuckDB passes on only its text.
    """

    cachable = False

    def __init__(self, protocols: tuple[str, ...]) -> None:
        super().__init__()
        self.protocol = protocols
        self._files: dict[str, tuple[int, FileIO]] = {}
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()
        self.failure: OSError | None = None

    def add(self, path: str, size: int, file_io: FileIO) -> None:
        """Make one file known, with its size in bytes."""
        self._files[path] = (size, file_io)

    @property
    def paths(self) -> list[str]:
        """All files known."""
        return list(self._files)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size and type.

        Raises:
            FileNotFoundError: it is not a file of these snapshots.
        """
        if path not in self._files:
            raise FileNotFoundError(path)
        return {"name": path, "size": self._files[path][0], "type": "file"}

    def glob(self, path: str, **_: Any) -> list[str]:
        """The path itself: there are no patterns."""
        return [path] if path in self._files else []

    def modified(self, path: str) -> datetime:
        """A constant: data files are never changed."""
        self.info(path)
        return _UNCHANGED_SINCE

    def open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        """Open for reading.

        Raises:
            FileNotFoundError: it is not a file of these snapshots.
            PermissionError: for writing.
        """
        if mode != "rb":
            raise PermissionError(f"{path}: tables are read only")
        size = self.info(path)["size"]
        if size > WHOLE_BYTES:
            return _Ranged(self, path)
        with self._lock:
            kept = self._kept.get(path)
            if kept is not None:
                self._kept.move_to_end(path)
                return io.BytesIO(kept)
        with self.noting_failure(), self.stream(path, seekable=False) as stream:
            content = stream.read()
        self._keep(path, content)
        return io.BytesIO(content)

    def stream(self, path: str, *, seekable: bool) -> InputStream:
        """The bytes of one file in the store."""
        return self._files[path][1].new_input(path).open(seekable=seekable)

    @contextmanager
    def noting_failure(self) -> Iterator[None]:
        """Remember an error of the store and pass it on."""
        try:
            yield
        except OSError as error:
            self.failure = error
            raise

    def _keep(self, path: str, content: bytes) -> None:
        with self._lock:
            if path in self._kept:
                return
            self._kept[path] = content
            self._kept_bytes += len(content)
            while self._kept_bytes > KEPT_BYTES:
                _, dropped = self._kept.popitem(last=False)
                self._kept_bytes -= len(dropped)


class _Ranged:
    """A large file: reads what is asked for."""

    def __init__(self, files: SnapshotFiles, path: str) -> None:
        self._files = files
        with files.noting_failure():
            self._stream = files.stream(path, seekable=True)

    def read(self, size: int = 0) -> bytes:
        """Up to ``size`` bytes from the present position."""
        with self._files.noting_failure():
            return self._stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """The present position."""
        return self._stream.tell()

    def close(self) -> None:
        """End reading."""
        self._stream.close()
