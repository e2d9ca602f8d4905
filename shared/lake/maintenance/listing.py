"""What a store holds below a location, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from pyiceberg.io import FileIO


class StoredObject(NamedTuple):
    """One object: where it is, in the table's words, its bytes, and when the store got it."""

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


def listing_of(io: FileIO, location: str) -> Listing:
    """The listing of the store in which ``location`` is.

    Raises:
        Refused: there is no way to list a store of this kind.
    """
    raise NotImplementedError
