"""Waiting until transformer has a process to build in: it is ready before Ray is."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from shared.runtime.errors import Unavailable

POLL_SECONDS = 0.1
DEADLINE_SECONDS = 240.0
"""A busy machine takes a while to start Ray."""

_ANSWER = aiohttp.ClientTimeout(total=5.0)


async def able_to_build(url: str, *, deadline_s: float = DEADLINE_SECONDS) -> None:
    """Return once transformer says of itself that it has a worker.

    Args:
        url: address of transformer.
        deadline_s: longest wait.

    Raises:
        Unavailable: the deadline passed.
    """
    give_up = time.monotonic() + deadline_s
    async with aiohttp.ClientSession(timeout=_ANSWER) as session:
        while not await _has_worker(session, url):
            if time.monotonic() > give_up:
                raise Unavailable(
                    f"transformer has no process to build in after {deadline_s:g} s",
                    "`bergline logs transformer` shows what holds Ray up",
                )
            await asyncio.sleep(POLL_SECONDS)


async def _has_worker(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/info") as answer:
            info = await answer.json()
    except (aiohttp.ClientError, TimeoutError):
        return False
    return bool(info.get("pool", {}).get("workers"))
