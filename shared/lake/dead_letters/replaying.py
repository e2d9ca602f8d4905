"""Which bytes of dead letters were sent before, so that a repeated command repeats nothing.

What is sent has a delivery id that follows from dead letter and bytes. Before it is sent the table
of its topic, and the log behind the table's position, are asked for that id: what is there is not
sent again, whenever and by whomever it was sent. A command that dies between sending and recording
can so be repeated. What still comes twice, because two commands ran at once or a request was on its
way when its sender died, says of itself that it may be a repeat, and stream_writer, which asks the
table then, marks the second row ``_replayed``.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Sequence

from pyiceberg.expressions import And, GreaterThanOrEqual, LessThanOrEqual, Reference
from pyiceberg.expressions.literals import literal

from shared.contracts import envelope
from shared.lake.dead_letters.letters import Letter
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState
from shared.runtime.log_bounds import log_bounds
from shared.runtime.log_ranges import read_range
from shared.runtime.resending import Place, Sending
from shared.runtime.settings import Settings
from shared.tables.registry import table_of_topic


def delivery_id(letter: Letter, value: bytes, number: int = 0) -> str:
    """The delivery id under which ``value`` is sent for a letter, as the ``number``-th record.

    A UUIDv7 with the time of the failure, so that tables find it as they find those around it; the
    rest is a hash of the letter's identity and the bytes.
    """
    identity = (letter.id, letter.delivery_id or "", str(number))
    seed = b"\0".join(part.encode() for part in ("bergline.replay.v1", *identity))
    hashed = hashlib.sha256(seed + b"\0" + hashlib.sha256(value).digest()).hexdigest()
    milliseconds = max(0, int(letter.failed_at.timestamp() * 1000)) & (2**48 - 1)
    time_ = f"{milliseconds:012x}"
    variant = "89ab"[int(hashed[3], 16) & 3]
    return f"{time_[:8]}-{time_[8:]}-7{hashed[:3]}-{variant}{hashed[4:7]}-{hashed[7:19]}"


async def already(
    settings: Settings, lake: LakeReader, sendings: Sequence[Sending]
) -> dict[str, Place]:
    """Where those stand that were sent before, by delivery id.

    Raises:
        Unavailable: catalog, store or broker do not answer.
    """
    found: dict[str, Place] = {}
    ranges: dict[tuple[str, int], tuple[int, int]] = {}
    for topic in sorted({sending.topic for sending in sendings}):
        ids = sorted({each.delivery_id for each in sendings if each.topic == topic})
        # The position must not be newer than the rows: what lies between is read from the log.
        state = TableState.of(lake.table(table_of_topic(topic).name).metadata)
        positions = recorded(state).positions
        found.update(_in_table(lake, topic, state.current_snapshot_id, ids))
        for key, log in (await log_bounds(settings, [topic])).items():
            at = None if positions is None else positions.next_offset(*key)
            ranges[key] = (log.start if at is None else min(max(at, log.start), log.end), log.end)
    wanted = {sending.delivery_id for sending in sendings}
    async with contextlib.aclosing(read_range(settings, ranges)) as records:
        async for record in records:
            each = envelope.read(record.headers or ()).get("delivery_id")
            if each is not None and each in wanted:
                topic = settings.environment.logical_topic(record.topic)
                found.setdefault(each, (topic, record.partition, record.offset))
    return found


def _in_table(
    lake: LakeReader, topic: str, snapshot_id: int | None, ids: Sequence[str]
) -> Iterable[tuple[str, Place]]:
    if snapshot_id is None:
        return []
    name = table_of_topic(topic).name
    column = Reference("_delivery_id")
    within = And(
        GreaterThanOrEqual(term=column, value=literal(ids[0])),
        LessThanOrEqual(term=column, value=literal(ids[-1])),
    )
    sql = (
        f"select _delivery_id, _topic, _partition, _offset from {name} "  # noqa: S608 - ours
        "where list_contains(?, _delivery_id) order by _offset desc"
    )
    pins = {name: Pin(snapshot_id=snapshot_id)}
    with query(lake, sql, pins=pins, parameters=[list(ids)], row_filter=within) as result:
        return [(each, (topic, number, at)) for each, topic, number, at in result.rows()]
