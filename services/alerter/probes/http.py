"""One HTTP question, each on a connection of its own: an old one that still works proves little."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

MOST_BYTES = 4 * 2**20


class NotAsItShould(Exception):
    """It answered, and said that it does not work for us."""


def session() -> aiohttp.ClientSession:
    """A session that keeps no connection and follows no redirect by itself."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))


async def asked(
    client: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> bytes:
    """The body of a good answer.

    Raises:
        NotAsItShould: another status than 200, or too long an answer.
        aiohttp.ClientError, TimeoutError: no whole answer.
    """
    async with client.request(
        method, url, headers=headers, data=form, allow_redirects=False
    ) as response:
        if response.status != 200:
            raise NotAsItShould(f"{response.url.path} answered {response.status}")
        body = await response.content.read(MOST_BYTES + 1)
        while len(body) <= MOST_BYTES and not response.content.at_eof():
            body += await response.content.read(MOST_BYTES + 1 - len(body))
        if len(body) > MOST_BYTES:
            raise NotAsItShould(f"{response.url.path} answered more than {MOST_BYTES} bytes")
        return body
