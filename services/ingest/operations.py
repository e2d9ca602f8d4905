"""What operators and probes ask: whether deliveries can be accepted, and what is under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from services.ingest.admission import Admission
from services.ingest.config import IngestSettings
from services.ingest.docs_page import page
from services.ingest.gate import SourceGate
from services.ingest.limits.connections import Connections
from services.ingest.publisher import Publisher
from shared.runtime.health import add_health_routes, bergline_version
from shared.runtime.metrics import Instruments
from shared.sources.registry import SOURCES
from shared.sources.spec import SourceSpec


class Operations:
    """Tells about one ingest process, and serves it.

    Args:
        settings: its settings.
        gates: by source; those of enabled ones.
        publisher: knows the broker and the spool.
        admission, connections: what is under way.

    Attributes:
        draining: it is about to end.
    """

    def __init__(
        self,
        settings: IngestSettings,
        gates: Mapping[str, SourceGate],
        publisher: Publisher,
        admission: Admission,
        connections: Connections,
    ) -> None:
        self.draining = False
        self._settings = settings
        self._gates = gates
        self._publisher = publisher
        self._admission = admission
        self._connections = connections

    def ready(self) -> str | None:
        """``None`` when every delivery of every enabled source can be accepted."""
        if self.draining:
            return "shutting down"
        unset = [gate.variable for gate in self._gates.values() if not gate.configured]
        if unset:
            return f"webhook secrets are not configured: set {' and '.join(unset)}"
        return self._publisher.reason

    def add_routes(
        self, app: web.Application, instruments: Instruments, document: dict[str, Any]
    ) -> None:
        """Serve it, with the OpenAPI document of everything that is served."""
        add_health_routes(app, instruments, self.ready, self._info, self._notes)
        docs = page(document)

        async def root(_: web.Request) -> web.Response:
            return web.json_response(
                {
                    "service": instruments.service,
                    "version": bergline_version(),
                    "endpoints": {
                        name: entry["paths"] for name, entry in self._endpoints().items()
                    },
                }
            )

        async def ready(_: web.Request) -> web.Response:
            reason = self.ready()
            if reason is None:
                return web.json_response({"status": "ready", **self._notes()})
            return web.json_response(
                {"status": "not_ready", "reason": reason, **self._notes()}, status=503
            )

        async def openapi(_: web.Request) -> web.Response:
            return web.json_response(document)

        async def documentation(_: web.Request) -> web.Response:
            return web.Response(
                text=docs,
                content_type="text/html",
                headers={
                    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
                    "X-Content-Type-Options": "nosniff",
                },
            )

        app.router.add_get("/", root)
        app.router.add_get("/ready", ready)
        app.router.add_get("/openapi.json", openapi)
        app.router.add_get("/docs", documentation)

    def _endpoints(self) -> dict[str, dict[str, list[str] | None]]:
        """Paths by source; a disabled source is null."""
        return {
            name: {"paths": paths_of(source) if self._settings.enabled(name) else None}
            for name, source in SOURCES.items()
        }

    def _info(self) -> dict[str, object]:
        return {
            "signatures": not self._settings.ingest_skip_signature_validation,
            "endpoints": self._endpoints(),
            "in_flight": self._admission.deliveries,
            "in_flight_bytes": self._admission.bytes,
            "connections": len(self._connections),
            "not_ready": self.ready(),
            **self._notes(),
        }

    def _notes(self) -> dict[str, object]:
        """What beside readiness has to be said: that records are spooled, how many, how old."""
        keeping = self._publisher.keeping
        state = keeping.state(self._publisher.trouble) if keeping is not None else None
        return {"spooling": state} if state is not None else {}


def paths_of(source: SourceSpec) -> list[str]:
    """Every path at which something of a source comes in."""
    paths = [endpoint.path for endpoint in source.endpoints]
    return [*paths, *(export.path for export in source.exports)]
