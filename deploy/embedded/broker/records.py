"""Single records inside a batch: only for compaction, searches by time and compacted topics.

The paths of produce and fetch never come here. Compressed batches need ``cramjam``; without it
CodecUnavailable is raised and the callers leave such batches as they are.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from .record_batch import HEADER_BYTES, LOG_APPEND_TIME, BatchHeader, assemble, read_header

try:
    import cramjam
except ImportError:  # the codecs are an extra
    cramjam = None  # type: ignore[assignment]

_SNAPPY_JAVA_MAGIC = b"\x82SNAPPY\x00"
MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024


class CodecUnavailable(Exception):
    """Raised when a batch is compressed with a codec that this installation cannot read."""


class MalformedRecords(Exception):
    """Raised when the records of a batch do not follow the format."""


class Record(NamedTuple):
    """One record; ``raw`` is its encoding, the length varint included."""

    offset: int
    timestamp: int
    key: bytes | None
    is_tombstone: bool
    raw: bytes


def decode(batch: memoryview) -> Iterator[Record]:
    """The records of a whole batch, in order; raises CodecUnavailable, MalformedRecords."""
    header = read_header(batch)
    try:
        payload = _decompressed(header.compression, bytes(batch[HEADER_BYTES : header.size]))
    except CodecUnavailable:
        raise
    except Exception as error:  # each codec has exceptions of its own
        raise MalformedRecords(f"the records cannot be decompressed: {error}") from error
    position = 0
    try:
        for _ in range(header.record_count):
            record, position = _record(payload, position, header)
            yield record
    except (IndexError, struct.error) as error:
        raise MalformedRecords("the batch ends inside a record") from error


def rebuilt(batch: memoryview, kept: list[Record]) -> bytes:
    """The batch with only the ``kept`` records, offsets and codec unchanged."""
    header = read_header(batch)
    payload = _compressed(header.compression, b"".join(record.raw for record in kept))
    newest = max(record.timestamp for record in kept)
    return assemble(header._replace(record_count=len(kept), max_timestamp=newest), payload)


def _record(payload: bytes, start: int, header: BatchHeader) -> tuple[Record, int]:
    length, position = _varint(payload, start)
    end = position + length
    if length < 0 or end > len(payload):
        raise IndexError
    timestamp_delta, position = _varint(payload, position + 1)
    offset_delta, position = _varint(payload, position)
    key_length, position = _varint(payload, position)
    key = None if key_length < 0 else payload[position : position + key_length]
    value_length, _ = _varint(payload, position + max(key_length, 0))
    stamped = header.attributes & LOG_APPEND_TIME
    timestamp = header.max_timestamp if stamped else header.base_timestamp + timestamp_delta
    raw = payload[start:end]
    offset = header.base_offset + offset_delta
    return Record(offset, timestamp, key, value_length < 0, raw), end


def _varint(payload: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = payload[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position
        shift += 7
        if shift > 63:
            raise IndexError


def _decompressed(codec: int, data: bytes) -> bytes:
    if codec == 0:
        return data
    if codec == 1:
        inflater = zlib.decompressobj(wbits=31)
        return inflater.decompress(data, MAX_DECOMPRESSED_BYTES)
    if cramjam is None:
        raise CodecUnavailable(f"codec {codec} needs the package cramjam")
    if codec == 2:
        return _unsnapped(data)
    return bytes((cramjam.lz4 if codec == 3 else cramjam.zstd).decompress(data))


def _unsnapped(data: bytes) -> bytes:
    """Snappy as Kafka's clients write it: raw, or in blocks of the xerial framing."""
    if not data.startswith(_SNAPPY_JAVA_MAGIC):
        return bytes(cramjam.snappy.decompress_raw(data))
    position, blocks = 16, []
    while position < len(data):
        (size,) = struct.unpack_from(">i", data, position)
        position += 4
        blocks.append(bytes(cramjam.snappy.decompress_raw(data[position : position + size])))
        position += size
    return b"".join(blocks)


def _compressed(codec: int, data: bytes) -> bytes:
    if codec == 0:
        return data
    if codec == 1:
        deflater = zlib.compressobj(wbits=31)
        return deflater.compress(data) + deflater.flush()
    if codec == 2:
        return bytes(cramjam.snappy.compress_raw(data))
    return bytes((cramjam.lz4 if codec == 3 else cramjam.zstd).compress(data))
