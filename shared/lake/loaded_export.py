"""What became of an announced file, as the snapshot says that holds its rows or its refusal."""

from __future__ import annotations

import json
from typing import Any

from shared.lake.positions import Positions
from shared.lake.table_state import TableState

KEY_EXPORT = "bergline.export"
"""Summary entry: of a loaded file its rows by what became of them, of a refused one the reason."""


def loaded_export(state: TableState, topic: str, delivery_id: str) -> dict[str, Any] | None:
    """What a table says of the announcement with this delivery id; ``None`` when it is not there.

    A snapshot says which record it ended with; it is found as long as it is retained.
    """
    for snapshot in state.snapshots:
        told = snapshot.summary.get(KEY_EXPORT)
        if told is None:
            continue
        positions = Positions.from_summary(snapshot.summary)
        if positions is None:
            continue
        tails = [place.tail for (name, _), place in positions.partitions.items() if name == topic]
        if any(tail is not None and tail.delivery_id == delivery_id for tail in tails):
            found: dict[str, Any] = json.loads(told)
            return found
    return None
