"""Requests to the one object store of the settings, signed, without a library of tables.

Source: AWS Signature Version 4 for S3, "Authenticating Requests (Authorization header)". Only the
configured endpoint is ever asked, redirects are not followed, and answers are bounded.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from shared.runtime.settings import Settings

ANSWER_SECONDS = 5.0
MOST_BYTES = 8 * 2**20
"""Largest answer that is taken in; a page of a listing has a tenth of it."""
_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Answered:
    """What the store answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ObjectStore:
    """The store, as a context manager."""

    def __init__(self, settings: Settings, answer_s: float = ANSWER_SECONDS) -> None:
        self._answer_s = answer_s
        self._endpoint = (
            settings.s3_endpoint or f"https://s3.{settings.s3_region}.amazonaws.com"
        ).rstrip("/")
        self._region = settings.s3_region
        self._key = settings.s3_access_key or ""
        secret = settings.s3_secret_key
        self._secret = "" if secret is None else secret.get_secret_value()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._answer_s), auto_decompress=False
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(
        self,
        method: str,
        bucket: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        byte_range: str | None = None,
    ) -> Answered:
        """One request.

        Raises:
            aiohttp.ClientError, TimeoutError: no whole answer.
        """
        if self._session is None:
            raise RuntimeError("the store is not open")
        path = quote(f"/{bucket}/{key}" if key else f"/{bucket}", safe="/-_.~")
        # As the signature wants it: sorted, and spaces as %20.
        text = urlencode(sorted((query or {}).items()), quote_via=quote, safe="-_.~")
        url = URL(f"{self._endpoint}{path}{'?' if text else ''}{text}", encoded=True)
        headers = signed(
            method,
            url.host_port_subcomponent or "",
            (path, text),
            (self._key, self._secret, self._region),
            datetime.now(UTC),
        )
        if byte_range is not None:
            headers["Range"] = byte_range
        async with self._session.request(
            method, url, headers=headers, allow_redirects=False
        ) as response:
            body = b""
            if method != "HEAD":
                body = await response.content.read(MOST_BYTES + 1)
                while len(body) <= MOST_BYTES and not response.content.at_eof():
                    body += await response.content.read(MOST_BYTES + 1 - len(body))
            if len(body) > MOST_BYTES:
                raise aiohttp.ClientPayloadError("the store's answer is too large")
            return Answered(response.status, response.headers, body)


def signed(
    method: str,
    host: str,
    target: tuple[str, str],
    credential: tuple[str, str, str],
    now: datetime,
) -> dict[str, str]:
    """Headers that sign a request without a body.

    Args:
        method: of the request.
        host: with its port, as it is sent.
        target: path and query, encoded.
        credential: access key, secret key and region; without a key nothing is signed.
        now: UTC.
    """
    access_key, secret_key, region = credential
    if not access_key:
        return {}
    day, moment = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": moment}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"{method}\n{target[0]}\n{target[1]}\n{lines}\n{names}\n{_EMPTY}"
    scope = f"{day}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    del headers["host"]
    return headers | {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    }
