"""What lies under a watched prefix: Parquet files by their URI, with what changes with them."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from xml.etree import ElementTree

import aiohttp

from services.ingest.exports.looking import of_object
from shared.runtime.export_places import NotAllowed, Prefix, fingerprint, parse
from shared.runtime.s3_requests import ObjectStore
from shared.runtime.settings import Settings

SUFFIX = ".parquet"
MOST_FILES = 100_000
"""More are not looked at: they are to be moved away once they are loaded."""
DEEPEST = 16


class TooManyFiles(Exception):
    """Raised when more files lie under a prefix than can be watched."""


async def listed(prefix: Prefix, settings: Settings) -> dict[str, str]:
    """URI → fingerprint of every Parquet file beneath a prefix that can be named.

    Left out are names that begin with a dot or an underscore, as do all that they hold, links,
    and other suffixes, such as ``.tmp``.

    Raises:
        TooManyFiles: there are more than :data:`MOST_FILES`.
        OSError, aiohttp.ClientError, TimeoutError: it cannot be listed now.
    """
    if prefix.scheme == "file":
        return await asyncio.to_thread(_files, prefix)
    async with ObjectStore(settings) as store:
        return await _objects(prefix, store)


def _files(prefix: Prefix) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, told in _walk(prefix.directory, 0):
        _add(found, f"file://{path}", fingerprint(told))
    return found


def _walk(directory: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            try:
                told = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # gone meanwhile
                continue
            if stat.S_ISDIR(told.st_mode) and depth < DEEPEST:
                yield from _walk(entry.path, depth + 1)
            elif stat.S_ISREG(told.st_mode) and entry.name.endswith(SUFFIX):
                yield entry.path, told


async def _objects(prefix: Prefix, store: ObjectStore) -> dict[str, str]:
    start = "".join(f"{part}/" for part in prefix.way)
    query = {"list-type": "2", "prefix": start}
    found: dict[str, str] = {}
    while True:
        answered = await store.ask("GET", prefix.bucket, query=query)
        if answered.status != 200:
            raise aiohttp.ClientError(f"the store answers {answered.status} to a listing")
        # Of the store that is configured, and expat bounds how entities expand.
        root = ElementTree.fromstring(answered.body)  # noqa: S314
        space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
        for each in root.iter(f"{space}Contents"):
            key = each.findtext(f"{space}Key") or ""
            parts = key.removeprefix(start).split("/")
            if key.endswith(SUFFIX) and not any(is_hidden(part) for part in parts):
                size = int(each.findtext(f"{space}Size") or 0)
                etag = each.findtext(f"{space}ETag") or ""
                _add(found, f"s3://{prefix.bucket}/{key}", of_object(size, etag))
        following = root.findtext(f"{space}NextContinuationToken")
        if not following:
            return found
        query = {**query, "continuation-token": following}


def _add(found: dict[str, str], uri: str, told: str) -> None:
    try:
        parse(uri)
    except NotAllowed:
        return  # a name that no URI can have
    found[uri] = told
    if len(found) > MOST_FILES:
        raise TooManyFiles(f"more than {MOST_FILES} files")


def is_hidden(name: str) -> bool:
    """Whether what has this name is still being written, or nobody's business."""
    return name.startswith((".", "_"))
