"""Which of the tables concerned are there, and at which snapshot they are asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shared.lake.entity_quality.sources import INDEX, SOURCES
from shared.lake.reader import LakeReader
from shared.runtime.errors import NotFound
from shared.tables.registry import TABLES


class NoEntities(NotFound):
    """Raised when there is no entity index: nothing was resolved yet, and nothing is wrong."""

    def __init__(self, heads: Collection[str]) -> None:
        missing = [each.name for each in SOURCES if each.table not in heads]
        also = f"; not staged yet: {', '.join(missing)}" if missing else ""
        super().__init__(
            f"there is no {INDEX}: no entities were resolved yet{also}",
            "there is something to check once that table is built",
        )


def heads(lake: LakeReader) -> Mapping[str, int]:
    """The heads of the index and of the staged tables; those that have none are left out.

    Raises:
        NoEntities: the index has none.
        Unavailable: the catalog does not answer.
    """
    found = {}
    concerned = [INDEX, *(source.table for source in SOURCES)]
    for name, table in lake.tables(each for each in concerned if each in TABLES).items():
        head = None if table is None else table.metadata.current_snapshot_id
        if head is not None:
            found[name] = head
    if INDEX not in found:
        raise NoEntities(found)
    return found
