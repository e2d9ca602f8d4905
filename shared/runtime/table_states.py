"""What has been announced of every table: the compacted topic ``lakehouse.tables``, in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from pydantic import ValidationError

from shared.contracts.tables import TableCommitted
from shared.contracts.topics import TABLES
from shared.runtime.settings import Settings
from shared.runtime.topic_reader import TopicReader

log = structlog.stdlib.get_logger("bergline.runtime")


class TableStates:
    """The last announced state of each table, kept up to date in the background.

    ``observe`` is called for every state as it arrives, those from before the start first.
    """

    def __init__(
        self, settings: Settings, observe: Callable[[TableCommitted], object] | None = None
    ) -> None:
        self._last: dict[str, TableCommitted] = {}
        self._observe = observe
        self.reader = TopicReader(settings, TABLES, self._on_record)

    def last(self, table: str) -> TableCommitted | None:
        """The last announced commit of a logical table."""
        return self._last.get(table)

    def announced(self, table: str, uuid: str) -> int:
        """Last announced sequence number of a table with this UUID; 0 when there is none."""
        state = self._last.get(table)
        return state.sequence_number if state is not None and state.uuid == uuid else 0

    def pinned(self, table: str) -> frozenset[int]:
        """Snapshots of ``table`` that derived tables have recorded as read."""
        return frozenset(
            state.sources[table].snapshot_id
            for state in self._last.values()
            if table in state.sources
        )

    def _on_record(self, record: Any) -> None:
        if record.value is None:
            self._last.pop((record.key or b"").decode("utf-8", "replace"), None)
            return
        try:
            state = TableCommitted.decode(record.value)
        except ValidationError as error:
            log.warning("table state not readable", offset=record.offset, error=str(error))
            return
        self._last[state.table] = state
        if self._observe is not None:
            self._observe(state)
