"""Is it ready? One short HTTP exchange per question, asked with the credentials that clients use.

A probe returns ``None`` when the answer is yes, otherwise why not, in words.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from deploy.embedded.ports import HOST

Probe = Callable[[], Coroutine[None, None, str | None]]

TIMEOUT_SECONDS = 2.0
_LARGEST_ANSWER = 1024 * 1024
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an HTTP response."""

    status: int
    body: bytes


async def request(
    port: int,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    """One HTTP exchange with a server on loopback.

    Raises:
        OSError: nobody listens, or the connection broke.
        TimeoutError: no answer within :data:`TIMEOUT_SECONDS`.
    """
    async with asyncio.timeout(TIMEOUT_SECONDS):
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            lines = [f"{method} {path} HTTP/1.0", f"Host: {HOST}:{port}"]
            lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
            lines += [f"Content-Length: {len(body)}", "", ""]
            writer.write("\r\n".join(lines).encode() + body)
            await writer.drain()
            raw = await reader.read(_LARGEST_ANSWER)
            while chunk := await reader.read(_LARGEST_ANSWER):
                raw += chunk
                if len(raw) > _LARGEST_ANSWER:
                    raise ConnectionError("the answer is too long")
        finally:
            writer.close()
    head, _, payload = raw.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)
    if len(status) < 2 or not status[1].isdigit():
        raise ConnectionError("the answer is not HTTP")
    return Answer(int(status[1]), payload)


async def _asked(port: int, what: str, question: Awaitable[Answer]) -> Answer | str:
    try:
        return await question
    except TimeoutError:
        return f"{what} on port {port} gave no answer within {TIMEOUT_SECONDS:g} s"
    except OSError as error:
        return f"{what} on port {port}: {error.strerror or error}"


def http_ready(port: int, path: str) -> Probe:
    """Ready when the path answers 200; a JSON ``reason`` in the answer is passed on."""

    async def probe() -> str | None:
        return (await http_answer(port, path))[0]

    return probe


async def http_answer(port: int, path: str) -> tuple[str | None, dict[str, object]]:
    """Why a path does not answer 200, ``None`` if it does, and what a JSON answer says besides."""
    answer = await _asked(port, path, request(port, path))
    if isinstance(answer, str):
        return answer, {}
    try:
        told = dict(json.loads(answer.body))
    except (ValueError, TypeError):
        told = {}
    reason = str(told.pop("reason", f"{path} answered {answer.status}"))
    told.pop("status", None)
    return None if answer.status == 200 else reason, told


def storage_ready(
    s3_port: int, catalog_port: int, warehouse: str, access_key: str, secret_key: str
) -> Probe:
    """Ready when S3 lists the buckets and the catalog lists the warehouse's namespaces."""

    async def probe() -> str | None:
        now = datetime.now(UTC)
        signed = signature_v4(f"{HOST}:{s3_port}", access_key, secret_key, now)
        answer = await _asked(s3_port, "S3", request(s3_port, "/", headers=signed))
        if isinstance(answer, str):
            return answer
        if answer.status != 200:
            return f"S3 answered {answer.status} to a signed request"
        return await _catalog_answers(catalog_port, warehouse, access_key, secret_key)

    return probe


async def _catalog_answers(port: int, warehouse: str, key: str, secret: str) -> str | None:
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": key,
            "client_secret": secret,
            "scope": "catalog",
        }
    ).encode()
    content = {"Content-Type": "application/x-www-form-urlencoded"}
    token = await _asked(
        port,
        "catalog",
        request(port, "/v1/oauth/tokens", method="POST", headers=content, body=form),
    )
    if isinstance(token, str):
        return token
    if token.status != 200:
        return f"catalog answered {token.status} to the request for a token"
    bearer = {"Authorization": f"Bearer {json.loads(token.body)['access_token']}"}
    path = f"/v1/{warehouse}/namespaces"
    answer = await _asked(port, "catalog", request(port, path, headers=bearer))
    if isinstance(answer, str):
        return answer
    return None if answer.status == 200 else f"catalog answered {answer.status} to {path}"


def signature_v4(
    host: str, access_key: str, secret_key: str, now: datetime, region: str = "us-east-1"
) -> dict[str, str]:
    """Headers that sign ``GET /`` (list buckets).

    Source: AWS Signature Version 4 for S3, "Authenticating Requests (Authorization header)".
    """
    day, moment = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": _EMPTY_SHA256, "x-amz-date": moment}
    names = ";".join(headers)
    signed = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"GET\n/\n\n{signed}\n{names}\n{_EMPTY_SHA256}"
    scope = f"{day}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    del headers["host"]
    return headers | {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    }
