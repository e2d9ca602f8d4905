"""Commits are announced at least once; some things are done once for each."""

from __future__ import annotations

from shared.contracts.tables import TableCommitted


class SeenCommits:
    """How far the announced commits of each table have been seen."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, int]] = {}

    def first_time(self, event: TableCommitted) -> bool:
        """Whether this commit, or a later one of the same table, has not been shown before."""
        uuid, number = self._seen.get(event.table, (event.uuid, -1))
        if uuid == event.uuid and event.sequence_number <= number:
            return False
        self._seen[event.table] = (event.uuid, event.sequence_number)
        return True
