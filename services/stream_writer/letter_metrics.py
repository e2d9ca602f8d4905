"""What became of dead letters, as their tables tell it."""

from __future__ import annotations

import re
from collections import Counter

from services.stream_writer.preparing import Prepared
from shared.runtime.metrics import Instruments
from shared.sources.topics import TOPICS
from shared.tables.metadata import DEAD_LETTERS, DEAD_LETTERS_HANDLED

OTHER = "other"
"""Label of what is no topic or reason of ours: who may write the topic could make any series."""

_REASON = re.compile(r"[a-z0-9_]{1,40}")


class LetterMetrics:
    """Counts rows of the tables of dead letters as they are committed."""

    def __init__(self, instruments: Instruments) -> None:
        self._landed = instruments.counter("lakehouse_dead_letters_landed_total")
        self._repeated = instruments.counter("lakehouse_dead_letters_repeated_total")
        self._replayed = instruments.counter("lakehouse_dead_letters_replayed_total")

    def committed(self, table: str, prepared: Prepared) -> None:
        """Rows of any table came to be."""
        if table == DEAD_LETTERS.name:
            for (topic, reason), letters in self._by(prepared, "topic", "reason").items():
                known = topic in TOPICS and _REASON.fullmatch(reason or "") is not None
                labels = (topic, reason) if known else (OTHER, OTHER)
                self._landed.labels(*labels).inc(letters)
            self._repeated.inc(len(prepared.repeats))
        elif table == DEAD_LETTERS_HANDLED.name:
            for (action, topic), letters in self._by(prepared, "action", "topic").items():
                if action == "replayed":
                    self._replayed.labels(topic if topic in TOPICS else OTHER).inc(letters)

    def _by(self, prepared: Prepared, first: str, second: str) -> Counter[tuple[str, str]]:
        pairs = zip(
            prepared.rows[first].to_pylist(), prepared.rows[second].to_pylist(), strict=True
        )
        return Counter(pair for row, pair in enumerate(pairs) if row not in prepared.repeats)
