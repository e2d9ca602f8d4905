"""Reading a request body: bounded in size, time and memory, raw bytes as they were signed."""

from __future__ import annotations

import asyncio

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from services.ingest.admission import Hold
from services.ingest.limits.bodies import BodyLimits
from services.ingest.problem import BROKEN_BODY, CONTENT_ENCODING, Refused
from services.ingest.signatures.verifier import Headers


async def read_body(request: web.Request, hold: Hold, limits: BodyLimits) -> bytes:
    """The whole body, its bytes accounted to ``hold`` as they come.

    Raises:
        Refused: too large, too slow, encoded, cut off, wrongly framed, or no room for it.
    """
    refuse_encoding(request.headers)
    if (request.content_length or 0) > limits.bytes:
        raise limits.too_large()
    content = request.content
    try:
        if content.is_eof():
            # The usual case: the body came with the headers, so nothing needs a timer.
            return whole_body(content, hold, limits)
        return await _pieces(content, hold, limits)
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError, EOFError) as error:
        raise Refused(BROKEN_BODY, f"the body ended early ({type(error).__name__})") from None


async def _pieces(content: StreamReader, hold: Hold, limits: BodyLimits) -> bytes:
    begun = asyncio.get_running_loop().time()
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout_at(begun + limits.patience(0)) as patience:
            while not content.at_eof():
                piece = await content.readany()
                size += len(piece)
                if size > limits.bytes:
                    raise limits.too_large()
                hold.grow(len(piece))
                pieces.append(piece)
                patience.reschedule(begun + limits.patience(size))
    except TimeoutError:
        raise limits.too_slow(size) from None
    return b"".join(pieces)


def whole_body(content: StreamReader, hold: Hold, limits: BodyLimits) -> bytes:
    """The body in a reader that has all of it.

    Raises:
        Refused: too large, or no room for it.
    """
    body = content.read_nowait()
    size = len(body)
    if size > limits.bytes:
        raise limits.too_large()
    hold.grow(size)
    return body


def refuse_encoding(headers: Headers) -> None:
    """Signatures are of the bytes on the wire, so these must be what the vendor signed.

    Raises:
        Refused: the body has an encoding of its own.
    """
    encoding = headers.get("Content-Encoding")
    if encoding is not None and encoding.lower() != "identity":
        # RFC 9110, section 15.5.16: a 415 for a coding names those that are accepted.
        raise Refused(
            CONTENT_ENCODING,
            "the body has a Content-Encoding",
            headers={"Accept-Encoding": "identity"},
        )
