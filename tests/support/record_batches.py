"""What a broker answers to a fetch: record batches, written by aiokafka's own builder."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack_into

import crc32c
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from tests.support.records import FetchedRecord

NEVER_FULL = 2**30
_ATTRIBUTES_AT, _MAX_TIMESTAMP_AT, _CRC_AT, _LAST_DELTA_AT = 21, 35, 17, 23
LOG_APPEND_TIME, CONTROL = 0b1000, 0b100000


def batch(
    records: Sequence[FetchedRecord],
    base_offset: int,
    *,
    codec: int = 0,
    append_time: int | None = None,
    control: bool = False,
    last_delta: int | None = None,
) -> bytes:
    """One record batch; the records' offsets count from ``base_offset``.

    Args:
        codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
        append_time: the broker's time, if the topic keeps that.
        control: whether it is a transaction's mark.
        last_delta: how far its last offset lies behind the first, when the last are compacted.
    """
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, NEVER_FULL)
    for record in records:
        headers = [*record.headers]
        delta = record.offset - base_offset
        assert builder.append(delta, record.timestamp, record.key, record.value, headers)
    data = bytearray(builder.build())
    pack_into(">q", data, 0, base_offset)
    (attributes,) = data[_ATTRIBUTES_AT + 1 : _ATTRIBUTES_AT + 2]
    if append_time is not None:
        attributes |= LOG_APPEND_TIME
        pack_into(">q", data, _MAX_TIMESTAMP_AT, append_time)
    if last_delta is not None:
        pack_into(">i", data, _LAST_DELTA_AT, last_delta)
    pack_into(">h", data, _ATTRIBUTES_AT, attributes | (CONTROL if control else 0))
    pack_into(">I", data, _CRC_AT, crc32c.crc32c(bytes(data[_ATTRIBUTES_AT:])))
    return bytes(data)
