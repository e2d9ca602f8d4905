"""Short-lived clients of the broker for questions, with its failures as errors for humans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from shared.runtime.bus import connection
from shared.runtime.errors import Unavailable
from shared.runtime.settings import Settings

ANSWER_SECONDS = 15.0
"""Longest wait for one answer of the broker."""


@contextmanager
def answering(settings: Settings) -> Iterator[None]:
    """Turn what aiokafka raises when a broker is away into :class:`Unavailable`."""
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(
            f"the broker at {settings.brokers} does not answer: {_why(error)}",
            "check that it runs (`bergline status`) and BERGLINE_BROKERS",
        ) from error


def _why(error: BaseException) -> str:
    if isinstance(error, KafkaConnectionError):
        return "no connection"  # its text shows Python's view of the address
    return str(error) or ("nothing in time" if isinstance(error, TimeoutError) else repr(error))


@asynccontextmanager
async def consumer(settings: Settings, **overrides: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer without a group, that never jumps: an offset out of range is an error.

    Raises:
        Unavailable: the broker cannot be reached, or an exchange inside the block failed.
    """
    client = AIOKafkaConsumer(
        **{
            **connection(settings),
            "client_id": settings.environment.group("cli"),
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "request_timeout_ms": int(ANSWER_SECONDS * 1000),
            **overrides,
        }
    )
    with answering(settings):
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await client.start()
            yield client
        finally:
            await client.stop()


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client.

    Raises:
        Unavailable: the broker cannot be reached, or an exchange inside the block failed.
    """
    client = AIOKafkaAdminClient(
        **connection(settings),
        client_id=settings.environment.group("cli"),
        request_timeout_ms=int(ANSWER_SECONDS * 1000),
    )
    with answering(settings):
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await client.start()
            yield client
        finally:
            await client.close()
