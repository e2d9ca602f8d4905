"""Wiring of the exports: routes and watchers of every source that has some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from services.ingest.admission import Admission
from services.ingest.config import IngestSettings
from services.ingest.exports.announcing import Announcer
from services.ingest.exports.handler import ExportHandler
from services.ingest.exports.watching import Watcher
from services.ingest.gate import SourceGate
from services.ingest.publisher import Publisher
from services.ingest.source_settings import watch_variable
from services.ingest.telemetry import Telemetry
from shared.runtime.errors import ConfigurationError
from shared.runtime.export_places import NotAllowed, Prefix, parse
from shared.sources.spec import Export, SourceSpec


def exports_of(sources: Sequence[SourceSpec]) -> list[tuple[SourceSpec, Export]]:
    """Every export with its source."""
    return [(source, export) for source in sources for export in source.exports]


class Exports:
    """The exports of one process.

    Raises:
        ConfigurationError: a prefix that is to be watched is not allowed.
    """

    def __init__(
        self,
        sources: Sequence[SourceSpec],
        gates: Mapping[str, SourceGate],
        publisher: Publisher,
        telemetry: Telemetry,
        admission: Admission,
        settings: IngestSettings,
    ) -> None:
        self._handlers: dict[str, ExportHandler] = {}
        self._watchers: list[Watcher] = []
        for source, export in exports_of(sources):
            announcer = Announcer(
                export.topic, source.name, publisher, telemetry, admission.room(source.name)
            )
            self._handlers[export.path] = ExportHandler(gates[source.name], announcer, settings)
            self._watchers += [
                Watcher(prefix, announcer, settings) for prefix in watched(source.name, settings)
            ]

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve them."""
        for path, handler in self._handlers.items():
            router.add_post(path, handler.handle)

    def start(self) -> None:
        """Begin to watch."""
        for watcher in self._watchers:
            watcher.start()

    async def stop(self) -> None:
        """End."""
        for watcher in self._watchers:
            await watcher.stop()


def watched(source: str, settings: IngestSettings) -> list[Prefix]:
    """The prefixes that are watched for a source.

    Raises:
        ConfigurationError: one is not beneath an allowed prefix.
    """
    found = []
    for item in settings.watched(source):
        why = "it is beneath no allowed prefix"
        try:
            prefix = parse(item)
        except NotAllowed as error:
            prefix, why = None, str(error)
        if prefix is None or not any(
            allowed.holds(prefix) for allowed in settings.export_places.prefixes
        ):
            raise ConfigurationError(
                f"setting {watch_variable(source)}: {item!r} cannot be watched: {why}",
                "name a directory or s3://bucket/… beneath one of BERGLINE_EXPORT_PREFIXES",
            )
        found.append(prefix)
    return found
