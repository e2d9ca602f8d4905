"""How far a table has consumed its topics: the positions that every snapshot carries.

Result and progress are one atomic commit, because the progress is written into the summary of
the very snapshot that adds the rows:

- ``bergline.offsets``: ``{topic: {partition: next offset}}``, always the full map;
- ``bergline.tail``: ``{topic: {partition: [offset, delivery id, timestamp]}}`` of the last
  consumed record, to recognise another log under the same name;
- ``bergline.ledger``: ``{topic: {partition: [stretch, …]}}``: per stretch of one log
  ``[first, next, rows, gaps, errors, reason]``, cumulative, so that
  ``next - first = rows + gaps`` can be proved from the head alone, however many snapshots were
  thinned away. Where records announce files, ``files`` and ``loaded`` follow: so many of them, and
  so many rows that came out of these; then ``next - first = rows + gaps + files``, and the table
  holds ``rows + loaded``.

Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from shared.lake.position import Adoptions, Position, Stretch, Tail

FORMAT = 1

KEY_FORMAT = "bergline.format"
KEY_OFFSETS = "bergline.offsets"
KEY_TAIL = "bergline.tail"
KEY_LEDGER = "bergline.ledger"
MIRROR_PROPERTY = "bergline.positions"
"""Table property that repeats the map of the last snapshot of ours, with that snapshot's id."""

PartitionKey = tuple[str, int]
"""(logical topic, partition)."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Where a table stands in all its partitions. Immutable; every change is a new object."""

    partitions: Mapping[PartitionKey, Position] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def next_offset(self, topic: str, partition: int) -> int | None:
        """Next offset to consume, ``None`` for a partition never seen."""
        position = self.partitions.get((topic, partition))
        return None if position is None else position.next

    def tail(self, topic: str, partition: int) -> Tail | None:
        """The last record consumed."""
        position = self.partitions.get((topic, partition))
        return None if position is None else position.tail

    def adoptions(self, topic: str, partition: int) -> Adoptions:
        """What operators stated about where consumption goes on.

        After a rollback a statement may be gone and another one made, so counting them is not
        enough to tell whether they are the same.
        """
        position = self.partitions.get((topic, partition))
        stretches = () if position is None else position.stretches
        return tuple((s.first, s.reason) for s in stretches if s.reason)

    def advance(
        self,
        topic: str,
        partition: int,
        *,
        start: int,
        end: int,
        rows: int,
        errors: int,
        tail: Tail | None,
        files: int = 0,
        loaded: int = 0,
    ) -> Positions:
        """Positions after ``[start, end)`` was consumed with ``rows`` rows.

        Offsets without a row inside the range (markers, compacted or deleted records) are
        counted as gaps. ``files`` of the records announced a file each that was loaded, and these
        brought ``loaded`` rows.

        Raises:
            ValueError: the range does not begin where the table stands, or holds more rows and
                files than offsets.
        """
        if rows + files > end - start:
            raise ValueError(
                f"{topic}/{partition}: {rows + files} rows in offsets [{start}, {end})"
            )
        known = self.partitions.get((topic, partition))
        if known is None:
            known = Position((Stretch(start, start),))
        if known.next != start:
            raise ValueError(f"{topic}/{partition}: table stands at {known.next}, not at {start}")
        last = known.stretches[-1]
        grown = replace(
            last,
            next=end,
            rows=last.rows + rows,
            gaps=last.gaps + (end - start - rows - files),
            errors=last.errors + errors,
            files=last.files + files,
            loaded=last.loaded + loaded,
        )
        position = Position((*known.stretches[:-1], grown), tail or known.tail)
        return self._with(topic, partition, position)

    def removed(self, topic: str, partition: int, rows: Iterable[tuple[int, bool]]) -> Positions:
        """Positions after rows were removed on an operator's word: their offsets are gaps.

        Args:
            topic, partition: where the rows' records stand.
            rows: their offsets, and whether each row has an error.

        Raises:
            ValueError: more rows are removed than a stretch has.
        """
        known = self.partitions[topic, partition]
        stretches = list(known.stretches)
        for offset, bad in rows:
            # Of a log that was made anew both have the offset: the later one first.
            for index in reversed(range(len(stretches))):
                s = stretches[index]
                if s.first <= offset < s.next and s.rows:
                    stretches[index] = replace(
                        s, rows=s.rows - 1, gaps=s.gaps + 1, errors=s.errors - bad
                    )
                    break
            else:
                raise ValueError(f"{topic}/{partition}: no row stands at {offset}")
        return self._with(topic, partition, Position(tuple(stretches), known.tail))

    def adopt(self, topic: str, partition: int, *, at: int, reason: str) -> Positions:
        """Positions after an operator stated that consumption goes on at ``at``.

        What was counted so far stays as a closed stretch.
        """
        known = self.partitions.get((topic, partition))
        closed = known.stretches if known else ()
        position = Position((*closed, Stretch(at, at, reason=reason)), None)
        return self._with(topic, partition, position)

    def _with(self, topic: str, partition: int, position: Position) -> Positions:
        return Positions(MappingProxyType({**self.partitions, (topic, partition): position}))

    def to_summary(self) -> dict[str, str]:
        """Snapshot summary entries."""
        offsets: dict[str, dict[str, int]] = {}
        tails: dict[str, dict[str, list[Any]]] = {}
        ledger: dict[str, dict[str, list[list[Any]]]] = {}
        for (topic, partition), position in sorted(self.partitions.items()):
            key = str(partition)
            offsets.setdefault(topic, {})[key] = position.next
            if position.tail:
                tail = position.tail
                tails.setdefault(topic, {})[key] = [tail.offset, tail.delivery_id, tail.timestamp]
            ledger.setdefault(topic, {})[key] = [each.written() for each in position.stretches]
        return {
            KEY_FORMAT: str(FORMAT),
            KEY_OFFSETS: _dump(offsets),
            KEY_TAIL: _dump(tails),
            KEY_LEDGER: _dump(ledger),
        }

    @classmethod
    def from_summary(cls, summary: Mapping[str, str]) -> Positions | None:
        """Positions that a snapshot carries; ``None`` when it carries none.

        Raises:
            ValueError: they are written in a newer format than this version reads.
        """
        if KEY_LEDGER not in summary or KEY_OFFSETS not in summary:
            return None
        if int(summary.get(KEY_FORMAT, "0")) > FORMAT:
            raise ValueError(
                f"positions are in format {summary[KEY_FORMAT]}, this version reads {FORMAT}"
            )
        return _read(summary[KEY_LEDGER], summary.get(KEY_TAIL, "{}"))

    def to_mirror(self, snapshot_id: int) -> dict[str, str]:
        """Table property that repeats these positions for ``snapshot_id``."""
        return {MIRROR_PROPERTY: _dump({"snapshot": snapshot_id, "summary": self.to_summary()})}

    @classmethod
    def from_mirror(cls, properties: Mapping[str, str]) -> tuple[int, Positions] | None:
        """(snapshot id, positions) of the table property; ``None`` when there is none."""
        text = properties.get(MIRROR_PROPERTY)
        if text is None:
            return None
        mirror = msgspec.json.decode(text)
        positions = cls.from_summary(mirror["summary"])
        return None if positions is None else (int(mirror["snapshot"]), positions)


@lru_cache(maxsize=256)
def _read(ledger: str, tail: str) -> Positions:
    """The same few heads are read again and again: while settling, committing, announcing."""
    tails = msgspec.json.decode(tail)
    partitions: dict[PartitionKey, Position] = {}
    for topic, by_partition in msgspec.json.decode(ledger).items():
        for key, stretches in by_partition.items():
            last = tails.get(topic, {}).get(key)
            partitions[topic, int(key)] = Position(
                tuple(Stretch(*stretch) for stretch in stretches),
                Tail(*last) if last else None,
            )
    return Positions(MappingProxyType(partitions))


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()
