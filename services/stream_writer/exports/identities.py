"""Which rows of a file are to be inserted: the first of each id, without those the table has.

Kept in a private database of SQLite, whose memory is a bound and whose rest is an unlinked file:
however many rows a file has, and however this process ends, nothing is left of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

_ROWS_AT_A_TIME = 10_000


class Identities:
    """Ids of a file's rows, used by one thread.

    Args:
        memory_bytes: about how much of it is in memory at most.
    """

    def __init__(self, memory_bytes: int) -> None:
        # The empty name is a temporary database on disk, written to when the cache is full.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for pragma in (
            f"cache_size = -{max(64, memory_bytes // 1024)}",
            "journal_mode = off",
            "synchronous = off",
            "temp_store = file",
        ):
            self._db.execute(f"pragma {pragma}")
        self._db.execute("create table ids (id blob primary key, row integer) without rowid")
        # Never committed: what ends with the connection need not be written at every statement.
        self._db.execute("begin")
        self.rows = 0
        """Rows that were told."""
        self.repeated = 0
        """Rows whose id an earlier row of the file has."""
        self.present = 0
        """Rows whose id the table has."""

    def __len__(self) -> int:
        return self.rows - self.repeated - self.present

    def add(self, ids: Sequence[bytes]) -> None:
        """The ids of the next rows of the file, in their order."""
        before = self._db.total_changes
        self._db.executemany(
            "insert or ignore into ids values (?, ?)",
            zip(ids, range(self.rows, self.rows + len(ids)), strict=True),
        )
        self.rows += len(ids)
        self.repeated += len(ids) - (self._db.total_changes - before)

    def exclude(self, ids: Iterable[bytes]) -> int:
        """Leave out what the table has; how many rows these were."""
        before = self._db.total_changes
        self._db.executemany("delete from ids where id = ?", ((one,) for one in ids))
        excluded = self._db.total_changes - before
        self.present += excluded
        return excluded

    def wanted(self) -> Iterator[int]:
        """Numbers of the rows to be inserted, ascending."""
        cursor = self._db.execute("select row from ids order by row")
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            yield from (row for (row,) in rows)

    def close(self) -> None:
        """Forget everything."""
        self._db.close()
