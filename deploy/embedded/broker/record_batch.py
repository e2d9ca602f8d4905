"""The record batch, format v2 (https://kafka.apache.org/documentation/#recordbatch).

Batches are stored as they came; the broker reads and patches only the header. Decoding of single
records (bottom half, ``records.py``) is for compaction and searches by time.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import crc32c

from .errors import ErrorCode, KafkaError

# base offset, length, leader epoch, magic, crc, attributes, last offset delta, base timestamp,
# max timestamp, producer id, producer epoch, base sequence, record count
_HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = _HEADER.size
LENGTH_PREFIX_BYTES = 12  # base offset and length: the bytes that the length does not count
_CRC_AT = 17
CHECKED_FROM = 21  # the checksum covers everything from the attributes on
_MINIMAL_RECORD_BYTES = 7

COMPRESSION_MASK = 0x07
ZSTD = 4
LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20
_BASE_OFFSET = struct.Struct(">q")
_LEADER_EPOCH = struct.Struct(">i")


class BatchHeader(NamedTuple):
    """The header of one batch."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return self.length + LENGTH_PREFIX_BYTES

    @property
    def last_offset(self) -> int:
        """Offset of the last record, also when compaction has removed it."""
        return self.base_offset + self.last_offset_delta

    @property
    def last_sequence(self) -> int:
        """Sequence number of the last record; numbers wrap at 2^31."""
        return (self.base_sequence + self.last_offset_delta) & 0x7FFFFFFF

    @property
    def compression(self) -> int:
        """0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."""
        return self.attributes & COMPRESSION_MASK


def read_header(buffer: bytes | bytearray | memoryview, position: int = 0) -> BatchHeader:
    """The header at ``position``; raises struct.error when fewer than 61 bytes are there."""
    return BatchHeader._make(_HEADER.unpack_from(buffer, position))


def check_size(header: BatchHeader) -> None:
    """Raises OSError for a length that cannot be: following it would lead nowhere."""
    if header.size < HEADER_BYTES:
        raise OSError(f"the batch at offset {header.base_offset} is damaged: {header.size} bytes")


def batches_in(data: memoryview) -> Iterator[tuple[BatchHeader, int]]:
    """Header and position of the batches in ``data``, the last of which may be cut."""
    position = 0
    while position + HEADER_BYTES <= len(data):
        header = read_header(data, position)
        check_size(header)
        yield header, position
        position += header.size


def checksum_matches(batch: memoryview, header: BatchHeader) -> bool:
    """Whether the CRC-32C of a whole batch is the one in its header."""
    return int(crc32c.crc32c(batch[CHECKED_FROM : header.size])) == header.crc


def is_whole(buffer: memoryview) -> BatchHeader | None:
    """The header of the batch at the start of ``buffer`` if all of it is there and undamaged."""
    if len(buffer) < HEADER_BYTES:
        return None
    header = read_header(buffer)
    if header.magic != 2 or header.length < HEADER_BYTES - LENGTH_PREFIX_BYTES:
        return None
    if header.size > len(buffer) or header.last_offset_delta < 0 or header.base_offset < 0:
        return None
    return header if checksum_matches(buffer, header) else None


def validate(records: memoryview, *, max_bytes: int, zstd_allowed: bool) -> BatchHeader:
    """The header of the single batch that a producer sent for a partition.

    Raises KafkaError with the code that Apache Kafka answers: 87 when it is not exactly one
    well-formed batch, 10 when it is too large, 2 when its checksum is wrong, 76 for zstd before
    Produce 7, 48 for transactional batches.
    """
    if len(records) < HEADER_BYTES:
        raise KafkaError(ErrorCode.INVALID_RECORD, "no complete record batch")
    header = read_header(records)
    if header.magic != 2 or header.size != len(records):
        raise KafkaError(ErrorCode.INVALID_RECORD, "exactly one batch of format 2 is required")
    if header.size > max_bytes:
        raise KafkaError(ErrorCode.MESSAGE_TOO_LARGE)
    if not checksum_matches(records, header):
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE)
    if header.compression == ZSTD and not zstd_allowed:
        raise KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
    payload = header.size - HEADER_BYTES
    too_many = not header.compression and header.record_count * _MINIMAL_RECORD_BYTES > payload
    if (
        header.base_offset != 0
        or header.attributes & CONTROL
        or header.compression > ZSTD
        or header.record_count < 1
        or header.last_offset_delta != header.record_count - 1
        or too_many
    ):
        raise KafkaError(
            ErrorCode.INVALID_RECORD, "the header of the batch is inconsistent", within_log=True
        )
    if header.attributes & TRANSACTIONAL:
        raise KafkaError(ErrorCode.INVALID_TXN_STATE, "transactions are not offered")
    return header


def placed(
    records: memoryview, header: BatchHeader, base_offset: int, append_time: int | None
) -> bytearray:
    """A copy of the batch as it is stored: base offset set, leader epoch 0.

    Both lie outside the checksum. With ``append_time`` (ms) the batch is stamped with the
    broker's clock, and the checksum computed again.
    """
    batch = bytearray(records)
    _BASE_OFFSET.pack_into(batch, 0, base_offset)
    _LEADER_EPOCH.pack_into(batch, 12, 0)
    if append_time is not None:
        struct.pack_into(">h", batch, CHECKED_FROM, header.attributes | LOG_APPEND_TIME)
        struct.pack_into(">q", batch, 35, append_time)
        struct.pack_into(">I", batch, _CRC_AT, crc32c.crc32c(memoryview(batch)[CHECKED_FROM:]))
    return batch


def assemble(header: BatchHeader, payload: bytes) -> bytes:
    """A batch from a header and its (compressed) records; length and checksum are computed."""
    length = HEADER_BYTES - LENGTH_PREFIX_BYTES + len(payload)
    unsigned = _HEADER.pack(*header._replace(length=length, crc=0)) + payload
    crc = crc32c.crc32c(memoryview(unsigned)[CHECKED_FROM:])
    return _HEADER.pack(*header._replace(length=length, crc=crc)) + payload
