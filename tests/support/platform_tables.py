"""Tables of a platform, asked for again and again: what is waited for is cheap to look at."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import polars as pl

from shared.lake.catalog import open_catalog
from shared.lake.handle import TableHandle
from shared.lake.reading.scan import scan
from shared.lake.table_state import TableState
from shared.runtime.settings import Settings
from tests.support.platform import EmbeddedPlatform


class _Tables:
    """Of one platform; its ports and secrets stay the same over restarts."""

    def __init__(self, settings: Settings) -> None:
        self._environment = settings.environment
        self._catalog = open_catalog(settings)
        self._handles: dict[str, TableHandle] = {}

    def handle(self, name: str) -> TableHandle:
        if name not in self._handles:
            self._handles[name] = TableHandle(self._catalog, self._environment, name)
        return self._handles[name]


_TABLES: WeakKeyDictionary[EmbeddedPlatform, _Tables] = WeakKeyDictionary()


def state(platform: EmbeddedPlatform, name: str) -> TableState:
    """A table as it is now."""
    return _looked_at(platform, name)[1]


def rows(platform: EmbeddedPlatform, name: str, columns: Sequence[str]) -> pl.DataFrame:
    """Rows of a table as they are now."""
    handle, found = _looked_at(platform, name)
    return scan(handle.table, found.current_snapshot(), columns)


def _looked_at(platform: EmbeddedPlatform, name: str) -> tuple[TableHandle, TableState]:
    for again in (True, False):
        if platform not in _TABLES:
            _TABLES[platform] = _Tables(platform.settings)
        handle = _TABLES[platform].handle(name)
        try:
            return handle, handle.reload()
        except OSError:
            del _TABLES[platform]  # its connection may be to a storage that is no more
            if not again:
                raise
    raise AssertionError("returned or raised")
