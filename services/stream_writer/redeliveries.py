"""Notice events that a vendor delivers again: all of them are rows, and counted here.

What is the same event is what the vendors say it is: its id and its type. A Shopify event id names
what a merchant did, which may be told under several topics.
"""

from __future__ import annotations

from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

_BETWEEN = pa.scalar("\0", pa.large_string())


class RedeliveryMemory:
    """The most recent events and where each was first seen. Bounded, forgets the oldest.

    An event costs some 110 bytes, 11 MB in all: hashes are kept, not ids. Reading a record again
    (after a seek) is no redelivery: its offset is the same.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._offsets: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._offsets)

    def count(self, rows: pa.Table) -> int:
        """Note the events of rows, in order; how many of them were there before.

        Args:
            rows: with ``_event_type``, ``_event_id``, ``_offset`` and ``_replayed``. A replay is
                our repetition, not the vendor's, and rows without an event id are passed over.
        """
        known = rows.filter(
            pc.and_(pc.is_valid(rows["_event_id"]), pc.invert(rows["_replayed"].fill_null(False)))
        )
        events = pc.binary_join_element_wise(
            known["_event_type"].cast(pa.large_string()).fill_null(""),
            known["_event_id"].cast(pa.large_string()),
            _BETWEEN,
        )
        offsets = known["_offset"].to_pylist()
        seen = list(map(self._offsets.setdefault, map(hash, events.to_pylist()), offsets))
        for oldest in list(islice(self._offsets, max(0, len(self._offsets) - self._capacity))):
            del self._offsets[oldest]
        if seen == offsets:
            return 0
        return sum(first != offset for first, offset in zip(seen, offsets, strict=True))
