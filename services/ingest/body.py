"""Reading a request body: bounded in size, time and memory, raw bytes as they were signed."""

from __future__ import annotations

import asyncio

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from services.ingest.admission import Hold
from services.ingest.problem import (
    BODY_TIMEOUT,
    BODY_TOO_LARGE,
    BROKEN_BODY,
    CONTENT_ENCODING,
    Refused,
)
from services.ingest.signatures.verifier import Headers


async def read_body(request: web.Request, hold: Hold, *, limit: int, timeout_s: float) -> bytes:
    """The whole body, its bytes accounted to ``hold`` as they come.

    Raises:
        Refused: too large, too slow, encoded, cut off, wrongly framed, or no room for it.
    """
    refuse_encoding(request.headers)
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    content = request.content
    try:
        if content.is_eof():
            # The usual case: the body came with the headers, so nothing needs a timer.
            return whole_body(content, hold, limit=limit)
        async with asyncio.timeout(timeout_s):
            chunks = []
            size = 0
            while not content.at_eof():
                chunk = await content.readany()
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                hold.grow(len(chunk))
                chunks.append(chunk)
            return b"".join(chunks)
    except TimeoutError:
        raise Refused(BODY_TIMEOUT, f"the body was not complete after {timeout_s} s") from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError, EOFError) as error:
        raise Refused(BROKEN_BODY, f"the body ended early ({type(error).__name__})") from None


def whole_body(content: StreamReader, hold: Hold, *, limit: int) -> bytes:
    """The body in a reader that has all of it.

    Raises:
        Refused: too large, or no room for it.
    """
    body = content.read_nowait()
    size = len(body)
    if size > limit:
        raise _too_large(limit)
    hold.grow(size)
    return body


def refuse_encoding(headers: Headers) -> None:
    """Signatures are of the bytes on the wire, so these must be what the vendor signed.

    Raises:
        Refused: the body has an encoding of its own.
    """
    encoding = headers.get("Content-Encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise Refused(CONTENT_ENCODING, "the body has a Content-Encoding")


def _too_large(limit: int) -> Refused:
    return Refused(BODY_TOO_LARGE, f"the body is larger than {limit} bytes")
