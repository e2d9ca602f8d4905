"""Whether bytes that are copied are the pages that the footer tells of.

Pages are not decoded; their headers lie one behind the other, and a file that was cut or
overwritten has none where they should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from shared.lake.maintenance.parquet_footer import inner, number
from shared.lake.maintenance.thrift_compact import ThriftError, decode

MOST_HEADER_BYTES = 2**20
"""Headers hold bounds of their pages, too."""

DATA, DATA_V2 = 0, 3
TYPE, COMPRESSED_PAGE_SIZE, DATA_PAGE_HEADER, DATA_PAGE_HEADER_V2 = 1, 3, 5, 8
NUM_VALUES = 1


def walked(parts: Iterable[bytes], chunks: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """The parts, each once it has been looked at.

    Args:
        parts: bytes of column chunks that follow one another.
        chunks: bytes and values of each.

    Raises:
        ThriftError: a column chunk is no sequence of pages, or not of so many values.
    """
    walk = _Walk(chunks)
    for part in parts:
        walk.feed(part)
        yield part
    walk.end()


class _Walk:
    def __init__(self, chunks: Sequence[tuple[int, int]]) -> None:
        self._chunks = iter(enumerate(chunks))
        self._left = self._values = self._body = 0
        self._column = -1
        self._pending = b""
        """Of a header that goes on in the next part."""

    def feed(self, part: bytes) -> None:
        at = 0
        while at < len(part):
            if self._body:
                step = min(self._body, len(part) - at)
                self._body -= step
                self._left -= step
                at += step
                continue
            if not self._left:
                self._next_chunk()
            most = min(self._left, MOST_HEADER_BYTES) - len(self._pending)
            known = self._pending + part[at : at + min(most, 4096)]
            header = self._header(known)
            if header is None and len(part) - at > 4096:
                known = self._pending + part[at : at + most]
                header = self._header(known)
            if header is None:
                if len(known) >= min(self._left, MOST_HEADER_BYTES):
                    raise ThriftError(f"no page begins where one should, in column {self._column}")
                self._pending = known
                return
            at += header - len(self._pending)
            self._pending = b""
            self._left -= header
            if self._body > self._left:
                raise ThriftError(f"a page goes beyond column {self._column}")

    def end(self) -> None:
        if self._left or self._pending or next(self._chunks, None) is not None:
            raise ThriftError(f"pages end within column {self._column}")
        self._require_values()

    def _next_chunk(self) -> None:
        self._require_values()
        found = next(self._chunks, None)
        if found is None:
            raise ThriftError("there are bytes behind the last column")
        self._column, (self._left, self._values) = found

    def _require_values(self) -> None:
        if self._values:
            raise ThriftError(f"{self._values} values are missing in column {self._column}")

    def _header(self, known: bytes) -> int | None:
        """Bytes of the header that begins here, ``None`` when not all of it is known."""
        try:
            fields, size = decode(known)
        except ThriftError:
            return None
        self._body = number(fields, COMPRESSED_PAGE_SIZE, -1)
        kind = number(fields, TYPE, -1)
        if self._body < 0 or kind < 0:
            raise ThriftError(f"no page header where one should be, in column {self._column}")
        if kind in (DATA, DATA_V2):
            of = DATA_PAGE_HEADER if kind == DATA else DATA_PAGE_HEADER_V2
            self._values -= number(inner(fields, of) or {}, NUM_VALUES)
        return size
