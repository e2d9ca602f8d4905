"""Contents of small data files, kept: a builder reads those of its own tables again and again.

A build adds a file of some kilobytes, which the next builds of the table, and of those that read
it, look into until it is folded. Asking the store for its footer and ranges costs more each time
than the whole file once. Data files never change, so nothing kept is ever wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile

from shared.lake.reading.bounded_cache import BoundedCache

SMALL_BYTES = 128 * 2**10
KEPT_BYTES = 16 * 2**20
FETCHES = 8
"""Most files that are fetched whole at once; where more are missing, a scan of all costs less."""

_KEPT: BoundedCache[bytes] = BoundedCache(KEPT_BYTES, len)


def written(path: str, content: bytes) -> None:
    """Keep a file that was written a moment ago, if it is small."""
    if len(content) <= SMALL_BYTES:
        _KEPT.get(path, lambda: content)


def contents(io: FileIO, files: Sequence[DataFile]) -> dict[str, bytes]:
    """What there is of these files by path: those kept, and small ones that are few to fetch.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    small = [file.file_path for file in files if file.file_size_in_bytes <= SMALL_BYTES]
    found = {path: kept for path in small if (kept := _KEPT.peek(path)) is not None}
    missing = [path for path in small if path not in found]
    if len(missing) == 1:
        found[missing[0]] = _fetched(io, missing[0])
    elif 1 < len(missing) <= FETCHES:
        with ThreadPoolExecutor(len(missing), "bergline-fetch") as pool:
            got = pool.map(lambda path: _fetched(io, path), missing)
            found |= dict(zip(missing, got, strict=True))
    return found


def _fetched(io: FileIO, path: str) -> bytes:
    return _KEPT.get(path, lambda: whole(io, path))


def whole(io: FileIO, path: str) -> bytes:
    """A file by one request.

    Raises:
        OSError: the object store does not answer, or lacks the file.
    """
    with io.new_input(path).open(seekable=False) as stream:
        return stream.read()
