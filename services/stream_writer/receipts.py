"""How late rows come: when the oldest of them was accepted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc


def oldest_receipt(rows: pa.Table, parts: Iterable[tuple[int, int]]) -> datetime | None:
    """When the oldest delivery was accepted, those left out that had landed before.

    Args:
        rows: of a landing table.
        parts: which of them: first and number, and so on.

    Returns:
        ``None`` when nobody says, as of records of foreign producers.
    """
    found = None
    for begin, count in parts:
        part = rows.select(("_received_at", "_replayed")).slice(begin, count)
        received = part["_received_at"]
        if pc.any(part["_replayed"]).as_py():
            received = received.filter(pc.invert(part["_replayed"]))
        oldest = pc.min(received).as_py()
        if oldest is not None and (found is None or oldest < found):
            found = oldest
    return None if found is None else found.astimezone(UTC)
