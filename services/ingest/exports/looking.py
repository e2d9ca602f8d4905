"""Look at a file without reading it: is it there, how large is it, is it a whole Parquet file?

The first four bytes and the last four tell the latter: a writer puts the last ones at its end.
Columns are stream_writer's to look at, as that takes a library of tables.
"""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import dataclass

import aiohttp

from services.ingest import problem
from services.ingest.problem import Refused
from shared.runtime.export_places import NotAllowed, Place, fingerprint, opened
from shared.runtime.s3_requests import ObjectStore
from shared.runtime.settings import Settings

_MAGIC = b"PAR1"
_SMALLEST = 12
_RETRY_AFTER = {"Retry-After": str(problem.RETRY_AFTER_SECONDS)}


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that is there.

    Attributes:
        size: bytes.
        fingerprint: changes with the file.
        whole: whether it begins and ends as a Parquet file does.
    """

    size: int
    fingerprint: str
    whole: bool


async def look(place: Place, settings: Settings) -> Seen:
    """Look at a file or an object.

    Raises:
        Refused: it is not there, not allowed, or cannot be looked at.
    """
    if place.is_local:
        return await asyncio.to_thread(_look_at_file, place)
    try:
        async with ObjectStore(settings) as store:
            return await _look_at_object(place, store)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Refused(
            problem.EXPORT_STORE_UNAVAILABLE,
            f"the object store does not answer ({type(error).__name__})",
            headers=_RETRY_AFTER,
        ) from error


def require_whole(seen: Seen) -> None:
    """Raises Refused: it is no whole Parquet file."""
    if not seen.whole:
        raise Refused(
            problem.EXPORT_NOT_PARQUET, f"the {seen.size} bytes are no whole Parquet file"
        )


def of_object(size: int, etag: str) -> str:
    """What changes with an object: its size and ETag."""
    return f"{size}-{etag.strip(chr(34))}"[:256]


def _look_at_file(place: Place) -> Seen:
    try:
        with opened(place) as descriptor:
            found = os.fstat(descriptor)
            size = found.st_size
            head = os.pread(descriptor, len(_MAGIC), 0)
            tail = os.pread(descriptor, len(_MAGIC), max(0, size - len(_MAGIC)))
    except NotAllowed as error:
        raise Refused(problem.EXPORT_NOT_ALLOWED, str(error)) from None
    except FileNotFoundError:
        raise _missing() from None
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "error")
        raise Refused(problem.EXPORT_NOT_FOUND, f"the file cannot be opened ({name})") from None
    return Seen(size, fingerprint(found), size >= _SMALLEST and head == tail == _MAGIC)


async def _look_at_object(place: Place, store: ObjectStore) -> Seen:
    told = await store.ask("HEAD", place.bucket, place.key)
    if told.status == 404:
        raise _missing()
    if told.status != 200:
        if told.status >= 500:
            raise aiohttp.ClientError(f"answered {told.status}")
        raise Refused(problem.EXPORT_NOT_FOUND, f"the store answers {told.status}")
    size = int(told.headers.get("Content-Length", "0"))
    seen = of_object(size, told.headers.get("ETag", ""))
    if size < _SMALLEST:
        return Seen(size, seen, whole=False)
    head = await store.ask("GET", place.bucket, place.key, byte_range="bytes=0-3")
    tail = await store.ask(
        "GET", place.bucket, place.key, byte_range=f"bytes={size - 4}-{size - 1}"
    )
    return Seen(size, seen, head.body == tail.body == _MAGIC)


def _missing() -> Refused:
    return Refused(problem.EXPORT_NOT_FOUND, "there is no such file")
