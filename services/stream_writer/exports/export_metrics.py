"""What is measured of exports, in the catalogue's names."""

from __future__ import annotations

from services.stream_writer.exports.loaded import Loaded
from shared.runtime.metrics import Instruments


class ExportMetrics:
    """Metrics of all tables of one worker that take in files."""

    def __init__(self, instruments: Instruments) -> None:
        self._exports = instruments.counter("lakehouse_exports_total")
        self._rows = instruments.counter("lakehouse_export_rows_total")
        self._seconds = instruments.histogram("lakehouse_export_duration_seconds")
        self._drifted = instruments.counter("lakehouse_drifted_rows_total")

    def committed(self, table: str, loaded: Loaded | None, seconds: float) -> None:
        """A file was loaded, or refused."""
        self._exports.labels(table, "refused" if loaded is None else "loaded").inc()
        self._seconds.labels(table).observe(seconds)
        if loaded is None:
            return
        self._drifted.labels(table).inc(loaded.drifted)
        for what, count in (
            ("inserted", loaded.inserted),
            ("present", loaded.present),
            ("repeated", loaded.repeated),
            ("bad", loaded.bad),
        ):
            self._rows.labels(table, what).inc(count)
