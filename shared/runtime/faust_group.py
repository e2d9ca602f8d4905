"""A worker that its group gives records one by one: for services whose records are few."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

from shared.runtime.faust_app import Membership, faust_app
from shared.runtime.settings import Settings


class Member(Protocol):
    """Who is told; nothing of it may raise."""

    def on_record(self, topic: str, partition: int, offset: int, value: bytes) -> None:
        """One record, its topic by the broker's name."""

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """The group gave these (topic by the broker's name, partition) to this worker."""

    def revoked(self) -> None:
        """The group rebalances: nothing is ours until it has ended."""


def build_app(
    settings: Settings,
    membership: Membership,
    consumed: Collection[str],
    member: Member,
    learn: Callable[[], Awaitable[None]],
) -> Any:
    """The Faust app of one worker, which reads these logical topics for ``member``.

    ``learn`` is awaited before the member is told what the group gave it: a rebalance may be due to
    partitions that are new.
    """
    app = faust_app(
        settings,
        membership,
        # What came before the group existed is found by looking at the tables.
        consumer_auto_offset_reset="latest",
    )

    told = asyncio.Event()
    """Whether the member knows what the group gave it: before, it could take no record as its."""

    async def take_records(stream: Any) -> None:
        async for event in stream.events():
            await told.wait()
            message = event.message
            if message.generation_id == app.consumer_generation_id:
                member.on_record(
                    message.topic, message.partition, message.offset, event.value or b""
                )

    for name in consumed:
        topic = app.topic(
            settings.environment.topic(name),
            key_serializer="raw",
            value_serializer="raw",
            acks=False,
        )
        app.agent(topic, concurrency=1, name=f"{membership.service}-{name}")(take_records)

    @app.on_partitions_assigned.connect
    async def _assigned(*sent: Any, **_: Any) -> None:
        await learn()
        member.assigned([(tp.topic, tp.partition) for tp in sent[-1]])
        told.set()

    @app.on_partitions_revoked.connect
    async def _revoked(*_: Any, **__: Any) -> None:
        told.clear()
        member.revoked()

    return app
