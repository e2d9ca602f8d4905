"""Wiring of a worker: settings to running objects, and their order of start and stop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import faust
import structlog
from aiohttp import web
from aiokafka import AIOKafkaProducer
from faust.app.base import BootStrategy

from services.stream_writer.batch_consumer import BatchConsumer, BatchConsumerThread
from services.stream_writer.config import StreamWriterSettings
from services.stream_writer.dead_letters import DeadLetterSink
from services.stream_writer.fetched_records import keep_fetched_bytes
from services.stream_writer.handlers import SERVICE, Handlers
from services.stream_writer.partitions import FaustPartitions, LogInspector
from services.stream_writer.stream_metrics import StreamMetrics
from services.stream_writer.table_stream import TableStream
from services.stream_writer.table_writer import TableWriter
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMANDS, COMMITS, TABLES
from shared.lake.catalog import open_catalog
from shared.lake.handle import TableHandle
from shared.lake.outbox import Outbox
from shared.runtime.bus import producer, publish
from shared.runtime.faust_connection import broker_urls, credentials
from shared.runtime.health import add_health_routes
from shared.runtime.metrics import Instruments
from shared.runtime.outage import Outage
from shared.runtime.settings import data_dir
from shared.runtime.table_states import TableStates
from shared.runtime.topic_reader import TopicReader
from shared.tables.registry import landing_tables
from shared.tables.spec import TableSpec

log = structlog.stdlib.get_logger("bergline.stream_writer")

METADATA_MAX_AGE_MS = 5_000
"""A topic made anew, or with more partitions, is assigned within this time and a rebalance; the
client's own 5 minutes would leave it unread that long."""
DRAIN_S = 6.0
"""Longest drain of the tables."""
LEAVE_S = 2.0
"""Longest wait for the group to be left; with the drain, less than a service is given."""
WAIT_S = 0.5


class _Boot(BootStrategy):
    """Faust starts the consumer only: records are published by our own producer."""

    enable_kafka_producer = False
    enable_web = False


def build_app(settings: StreamWriterSettings, handlers: Handlers) -> Any:
    """The Faust app of one worker, its agent delivering batches to ``handlers``."""
    work_dir = settings.stream_writer_work_dir
    if not work_dir.is_absolute():
        work_dir = data_dir() / work_dir
    work_dir.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        settings.environment.group(SERVICE),
        broker=broker_urls(settings),
        broker_credentials=credentials(settings),
        datadir=str(work_dir / f"port-{settings.stream_writer_port}"),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=16,
        consumer_auto_offset_reset="none",
        consumer_max_fetch_size=4 * 2**20,
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        broker_session_timeout=settings.stream_writer_session_timeout_s,
        broker_heartbeat_interval=min(2.0, settings.stream_writer_session_timeout_s / 5),
        broker_rebalance_timeout=6.0,
        broker_request_timeout=max(20.0, settings.stream_writer_session_timeout_s * 2),
        broker_commit_livelock_soft_timeout=86_400.0,
        stream_processing_timeout=86_400.0,
        BootStrategy=_Boot,
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
        self._states = TableStates(settings)
        self._inspector = LogInspector(settings)
        self._streams: dict[str, TableStream] = {}
        key = settings.operator_key.get_secret_value() if settings.operator_key else None
        self._handlers = Handlers(self._streams, settings.environment, key)
        self._commands = TopicReader(settings, COMMANDS, self._handlers.on_command, start="end")
        self._waiting_for = "start"

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set, then drain.

        Raises:
            RuntimeError: Faust's worker crashed; the process is to be started again.
        """
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._http())
            bus = await self._until(stop, "broker", self._connect)
            if bus is None:
                return
            stack.push_async_callback(bus.stop)
            stack.push_async_callback(self._inspector.stop)
            app = build_app(self._settings, self._handlers)
            streams = await self._until(stop, "catalog", lambda: self._open_streams(app, bus))
            if streams is None:
                return
            self._waiting_for = "consumer group"
            self._streams.update(streams)
            for background in (self._states.reader, self._commands):
                background.start()
                stack.push_async_callback(background.stop)
            for stream in self._streams.values():
                stream.start()
            await self._consume(app, stop)

    async def _consume(self, app: Any, stop: asyncio.Event) -> None:
        starting = asyncio.ensure_future(app.start())
        ending = asyncio.ensure_future(stop.wait())
        crashing = asyncio.ensure_future(app._crashed.wait())
        try:
            await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
            await asyncio.wait({ending, crashing}, return_when=asyncio.FIRST_COMPLETED)
            if crashing.done():
                raise RuntimeError(f"the Faust worker crashed: {app.crash_reason!r}")
        finally:
            await asyncio.gather(*(stream.drain(DRAIN_S) for stream in self._streams.values()))
            for task in (starting, ending, crashing):
                task.cancel()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(app.stop(), LEAVE_S)

    async def _until(self, stop: asyncio.Event, what: str, attempt: Any) -> Any:
        """Repeat ``attempt`` until it succeeds; ``None`` when the process is to stop instead."""
        outage = Outage(log, f"waiting for the {what}")
        self._waiting_for = what
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                trying = asyncio.ensure_future(attempt())
                await asyncio.wait({trying, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not trying.done():
                    trying.cancel()
                    await asyncio.wait({trying})
                elif (error := trying.exception()) is None:
                    outage.over()
                    return trying.result()
                else:  # whatever it is, readiness says so
                    outage.failed(error)
                    await asyncio.wait({stopping}, timeout=WAIT_S)
            return None
        finally:
            stopping.cancel()

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

    async def _open_streams(self, app: Any, bus: AIOKafkaProducer) -> dict[str, TableStream]:
        partitions = FaustPartitions(app, self._inspector, self._settings.environment)
        metrics = StreamMetrics(self._instruments)
        sink = DeadLetterSink(bus, self._settings, self._instruments)
        streams = {}
        for spec in landing_tables():
            writer = await asyncio.to_thread(self._open_writer, spec)
            outbox_handle = await asyncio.to_thread(self._open_handle, spec)
            outbox = Outbox(spec.name, self._states, _announcer(bus, self._settings), outbox_handle)
            streams[spec.name] = TableStream(
                writer, self._settings, partitions, self._states, outbox, sink, metrics
            )
        return streams

    def _open_writer(self, spec: TableSpec) -> TableWriter:
        handle = TableHandle(open_catalog(self._settings), self._settings.environment, spec.name)
        return TableWriter(handle, spec, self._settings.stream_writer_sweep_delay_s)

    def _open_handle(self, spec: TableSpec) -> Any:
        handle = TableHandle(open_catalog(self._settings), self._settings.environment, spec.name)

        async def load() -> Any:
            return await asyncio.to_thread(handle.reload)

        return load

    def _not_ready(self) -> str | None:
        if not self._streams:
            return f"waiting for the {self._waiting_for}"
        return self._handlers.not_ready()

    @contextlib.asynccontextmanager
    async def _http(self) -> Any:
        application = web.Application()
        add_health_routes(application, self._instruments, self._not_ready, self._handlers.status)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, self._settings.bind, self._settings.stream_writer_port)
        await site.start()
        try:
            yield
        finally:
            await runner.cleanup()


def _announcer(bus: AIOKafkaProducer, settings: StreamWriterSettings) -> Any:
    async def announce(event: TableCommitted) -> None:
        await publish(bus, settings, COMMITS, event)
        await publish(bus, settings, TABLES, event)

    return announce
