"""What aiohttp's parser gives up on is answered for what it was."""

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser

from services.ingest.limits.heads import HeadLimits
from services.ingest.problem import (
    BROKEN_REQUEST,
    HEAD_TOO_LARGE,
    TOO_MANY_HEADERS,
    URL_TOO_LONG,
    Problem,
    Refused,
)

LIMITS = HeadLimits(url_bytes=100, fields=5, total_bytes=200)


def head(target: str = "/", headers: str = "Host: x\r\n") -> bytes:
    return f"POST {target} HTTP/1.1\r\n{headers}\r\n".encode()


@pytest.mark.asyncio
@pytest.mark.parametrize("limits", [LIMITS, LIMITS._replace(total_bytes=LIMITS.url_bytes)])
@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        pytest.param(head("/" + "x" * 100), URL_TOO_LONG, id="long address"),
        pytest.param(head("/?" + "x" * 100), URL_TOO_LONG, id="long query"),
        pytest.param(head(headers=f"Host: {'x' * 300}\r\n"), HEAD_TOO_LARGE, id="long value"),
        pytest.param(head(headers=f"{'x' * 300}: 1\r\n"), HEAD_TOO_LARGE, id="long name"),
        pytest.param(head(headers="Host: x\r\n" + "a: b\r\n" * 5), TOO_MANY_HEADERS, id="many"),
        pytest.param(b"no HTTP\r\n\r\n", BROKEN_REQUEST, id="no HTTP"),
        pytest.param(head(headers=""), BROKEN_REQUEST, id="no host"),
    ],
)
async def test_the_parsers_error_tells_the_problem(
    limits: HeadLimits, sent: bytes, kind: Problem
) -> None:
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(
        BaseProtocol(loop),
        loop,
        2**16,
        max_line_size=limits.url_bytes,
        max_headers=limits.fields,
        max_field_size=limits.field_bytes,
    )
    with pytest.raises(HttpProcessingError) as error:
        parser.feed_data(sent)
    assert limits.refusal(error.value).problem is kind


def test_the_sum_of_all_fields_is_bounded() -> None:
    LIMITS.check([(b"a" * 46, b"b" * 50)] * 2)
    with pytest.raises(Refused, match="200 bytes"):
        LIMITS.check([(b"a" * 46, b"b" * 50), (b"a" * 46, b"b" * 51)])
