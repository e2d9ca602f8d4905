"""Tell on ``lakehouse.partitions`` which partitions are not consumed, and which are again."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from services.stream_writer.partition_batch import PartitionKey
from services.stream_writer.partition_board import PartitionBoard, Stop
from shared.contracts.event import Event
from shared.contracts.topics import PARTITIONS
from shared.runtime.event_log import decoded
from shared.runtime.outage import Outage
from shared.runtime.settings import Settings
from shared.runtime.topic_reader import TopicReader

log = structlog.stdlib.get_logger("bergline.stream_writer")

RETRY_S = 1.0
PAUSE_S = 0.5
"""Between two rounds: two workers that both take a partition for theirs must not shout."""

Send = Callable[[Event], Awaitable[None]]
"""Publish one event on the topic; returns when the broker has it."""


class PartitionNotices:
    """Follows the topic, and corrects it in the background where it is wrong about ours.

    A broker that is away holds up nothing: what is to be told is what is so when it is back.
    """

    def __init__(self, settings: Settings, send: Send) -> None:
        self._send = send
        self._board = PartitionBoard(f"stream_writer/{os.getpid()}")
        self._wake = asyncio.Event()
        self._told = asyncio.Event()
        """Nothing was left to be told."""
        self._reader = TopicReader(settings, PARTITIONS, self._on_record)
        self._outage = Outage(log, "partitions that stopped are not told of, trying again")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin in the background."""
        self._reader.start()
        self._task = asyncio.create_task(self._run(), name="tell of partitions")

    async def stop(self, seconds: float) -> None:
        """Tell what is to be told, but not for longer, and end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._board.due():
                    self._told.clear()
                    await self._told.wait()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._reader.stop()

    def stopped(self, table: str, key: PartitionKey, stop: Stop) -> None:
        """One of our partitions is not consumed."""
        self._board.stopped(table, key, stop, datetime.now(UTC))
        self._wake.set()

    def flows(self, table: str, key: PartitionKey) -> None:
        """One of our partitions is consumed."""
        self._board.flows(table, key, datetime.now(UTC))
        self._wake.set()

    def released(self, key: PartitionKey) -> None:
        """A partition is no longer ours: its next owner tells of it."""
        self._board.released(key)

    def _on_record(self, record: Any) -> None:
        event = decoded(record)
        if event is not None:
            self._board.heard(event)
            self._wake.set()

    async def _run(self) -> None:
        await self._reader.caught_up.wait()  # until then it is not known what was told
        while True:
            due = self._board.due()
            if not due:
                self._told.set()
                # Not wait_for: before Python 3.12 it may swallow the cancellation.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._board.due_in()):
                        await self._wake.wait()
                self._wake.clear()
                continue
            try:
                for event in due:
                    await self._send(event)
                    self._board.heard(event)
            except Exception as error:  # noqa: BLE001 - telling must never end
                self._outage.failed(error)
                await asyncio.sleep(RETRY_S)
            else:
                self._outage.over()
                await asyncio.sleep(PAUSE_S)
