"""How large what comes before a body may be: request line and header fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from services.ingest.problem import (
    BROKEN_REQUEST,
    HEAD_TOO_LARGE,
    TOO_MANY_HEADERS,
    URL_TOO_LONG,
    Refused,
)

_TOO_MANY = "Too many headers received"
"""aiohttp's words; it has no type for it."""
_FIELD_BYTES = 4
"""Colon, space and line end of a header field."""


class HeadLimits(NamedTuple):
    """Bounds of a request's head.

    Attributes:
        url_bytes: of the request target.
        fields: number of header fields.
        total_bytes: of all header fields with their line ends, so also of the longest one.
    """

    url_bytes: int
    fields: int
    total_bytes: int

    @property
    def field_bytes(self) -> int:
        """What aiohttp's parser is told, and tells back in its error: never ``url_bytes``."""
        return self.total_bytes + (self.total_bytes == self.url_bytes)

    def check(self, raw_headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Return when the header fields are small enough.

        Raises:
            Refused: they are not.
        """
        if (
            sum(len(name) + len(value) + _FIELD_BYTES for name, value in raw_headers)
            > self.total_bytes
        ):
            raise self.too_large()

    def too_large(self) -> Refused:
        """The refusal of header fields that are too large."""
        return Refused(HEAD_TOO_LARGE, f"the header fields take more than {self.total_bytes} bytes")

    def refusal(self, error: BaseException | None) -> Refused:
        """What is answered when aiohttp's parser gave up; nothing of what was sent is told."""
        if isinstance(error, LineTooLong):
            if error.args[1] == self.url_bytes:
                return Refused(URL_TOO_LONG, f"the address is longer than {self.url_bytes} bytes")
            return self.too_large()
        if isinstance(error, HttpProcessingError) and error.message == _TOO_MANY:
            return Refused(TOO_MANY_HEADERS, f"there are more than {self.fields} header fields")
        return Refused(BROKEN_REQUEST, "this is no request of HTTP/1.1")
