"""What is still on the topics: dead letters without a row, and what became of replays."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from shared.contracts.topics import DEAD_LETTERS
from shared.lake.dead_letters.letters import TABLE, Place
from shared.lake.positions import Positions
from shared.lake.query import query
from shared.lake.reader import LakeReader
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState
from shared.runtime.log_bounds import log_bounds
from shared.runtime.settings import Settings
from shared.tables.registry import table_of_topic

POLL_SECONDS = 0.5


async def not_landed(settings: Settings, lake: LakeReader) -> int:
    """How many records of the topic of dead letters the table does not hold yet.

    Raises:
        NotFound, Unavailable: catalog or broker do not answer, or lack the table.
    """
    positions = _positions(lake, TABLE)
    waiting = 0
    for key, log in (await log_bounds(settings, [DEAD_LETTERS])).items():
        at = positions.next_offset(*key)
        waiting += log.end - min(max(log.start if at is None else at, log.start), log.end)
    return waiting


def landed(
    lake: LakeReader, places: Iterable[Place], seconds: float
) -> dict[Place, str | None] | None:
    """Wait until the rows of these records are there; the error of each, ``None`` for a good one.

    Returns:
        ``None`` when they are not there after ``seconds``.

    Raises:
        NotFound, Unavailable: the catalog does not answer, or lacks a table.
    """
    deadline = time.monotonic() + seconds
    by_table: dict[str, list[Place]] = {}
    for place in places:
        by_table.setdefault(table_of_topic(place[0]).name, []).append(place)
    found: dict[Place, str | None] = {}
    for name, wanted in by_table.items():
        while not all(_covers(_positions(lake, name), place) for place in wanted):
            if time.monotonic() >= deadline:
                return None
            time.sleep(POLL_SECONDS)
        found.update(_errors(lake, name, wanted))
    return found


def _positions(lake: LakeReader, name: str) -> Positions:
    state = TableState.of(lake.table(name).metadata)
    return recorded(state).positions or Positions()


def _covers(positions: Positions, place: Place) -> bool:
    topic, partition, offset = place
    return offset < (positions.next_offset(topic, partition) or 0)


def _errors(lake: LakeReader, name: str, wanted: Sequence[Place]) -> Mapping[Place, str | None]:
    sql = (
        f"select _topic, _partition, _offset, _error from {name} "  # noqa: S608 - a name of ours
        "where _offset between ? and ? and list_contains(?, _offset)"
    )
    offsets = sorted({offset for _, _, offset in wanted})
    with query(lake, sql, parameters=[offsets[0], offsets[-1], offsets]) as result:
        return {
            (topic, partition, offset): error
            for topic, partition, offset, error in result.rows()
            if (topic, partition, offset) in set(wanted)
        }
