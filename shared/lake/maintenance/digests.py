"""Paths of very many files, in a few bytes each."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from urllib.parse import urlsplit

SIZE = 12
"""Bytes of a digest: of a billion files two share one with a chance of one in 10^11."""


def place(path: str) -> str:
    """A path without its scheme: engines spell one store ``s3``, ``s3a`` or ``s3n``."""
    if "://" in path:
        return path.split("://", 1)[1]
    return urlsplit(path).path if path.startswith("file:") else path


def digest(path: str) -> bytes:
    """The digest of a path's :func:`place`."""
    return blake2b(place(path).encode(), digest_size=SIZE).digest()


def split(joined: bytes) -> Iterator[bytes]:
    """The digests that stand one after the other."""
    return (joined[at : at + SIZE] for at in range(0, len(joined), SIZE))


class Digests:
    """A set of digests: a million take 22 bytes each, where a ``set`` takes 79.

    A digest that was never added may be found across two neighbours, by a chance as small as that
    of two equal ones; who asks in order to delete then leaves a file.
    """

    def __init__(self) -> None:
        self._buckets: dict[bytes, bytearray] = {}
        self._count = 0

    def add(self, each: bytes) -> None:
        """Put one in."""
        bucket = self._buckets.setdefault(each[:2], bytearray())
        if each not in bucket:
            bucket += each
            self._count += 1

    def __contains__(self, each: bytes) -> bool:
        return each in self._buckets.get(each[:2], b"")

    def __len__(self) -> int:
        return self._count
