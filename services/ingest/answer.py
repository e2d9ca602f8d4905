"""Answers as data: the same one goes out through aiohttp or straight to a socket."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple

from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE

from services.ingest import problem
from services.ingest.problem import Refused
from shared.contracts.identity import uuid7

JSON = "application/json"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Answer(NamedTuple):
    """One HTTP answer.

    Attributes:
        status: HTTP status.
        body: the body, whole.
        content_type: its media type.
        headers: further response headers.
    """

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = NO_HEADERS

    def response(self) -> web.Response:
        """The answer as aiohttp sends it."""
        return web.Response(
            status=self.status,
            body=self.body,
            content_type=self.content_type,
            headers=self.headers,
        )


def refusal(refused: Refused, path: str) -> Answer:
    """The RFC 9457 answer to a refusal."""
    kind = refused.problem
    occurrence = refused.delivery_id or uuid7()
    return Answer(
        kind.status,
        problem.document(kind, refused.detail, path, occurrence),
        problem.CONTENT_TYPE,
        refused.headers,
    )


class Wire:
    """Answers as bytes of HTTP/1.1, with the same headers that aiohttp sends."""

    def __init__(self) -> None:
        self._second = 0
        self._tail = b""
        self._heads: dict[tuple[int, str], bytes] = {}

    def encode(self, answer: Answer, *, close: bool) -> bytes:
        """The whole answer; ``close`` tells the sender that the connection ends with it."""
        head = self._heads.get((answer.status, answer.content_type))
        if head is None:
            head = self._head(answer)
        second = int(time.time())
        if second != self._second:
            self._second = second
            date = formatdate(second, usegmt=True)
            self._tail = f"\r\nDate: {date}\r\nServer: {SERVER_SOFTWARE}\r\n".encode()
        more = b"Connection: close\r\n" if close else b""
        if answer.headers:
            more += "".join(f"{name}: {text}\r\n" for name, text in answer.headers.items()).encode()
        return b"%b%d%b%b\r\n%b" % (head, len(answer.body), self._tail, more, answer.body)

    def _head(self, answer: Answer) -> bytes:
        """Everything before the length; there are as many as kinds of answers."""
        phrase = HTTPStatus(answer.status).phrase
        head = (
            f"HTTP/1.1 {answer.status} {phrase}\r\n"
            f"Content-Type: {answer.content_type}\r\nContent-Length: "
        ).encode()
        self._heads[answer.status, answer.content_type] = head
        return head
