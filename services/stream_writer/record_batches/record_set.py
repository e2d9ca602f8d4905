"""The records of one fetch of one partition, as the broker sent them: few objects, whatever comes.

Only the headers of the record batches are read when they arrive: checksums, positions, counts.
What is inside is unpacked, but not decoded before its commit, together with everything else that
goes into it (:mod:`services.stream_writer.record_batches.bulk`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from struct import Struct
from typing import NamedTuple, overload

import crc32c
from aiokafka.errors import CorruptRecordException

from services.stream_writer.record_batches.codecs import (
    MAX_UNPACKED_BYTES,
    TooLarge,
    known,
    unpack,
)
from services.stream_writer.record_batches.record import Malformed, PlainRecord, read, starts_of

_HEADER = Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, checksum, attributes, last offset delta, base and
largest timestamp, producer id and epoch, base sequence, count of records."""
_LENGTH = Struct(">qi")
_MAGIC_AT = 16
_MAGIC = 2
_CHECKED_FROM = 21

_CODEC, _LOG_APPEND_TIME, _CONTROL = 0b111, 0b1000, 0b100000


@dataclass(frozen=True, slots=True)
class Section:
    """The records of one record batch.

    Attributes:
        begin, end: where in the set's data its records stand, one behind the other.
        count: how many there are.
        skipped: how many of them lie before the fetch position: a broker sends whole batches.
        base_offset: offset that the records' own are relative to.
        base_timestamp: the same of timestamps, in milliseconds.
        append_time: when the broker appended them, if that is what the topic keeps; it holds for
            all of them.
    """

    begin: int
    end: int
    count: int
    skipped: int
    base_offset: int
    base_timestamp: int
    append_time: int | None

    @property
    def held(self) -> int:
        """How many records are read of it."""
        return self.count - self.skipped


class RecordSet(Sequence[PlainRecord]):
    """Records of the offsets ``[start, end)`` of one partition; decoded one by one when asked for.

    Attributes:
        data: in which the sections stand; what lies between them means nothing.
        end: the position after the records, which may lie beyond the last of them.
    """

    __slots__ = ("_count", "_starts", "data", "end", "partition", "sections")

    def __init__(self, partition: int, data: bytes, sections: Sequence[Section], end: int) -> None:
        self.partition = partition
        self.data = data
        self.sections = tuple(sections)
        self.end = end
        self._count = sum(section.held for section in sections)
        self._starts: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> PlainRecord: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[PlainRecord]: ...

    def __getitem__(self, index: int | slice) -> PlainRecord | Sequence[PlainRecord]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        left = index if index >= 0 else self._count + index
        if 0 <= left < self._count:
            for place, section in enumerate(self.sections):
                if left < section.held:
                    at = self._positions(place)[section.skipped + left]
                    return self._record(section, at)[0]
                left -= section.held
        raise IndexError(index)

    def __iter__(self) -> Iterator[PlainRecord]:
        for section in self.sections:
            at = section.begin
            for number in range(section.count):
                record, at = self._record(section, at)
                if number >= section.skipped:
                    yield record

    def _positions(self, place: int) -> list[int]:
        if place not in self._starts:
            section = self.sections[place]
            self._starts[place] = starts_of(self.data, section.begin, section.count)
        return self._starts[place]

    def _record(self, section: Section, at: int) -> tuple[PlainRecord, int]:
        body, after = read(self.data, at)
        timestamp = section.append_time
        if timestamp is None:
            timestamp = section.base_timestamp + body.timestamp_delta
        offset = section.base_offset + body.offset_delta
        record = PlainRecord(self.partition, offset, timestamp, body.key, body.value, body.headers)
        return record, after


def record_set(partition: int, data: bytes, start: int) -> RecordSet | None:
    """What a fetch from offset ``start`` on brought.

    Control batches hold no records of anybody's; a batch that the fetch limit has cut is left
    for the next fetch, as are those that would unpack to more than one fetch may hold.

    Returns:
        ``None`` when a batch is of an older format or packed in an unknown way.

    Raises:
        CorruptRecordException: a checksum does not fit.
        Malformed: a batch holds no records although its checksum fits, or cannot be unpacked.
    """
    batches: list[_Batch] = []
    end = start
    for batch in _batches(data):
        if batch is None:
            return None
        end = max(end, batch.next_offset)
        if batch.next_offset > start and batch.records and not batch.attributes & _CONTROL:
            batches.append(batch)
    if any(batch.codec for batch in batches):
        bodies = list(_unpacked(data, batches))
        if len(bodies) < len(batches):
            end = batches[len(bodies)].base_offset
        data = b"".join(bodies)
        ends = accumulate(map(len, bodies))
        batches = [
            batch._replace(begin=end_at - len(body), end=end_at)
            for batch, body, end_at in zip(batches, bodies, ends, strict=False)
        ]
    return RecordSet(partition, data, [_section(data, batch, start) for batch in batches], end)


class _Batch(NamedTuple):
    base_offset: int
    last_delta: int
    attributes: int
    base_timestamp: int
    max_timestamp: int
    records: int
    begin: int
    end: int

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_delta + 1

    @property
    def codec(self) -> int:
        return self.attributes & _CODEC


def _batches(data: bytes) -> Iterator[_Batch | None]:
    """The batches of a fetch; ``None`` for one that is not understood."""
    whole = memoryview(data)
    at = 0
    while len(data) - at > _MAGIC_AT:
        base, length = _LENGTH.unpack_from(data, at)
        if length <= _MAGIC_AT - _LENGTH.size:
            raise CorruptRecordException(f"the batch at offset {base} has no length")
        batch = whole[at : at + _LENGTH.size + length]
        if len(batch) < _LENGTH.size + length:
            return
        if batch[_MAGIC_AT] != _MAGIC:
            yield None
            return
        if len(batch) < _HEADER.size:
            raise CorruptRecordException(f"the batch at offset {base} is shorter than its header")
        _, _, _, _, crc, attributes, delta, first, last, *_, count = _HEADER.unpack_from(batch)
        if crc32c.crc32c(batch[_CHECKED_FROM:]) != crc:
            raise CorruptRecordException(f"checksum of the batch at offset {base}")
        if count < 0:
            raise Malformed(f"the batch at offset {base} counts {count} records")
        begin, at = at + _HEADER.size, at + len(batch)
        found = _Batch(base, delta, attributes, first, last, count, begin, at)
        yield found if not found.codec or known(found.codec) else None


def _unpacked(data: bytes, batches: Sequence[_Batch]) -> Iterator[bytes]:
    """The records of each batch, as far as one fetch may hold them, but of one batch at least."""
    left = MAX_UNPACKED_BYTES
    for batch in batches:
        body = data[batch.begin : batch.end]
        if batch.codec:
            try:
                body = unpack(batch.codec, body, left)
            except TooLarge as error:
                if left < MAX_UNPACKED_BYTES:
                    return
                raise Malformed(
                    f"the batch at offset {batch.base_offset} unpacks to more than "
                    f"{MAX_UNPACKED_BYTES} bytes"
                ) from error
            except Exception as error:  # every codec's library has failures of its own
                raise Malformed(
                    f"the batch at offset {batch.base_offset} cannot be unpacked: {error}"
                ) from error
        yield body
        left = max(0, left - len(body))


def _section(data: bytes, batch: _Batch, start: int) -> Section:
    skipped = 0
    if batch.base_offset < start:
        for at in starts_of(data, batch.begin, batch.records)[:-1]:
            skipped += batch.base_offset + read(data, at)[0].offset_delta < start
    append_time = batch.max_timestamp if batch.attributes & _LOG_APPEND_TIME else None
    return Section(
        batch.begin,
        batch.end,
        batch.records,
        skipped,
        batch.base_offset,
        batch.base_timestamp,
        append_time,
    )
