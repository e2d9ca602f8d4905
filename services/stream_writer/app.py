"""Wiring of a worker: settings to running objects, and their order of start and stop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer

from services.stream_writer.batch_consumer import BatchConsumer
from services.stream_writer.batch_fetching import BatchConsumerThread
from services.stream_writer.config import StreamWriterSettings
from services.stream_writer.dead_letters import DeadLetterSink
from services.stream_writer.exports.export_metrics import ExportMetrics
from services.stream_writer.fetched_records import keep_fetched_bytes
from services.stream_writer.handlers import SERVICE, Handlers
from services.stream_writer.opening import open_loader, open_writer
from services.stream_writer.partition_notices import PartitionNotices
from services.stream_writer.partitions import FaustPartitions, LogInspector
from services.stream_writer.stream_metrics import StreamMetrics
from services.stream_writer.table_stream import TableStream
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMANDS, COMMITS, PARTITIONS, TABLES
from shared.lake.outbox import Outbox
from shared.runtime.bus import producer, publish
from shared.runtime.connecting import StartUp
from shared.runtime.faust_app import Membership, faust_app, run_app
from shared.runtime.health import served
from shared.runtime.metrics import Instruments
from shared.runtime.table_states import TableStates
from shared.runtime.topic_reader import TopicReader
from shared.tables.registry import landing_tables

log = structlog.stdlib.get_logger("bergline.stream_writer")

DRAIN_S = 6.0
"""Longest drain of the tables."""
TELL_S = 0.5
"""Longest wait for what is to be told of partitions."""
LEAVE_S = 2.0
"""Longest wait for the group to be left; with the drain, less than a service is given."""


def build_app(settings: StreamWriterSettings, handlers: Handlers) -> Any:
    """The Faust app of one worker, its agent delivering batches to ``handlers``."""
    membership = Membership(
        service=SERVICE,
        work_dir=settings.stream_writer_work_dir,
        port=settings.stream_writer_port,
        session_timeout_s=settings.stream_writer_session_timeout_s,
    )
    app = faust_app(
        settings,
        membership,
        stream_buffer_maxsize=16,
        consumer_auto_offset_reset="none",
        consumer_max_fetch_size=4 * 2**20,
    )
    BatchConsumerThread.spread_partitions = settings.stream_writer_spread_partitions
    BatchConsumer.listener = handlers
    keep_fetched_bytes()
    transport: Any = app.transport
    transport.Consumer = BatchConsumer
    names = [settings.environment.topic(t) for spec in landing_tables() for t in spec.topics]
    topic = app.topic(*names, key_serializer="raw", value_serializer="raw", acks=False)

    async def take_batches(stream: Any) -> None:
        async for event in stream.events():
            if event.message.generation_id == app.consumer_generation_id:
                handlers.on_batch(event.value)

    app.agent(topic, concurrency=1)(take_batches)

    @app.on_partitions_assigned.connect
    async def _assigned(*sent: Any, **_: Any) -> None:
        if not sent[-1]:  # Faust asks for no starting positions then
            handlers.assigned((), app.consumer_generation_id)

    @app.on_partitions_revoked.connect
    async def _revoked(*_: Any, **__: Any) -> None:
        handlers.revoked()

    return app


class Worker:
    """One stream_writer process."""

    def __init__(self, settings: StreamWriterSettings) -> None:
        self._settings = settings
        self._instruments = Instruments(SERVICE)
        self._export_metrics = ExportMetrics(self._instruments)
        self._states = TableStates(settings)
        self._inspector = LogInspector(settings)
        self._streams: dict[str, TableStream] = {}
        key = settings.operator_key.get_secret_value() if settings.operator_key else None
        self._handlers = Handlers(self._streams, settings.environment, key)
        self._commands = TopicReader(settings, COMMANDS, self._handlers.on_command, start="end")
        self._start = StartUp(log)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set, then drain.

        Raises:
            RuntimeError: Faust's worker crashed; the process is to be started again.
        """
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._http())
            bus = await self._start.until(stop, "broker", self._connect)
            if bus is None:
                return
            stack.push_async_callback(bus.stop)
            stack.push_async_callback(self._inspector.stop)
            app = build_app(self._settings, self._handlers)
            notices = PartitionNotices(self._settings, _teller(bus, self._settings))
            streams = await self._start.until(
                stop, "catalog", lambda: self._open_streams(app, bus, notices)
            )
            if streams is None:
                return
            self._streams.update(streams)
            self._start.over()
            for background in (self._states.reader, self._commands):
                background.start()
                stack.push_async_callback(background.stop)
            notices.start()
            stack.push_async_callback(notices.stop, TELL_S)
            for stream in self._streams.values():
                stream.start()
            await run_app(app, stop, self._drain, LEAVE_S)

    async def _drain(self) -> None:
        await asyncio.gather(*(stream.drain(DRAIN_S) for stream in self._streams.values()))

    async def _connect(self) -> AIOKafkaProducer:
        bus = producer(self._settings, SERVICE)
        try:
            await bus.start()
            await self._inspector.start()
        except BaseException:
            await bus.stop()
            await self._inspector.stop()
            raise
        return bus

    async def _open_streams(
        self, app: Any, bus: AIOKafkaProducer, notices: PartitionNotices
    ) -> dict[str, TableStream]:
        partitions = FaustPartitions(app, self._inspector, self._settings.environment)
        metrics = StreamMetrics(self._instruments)
        sink = DeadLetterSink(bus, self._settings, self._instruments)
        streams = {}
        for spec in landing_tables():
            writer = await asyncio.to_thread(
                open_writer, self._settings, spec, self._export_metrics
            )
            load = await asyncio.to_thread(open_loader, self._settings, spec)
            outbox = Outbox(spec.name, self._states, _announcer(bus, self._settings), load)
            streams[spec.name] = TableStream(
                writer,
                self._settings,
                partitions,
                self._states,
                outbox,
                sink,
                metrics,
                notices=notices,
            )
        return streams

    def _not_ready(self) -> str | None:
        return self._start.not_ready() or self._handlers.not_ready()

    def _http(self) -> contextlib.AbstractAsyncContextManager[None]:
        return served(
            self._settings.bind,
            self._settings.stream_writer_port,
            self._instruments,
            self._not_ready,
            self._handlers.status,
        )


def _teller(bus: AIOKafkaProducer, settings: StreamWriterSettings) -> Any:
    async def tell(event: Event) -> None:
        await publish(bus, settings, PARTITIONS, event)

    return tell


def _announcer(bus: AIOKafkaProducer, settings: StreamWriterSettings) -> Any:
    async def announce(event: TableCommitted) -> None:
        await publish(bus, settings, COMMITS, event)
        await publish(bus, settings, TABLES, event)

    return announce
