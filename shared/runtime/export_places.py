"""Where exports may be read from: beneath the prefixes that an installation allows, nowhere else.

Whoever names a file names it by a URI: ``file:///dir/name`` or ``s3://bucket/key``. There is one
spelling of each place: nothing is percent-encoded, and no part of the way is empty, ``.`` or
``..``. Beneath a directory no symbolic link is followed, whichever part of the way it is, and what
is opened is the file that was looked at: the way is walked by descriptors. Objects are read from
the configured store only, whatever host a name looks like.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared.contracts.exports import LONGEST_URI

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REFUSED = re.compile(r"[\x00-\x1f\x7f%?#\\*]")


class NotAllowed(Exception):
    """Raised for a place that is not beneath an allowed prefix, or not named as it must be.

    The message is for whoever asked: it tells no more than was asked.
    """


@dataclass(frozen=True, slots=True)
class Prefix:
    """A directory, or the beginning of an object's key.

    Attributes:
        scheme: of the URIs beneath it.
        bucket: of the objects; empty for a directory.
        way: parts of path or key.
    """

    scheme: Literal["file", "s3"]
    bucket: str
    way: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join((f"{self.scheme}://{self.bucket}", *self.way)) + "/"

    @property
    def directory(self) -> str:
        """Path of a directory."""
        return "/" + "/".join(self.way)

    def holds(self, other: Prefix) -> bool:
        """Whether a place, or another prefix, is beneath this one or the same."""
        same = (self.scheme, self.bucket) == (other.scheme, other.bucket)
        return same and other.way[: len(self.way)] == self.way


@dataclass(frozen=True, slots=True)
class Place:
    """A file or an object beneath a prefix.

    Attributes:
        prefix: the allowed one.
        beneath: the way from there; the last part is its name.
    """

    prefix: Prefix
    beneath: tuple[str, ...]

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine."""
        return self.prefix.scheme == "file"

    @property
    def bucket(self) -> str:
        """Bucket of an object."""
        return self.prefix.bucket

    @property
    def key(self) -> str:
        """Key of an object."""
        return "/".join((*self.prefix.way, *self.beneath))

    @property
    def uri(self) -> str:
        """Its one spelling."""
        return f"{self.prefix.scheme}://{self.prefix.bucket}/{self.key}"


class Places:
    """The places that are allowed.

    Args:
        prefixes: as :func:`prefixes_of` gives them.
    """

    def __init__(self, prefixes: tuple[Prefix, ...]) -> None:
        self.prefixes = prefixes

    def place(self, uri: str) -> Place:
        """The place of a URI.

        Raises:
            NotAllowed: it is spelled otherwise than it must be, or is beneath no allowed prefix.
        """
        named = parse(uri)
        for prefix in self.prefixes:
            if prefix.holds(named) and len(named.way) > len(prefix.way):
                return Place(prefix, named.way[len(prefix.way) :])
        raise NotAllowed("the uri is beneath no allowed prefix")


def parse(uri: str) -> Prefix:
    """A URI, or a directory's absolute path, in parts; one slash at the end is left out.

    Raises:
        NotAllowed: it is spelled otherwise than it must be.
    """
    if not uri or not uri.isprintable() or _REFUSED.search(uri) or _is_too_long(uri):
        raise NotAllowed("the uri is too long, or has characters that may not be in it")
    if uri.startswith("/"):
        uri = f"file://{uri}"
    scheme, separator, rest = uri.partition("://")
    bucket, slash, path = rest.partition("/")
    if not separator or not slash or scheme not in ("file", "s3"):
        raise NotAllowed("the uri is neither file:///… nor s3://bucket/…")
    if (bucket != "") if scheme == "file" else _BUCKET.fullmatch(bucket) is None:
        raise NotAllowed("the uri names a host, or no bucket")
    way = tuple(path.removesuffix("/").split("/")) if path else ()
    if any(part in ("", ".", "..") for part in way):
        raise NotAllowed("a part of the uri is empty, . or ..")
    return Prefix("file" if scheme == "file" else "s3", bucket, way)


def _is_too_long(uri: str) -> bool:
    """Stores count the bytes of a key, and 1024 is the most that they take."""
    return len(uri.encode()) > LONGEST_URI


def prefixes_of(text: str, default: Path) -> tuple[Prefix, ...]:
    """The prefixes in a setting.

    Args:
        text: URIs or absolute directories, separated by commas.
        default: directory that counts when there are none.

    Raises:
        ValueError: one cannot be a prefix.
    """
    named = [item.strip() for item in text.split(",") if item.strip()]
    found = []
    for item in named or [str(default.absolute())]:
        try:
            prefix = parse(item)
        except NotAllowed as error:
            raise ValueError(f"{item!r} cannot be a prefix of exports: {error}") from None
        if prefix.scheme == "file" and not prefix.way:
            raise ValueError("the whole machine cannot be a prefix of exports")
        found.append(prefix)
    return tuple(found)


@contextmanager
def opened(place: Place) -> Iterator[int]:
    """A local file, opened for reading; its descriptor, which is closed afterwards.

    Raises:
        NotAllowed: a link, a directory or something else than a file stands on the way.
        FileNotFoundError: there is none.
        OSError: it cannot be read.
    """
    directory = os.open(place.prefix.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in place.beneath[:-1]:
            inner = _opened(part, os.O_DIRECTORY, directory)
            os.close(directory)
            directory = inner
        # Not to wait for the writer of a pipe.
        descriptor = _opened(place.beneath[-1], os.O_NONBLOCK, directory)
    finally:
        os.close(directory)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAllowed("the uri names something else than a file")
        yield descriptor
    finally:
        os.close(descriptor)


def fingerprint(found: os.stat_result) -> str:
    """What changes with a local file: its size and when it was written to."""
    return f"{found.st_size}-{found.st_mtime_ns}"


def _opened(part: str, flags: int, directory: int) -> int:
    try:
        return os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
            raise NotAllowed("a link, or no directory, stands on the way") from None
        if error.errno == errno.ENAMETOOLONG:
            raise FileNotFoundError(errno.ENOENT, "no file can have such a name") from None
        raise
