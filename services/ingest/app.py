"""Wiring: which routes exist, what they are made of, and in which order they start and end."""

from __future__ import annotations

import asyncio
import gc

from aiohttp import web

from services.ingest.admission import Admission, Room
from services.ingest.config import IngestSettings
from services.ingest.edge import Edge
from services.ingest.exports.taking import Exports, exports_of
from services.ingest.framework_connection import FrameworkConnection
from services.ingest.front import Front
from services.ingest.gate import SourceGate
from services.ingest.handlers import WebhookHandler, probed
from services.ingest.intake import Intake
from services.ingest.limits.connections import Connections
from services.ingest.limits.descriptors import affordable
from services.ingest.listener import Listener
from services.ingest.openapi.document import openapi_document
from services.ingest.operations import Operations, paths_of
from services.ingest.outlet import Outlet
from services.ingest.publisher import Publisher
from services.ingest.refusals import Refusals
from services.ingest.samples import Samples
from services.ingest.spool.measures import SpoolMeasures
from services.ingest.telemetry import Telemetry
from shared.contracts.topics import DEAD_LETTERS
from shared.runtime import logging
from shared.runtime.errors import ConfigurationError
from shared.runtime.metrics import Instruments
from shared.sources.registry import SOURCES
from shared.sources.spec import Endpoint, SourceSpec

SERVICE = "ingest"
IN_FLIGHT_SECONDS = 5.0
"""Longest wait for answers under way at the end; above body and acknowledgement timeouts."""

log = logging.logger(SERVICE)


class IngestApp:
    """One ingest process: its HTTP application and its publisher."""

    def __init__(self, settings: IngestSettings) -> None:
        self.settings = settings
        self.port = 0
        self.listening = asyncio.Event()
        self.instruments = Instruments(SERVICE)
        self.sources = [source for source in SOURCES.values() if settings.enabled(source.name)]
        self.gates = {source.name: SourceGate(source, settings) for source in self.sources}
        topics = {
            topic
            for source in self.sources
            for endpoint in source.endpoints
            for topic in endpoint.topics
        }
        topics |= {export.topic for _, export in exports_of(self.sources)}
        self.publisher = Publisher(settings, sorted({*topics, DEAD_LETTERS}))
        self.admission = Admission(
            settings.ingest_max_in_flight,
            settings.ingest_max_in_flight_bytes,
            settings.ingest_in_flight_source_share,
        )
        self.telemetry = Telemetry(self.instruments, access_log=settings.log_level == "debug")
        self.refusals = Refusals(self.telemetry, Samples())
        self.intakes = {
            endpoint.path: self._intake(source, endpoint, room)
            for source in self.sources
            for room in (self.admission.room(source.name),)
            for endpoint in source.endpoints
        }
        self.exports = Exports(
            self.sources, self.gates, self.publisher, self.telemetry, self.admission, settings
        )
        self.edge = Edge(
            self.telemetry,
            self.refusals,
            settings.head_limits,
            {path: source.name for source in self.sources for path in paths_of(source)},
        )
        self.connections = Connections(self._most_connections())
        open_connections = self.instruments.gauge("lakehouse_http_connections")
        self.instruments.before_exposition(lambda: open_connections.set(len(self.connections)))
        self.operations = Operations(
            settings, self.gates, self.publisher, self.admission, self.connections
        )
        self.web = self._web_application()

    def _intake(self, source: SourceSpec, endpoint: Endpoint, room: Room) -> Intake:
        return Intake(
            endpoint,
            self.gates[source.name],
            self.settings.shape(source.name, endpoint.events_limit),
            room,
            Outlet(endpoint, source, self.publisher, self.telemetry),
            self.refusals,
        )

    def _most_connections(self) -> int:
        wanted = self.settings.ingest_max_connections
        most = affordable(wanted)
        if most < wanted:
            log.warning(
                "the system lends fewer file descriptors than there may be connections",
                connections=most,
                next="raise the limit (ulimit -n), or lower BERGLINE_INGEST_MAX_CONNECTIONS",
            )
        return most

    def _web_application(self) -> web.Application:
        app = web.Application(middlewares=[self.edge.middleware()])
        for path, intake in self.intakes.items():
            handler = WebhookHandler(intake, self.settings.body_limits)
            app.router.add_post(path, handler.handle)
            if intake.probed:
                app.router.add_get(path, probed)
        self.exports.add_routes(app.router)
        document = openapi_document(
            self.sources,
            self.settings.ingest_body_limit_bytes,
            {path: intake.shape for path, intake in self.intakes.items()},
        )
        self.operations.add_routes(app, self.instruments, document)
        return app

    def _front(self, server: web.Server) -> Front:
        """What all connections share; aiohttp's server has the application behind it."""
        server.request_handler = self.edge.before(server.request_handler)
        return Front(
            intakes=self.intakes,
            heads=self.settings.head_limits,
            bodies=self.settings.body_limits,
            head_timeout_s=self.settings.ingest_head_timeout_s,
            idle_timeout_s=self.settings.ingest_idle_timeout_s,
            connections=self.connections,
            refusals=self.refusals,
            telemetry=self.telemetry,
            framework=lambda front: FrameworkConnection(server, front),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set, then finish what is under way and flush.

        Raises:
            ConfigurationError: the port cannot be listened on.
        """
        if self.settings.ingest_skip_signature_validation:
            log.warning(
                "SIGNATURES ARE NOT CHECKED: anyone who reaches this port can write events; "
                "unset BERGLINE_INGEST_SKIP_SIGNATURE_VALIDATION outside of tests"
            )
        runner = web.AppRunner(self.web, access_log=None, shutdown_timeout=IN_FLIGHT_SECONDS)
        await runner.setup()
        await self.publisher.start()
        if self.publisher.keeping is not None:
            keeping = self.publisher.keeping
            SpoolMeasures(self.instruments, keeping.spool, keeping.replayer)
        self.exports.start()
        # Code and settings live as long as the process, and requests leave little behind that only
        # the collector could free: it need not look at the former, nor often at the latter. The
        # threshold is what a thousand deliveries under way are made of: they are no garbage.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        loop = asyncio.get_running_loop()
        listener = Listener(self._front(_server(runner)))
        listening: asyncio.Server | None = None
        try:
            try:
                listening = await loop.create_server(
                    listener, self.settings.bind, self.settings.ingest_port
                )
            except OSError as error:
                raise ConfigurationError(
                    f"cannot listen on {self.settings.bind}:{self.settings.ingest_port}: "
                    f"{error.strerror or error}",
                    "end the process that uses the port, or set BERGLINE_INGEST_PORT",
                ) from None
            self.port = int(listening.sockets[0].getsockname()[1])
            self.listening.set()
            log.info("listening", address=f"http://{self.settings.bind}:{self.port}")
            await stop.wait()
        finally:
            self.operations.draining = True
            await self.exports.stop()
            if listening is not None:
                listening.close()
            await asyncio.gather(listener.drain(IN_FLIGHT_SECONDS), runner.cleanup())
            await self.publisher.close()


def _server(runner: web.AppRunner) -> web.Server:
    if runner.server is None:
        raise RuntimeError("the runner was not set up")
    return runner.server


def create(settings: IngestSettings) -> IngestApp:
    """The application with its settings; must be called in a running event loop."""
    return IngestApp(settings)
