"""Rows whose sender may have sent them before: the table itself is asked whether it did."""

from __future__ import annotations

import pyarrow as pa

from services.stream_writer.preparing import Prepared, mark_replays
from shared.lake.handle import TableHandle
from shared.lake.landed_ids import Id, landed_ids
from shared.lake.positions import Positions
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState

_FIELDS = ("_delivery_id", "_topic", "_partition", "_offset")


def end_doubts(prepared: Prepared, handle: TableHandle, state: TableState) -> None:
    """Mark those doubtful rows whose delivery the table holds already.

    Everything that came before them in their partition is in the table by the time they are
    committed, or was prepared by the same writer and is remembered: so what is found here is all
    there is, as long as a topic keeps its number of partitions.

    Args:
        prepared: its doubts are over when this returns.
        handle: of the table, to read from; its snapshots may be older ones.
        state: the table as it is now.

    Raises:
        OSError: the object store does not answer; nothing was changed.
    """
    if prepared.doubtful is None:
        return
    positions = recorded(state).positions or Positions()
    rows = prepared.rows.select(_FIELDS).take(pa.array(prepared.doubtful, pa.int64()))
    columns = [rows[name].to_pylist() for name in _FIELDS]
    asked: dict[Id, int] = {
        (delivery,): row
        for row, delivery, *place in zip(prepared.doubtful, *columns, strict=True)
        if delivery and not _is_landed(positions, *place)
    }
    found = landed_ids(handle.table, state.current_snapshot(), ("_delivery_id",), asked)
    repeats = [asked[each] for each in found]
    prepared.rows = mark_replays(prepared.rows, repeats)
    prepared.replayed += len(repeats)
    prepared.doubtful = None


def _is_landed(positions: Positions, topic: str, partition: int, offset: int) -> bool:
    """Whether the table holds this very row, which will be left out."""
    return offset < (positions.next_offset(topic, partition) or 0)
