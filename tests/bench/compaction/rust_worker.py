"""The working side of :mod:`~.rust`, in that package's own Python: the standard library else."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tests.bench.builds.worker import serve


class Session:
    """A catalog, and how to compact in it."""

    def open(self, lake: Mapping[str, Any]) -> None:
        """Load the library and reach the catalog, which it does when it is made."""
        library = import_module("iceberg_compaction")
        self._library: Any = library
        self._catalog = library.RestCatalog(
            "lake", uri=lake["uri"], warehouse=lake["warehouse"], properties=lake["properties"]
        )
        self._config = library.CompactionConfig(
            strategy="small_files",
            target_file_size_bytes=lake["target_bytes"],
            small_file_threshold_bytes=lake["small_bytes"],
            max_record_batch_rows=8192,
        )

    def prepare(self, table: str) -> None:
        """It takes a table as it is."""

    def compact(self, table: str) -> None:
        """Compact small files; an error when it finds none."""
        done = self._library.Compaction(self._catalog, table, self._config).run()
        if done is None:
            raise RuntimeError(f"it finds nothing to do in {table}")


if __name__ == "__main__":
    session = Session()
    serve({"open": session.open, "prepare": session.prepare, "compact": session.compact})
