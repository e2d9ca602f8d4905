"""What a store holds below a location, page by page."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import obstore
from pyiceberg.io import FileIO

from shared.lake.maintenance.digests import place
from shared.lake.maintenance.object_store import as_os_errors, bucket, in_store
from shared.runtime.errors import Refused

PAGE = 1000
"""Objects in a page: what an object store gives for one request."""


class StoredObject(NamedTuple):
    """One object: where it is, its bytes, and when the store got it.

    ``path`` begins with the location that was asked for, as it was asked for.
    """

    path: str
    size: int
    modified_ms: int


class Listing(Protocol):
    """Lists the objects of a store."""

    def pages(self, location: str) -> Iterator[Sequence[StoredObject]]:
        """All objects below ``location``, some at a time; never all of them are held.

        Raises:
            OSError: the store does not answer.
        """


class ObjectStoreListing:
    """Lists a bucket by ListObjectsV2."""

    def __init__(self, io: FileIO) -> None:
        self._io = io

    def pages(self, location: str) -> Iterator[Sequence[StoredObject]]:
        """As :class:`Listing`."""
        store, parts = bucket(self._io, location), urlsplit(location)
        root = f"{parts.scheme}://{parts.netloc}/"
        with as_os_errors():
            for page in obstore.list(store, parts.path.strip("/"), chunk_size=PAGE):
                yield [
                    StoredObject(
                        root + each["path"],
                        each["size"],
                        int(each["last_modified"].timestamp() * 1000),
                    )
                    for each in page
                ]


class DirectoryListing:
    """Lists a directory of this machine; links are neither followed nor told."""

    def pages(self, location: str) -> Iterator[Sequence[StoredObject]]:
        """As :class:`Listing`."""
        root = place(location).rstrip("/")
        found = _files(root, location.rstrip("/"))
        while page := list(islice(found, PAGE)):
            yield page


def listing_of(io: FileIO, location: str) -> Listing:
    """The listing of the store in which ``location`` is.

    Raises:
        Refused: there is no way to list a store of this kind.
    """
    if in_store(location):
        return ObjectStoreListing(io)
    scheme = urlsplit(location).scheme
    if scheme in {"", "file"}:
        return DirectoryListing()
    raise Refused(
        f"{location} cannot be listed: {scheme} is neither an S3 store nor a local directory",
        "sweep orphans with an engine that knows this store",
    )


def _files(directory: str, told: str) -> Iterator[StoredObject]:
    """All files below a directory, which is told to others as ``told``."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_symlink():  # nothing that a table library puts there
                continue
            path = f"{told}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, path)
                continue
            try:
                stat = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # deleted a moment ago
                continue
            yield StoredObject(path, stat.st_size, stat.st_mtime_ns // 1_000_000)
