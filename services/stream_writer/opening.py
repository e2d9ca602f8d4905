"""Open what writes to a table, each with a connection to the catalog of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.stream_writer.config import StreamWriterSettings
from services.stream_writer.exports.export_metrics import ExportMetrics
from services.stream_writer.exports.export_writer import ExportWriter
from services.stream_writer.exports.limits import Limits
from services.stream_writer.table_writer import TableWriter
from shared.lake.catalog import object_io, open_catalog
from shared.lake.handle import TableHandle
from shared.lake.table_state import TableState
from shared.tables.spec import TableSpec


def open_writer(
    settings: StreamWriterSettings, spec: TableSpec, metrics: ExportMetrics
) -> TableWriter:
    """The writer of a landing table, or that of one that takes in files; waits for the catalog."""
    handle = TableHandle(open_catalog(settings), settings.environment, spec.name)
    if spec.loading is None:
        return TableWriter(handle, spec, settings.stream_writer_sweep_delay_s)
    limits = Limits(
        settings.stream_writer_export_memory_bytes,
        settings.stream_writer_export_max_bytes,
        settings.stream_writer_bad_share,
        settings.stream_writer_bad_minimum,
    )
    return ExportWriter(
        handle,
        spec,
        settings.stream_writer_sweep_delay_s,
        settings.export_places,
        object_io(settings),
        limits,
        metrics,
    )


def open_loader(
    settings: StreamWriterSettings, spec: TableSpec
) -> Callable[[], Awaitable[TableState]]:
    """What loads the present state of a table, for announcements; waits for the catalog."""
    handle = TableHandle(open_catalog(settings), settings.environment, spec.name)

    async def load() -> TableState:
        return await asyncio.to_thread(handle.reload)

    return load
