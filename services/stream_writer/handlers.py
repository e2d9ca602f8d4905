"""The async edge of the worker: what Faust delivers and operators command, to the right stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import structlog
from faust.types.tuples import TP
from pydantic import ValidationError

from services.stream_writer.partition_batch import PartitionBatch
from services.stream_writer.table_stream import TableStream
from shared.contracts.commands import CommandIssued
from shared.contracts.environment import Environment
from shared.tables.registry import table_of_topic

log = structlog.stdlib.get_logger("bergline.stream_writer")

SERVICE = "stream_writer"


class Handlers:
    """Routes batches, assignments and commands to the streams of tables."""

    def __init__(
        self,
        streams: Mapping[str, TableStream],
        environment: Environment,
        operator_key: str | None,
    ) -> None:
        self._streams = streams
        self._environment = environment
        self._operator_key = operator_key
        self.joined = False

    def on_batch(self, batch: PartitionBatch) -> None:
        """One fetched batch, its topic by the broker's name."""
        topic = self._environment.logical_topic(batch.topic)
        self._stream(topic).take(replace(batch, topic=topic))

    def assigned(self, partitions: Iterable[TP], generation: int) -> None:
        """The group gave these partitions to this worker."""
        self.joined = True
        keys: dict[str, list[tuple[str, int]]] = {name: [] for name in self._streams}
        for tp in partitions:
            topic = self._environment.logical_topic(tp.topic)
            keys[table_of_topic(topic).name].append((topic, tp.partition))
        for name, stream in self._streams.items():
            stream.assigned(keys[name], generation)

    def revoked(self) -> None:
        """The group rebalances: nothing is ours, and the worker not ready, until it has ended."""
        self.joined = False
        for stream in self._streams.values():
            stream.revoked()

    def partition_failed(self, tp: TP, error: Exception) -> None:
        """The broker does not serve this partition from where it stands."""
        topic = self._environment.logical_topic(tp.topic)
        self._stream(topic).partition_failed((topic, tp.partition), error)

    def on_command(self, record: Any) -> None:
        """One record of the command topic; ignored unless it is signed and for this service."""
        try:
            command = CommandIssued.decode(record.value or b"")
        except ValidationError:
            log.warning("command not readable", offset=record.offset)
            return
        if command.service != SERVICE:
            return
        if self._operator_key is None or not command.verified(self._operator_key):
            log.warning("command with a wrong signature ignored", offset=record.offset)
            return
        if command.action != "resume_topic":
            log.warning("command of an unknown action ignored", action=command.action)
            return
        try:
            stream = self._stream(command.target)
        except KeyError:
            log.warning("command for an unknown topic ignored", topic=command.target)
            return
        log.info(
            "command carried out", action=command.action, topic=command.target, actor=command.actor
        )
        stream.resume()

    def not_ready(self) -> str | None:
        """Why the worker is not ready; ``None`` when it is."""
        if not self.joined:
            return "no partitions assigned yet by the consumer group"
        waiting = sorted(name for name, stream in self._streams.items() if not stream.settled)
        return f"positions not settled: {', '.join(waiting)}" if waiting else None

    def status(self) -> dict[str, object]:
        """For ``/info``."""
        return {"tables": {name: stream.status() for name, stream in self._streams.items()}}

    def _stream(self, topic: str) -> TableStream:
        return self._streams[table_of_topic(topic).name]
