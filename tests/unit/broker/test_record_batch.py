import struct
from collections.abc import Callable

import cramjam
import pytest

from deploy.embedded.broker.errors import ErrorCode, KafkaError
from deploy.embedded.broker.record_batch import (
    checksum_matches,
    is_whole,
    placed,
    read_header,
    validate,
)
from deploy.embedded.broker.records import decode, rebuilt
from tests.support.kafka_wire import batch, record

RECORDS: list[tuple[bytes | None, bytes | None]] = [(b"a", b"1"), (None, b"2"), (b"c", None)]


def refused(content: bytes, max_bytes: int = 1 << 20, zstd_allowed: bool = True) -> ErrorCode:
    with pytest.raises(KafkaError) as error:
        validate(memoryview(content), max_bytes=max_bytes, zstd_allowed=zstd_allowed)
    return error.value.code


def test_a_good_batch_is_accepted() -> None:
    header = validate(memoryview(batch(RECORDS)), max_bytes=1 << 20, zstd_allowed=False)
    assert header.record_count == 3
    assert header.last_offset_delta == 2


def test_each_kind_of_bad_batch_has_its_code() -> None:
    good = batch(RECORDS)
    flipped = bytearray(good)
    flipped[70] ^= 1
    assert refused(bytes(flipped)) is ErrorCode.CORRUPT_MESSAGE
    assert refused(b"") is ErrorCode.INVALID_RECORD
    assert refused(good + good) is ErrorCode.INVALID_RECORD
    assert refused(good[:-20]) is ErrorCode.INVALID_RECORD
    assert refused(batch(RECORDS, magic=1)) is ErrorCode.INVALID_RECORD
    assert refused(batch(RECORDS, base_offset=77)) is ErrorCode.INVALID_RECORD
    assert refused(batch(RECORDS, attributes=0x20)) is ErrorCode.INVALID_RECORD
    assert refused(batch([])) is ErrorCode.INVALID_RECORD
    assert refused(batch(RECORDS * 50, payload=b"short")) is ErrorCode.INVALID_RECORD
    assert refused(good, max_bytes=80) is ErrorCode.MESSAGE_TOO_LARGE
    zstd = batch(RECORDS, attributes=4)
    assert refused(zstd, zstd_allowed=False) is ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    assert refused(batch(RECORDS, attributes=0x10)) is ErrorCode.INVALID_TXN_STATE


def test_every_truncation_and_every_flipped_byte_is_noticed() -> None:
    good = batch(RECORDS)
    assert is_whole(memoryview(good)) is not None
    for cut in range(len(good)):
        assert is_whole(memoryview(good[:cut])) is None
    for position in range(16, len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 0x40
        assert is_whole(memoryview(damaged)) is None, position


def test_placing_a_batch_keeps_its_checksum() -> None:
    content = memoryview(batch(RECORDS))
    stored = placed(content, read_header(content), 1234, None)
    header = read_header(stored)
    assert header.base_offset == 1234
    assert header.last_offset == 1236
    assert checksum_matches(memoryview(stored), header)


def test_append_time_replaces_the_timestamp() -> None:
    content = memoryview(batch(RECORDS, timestamp=5))
    stored = memoryview(placed(content, read_header(content), 0, 999))
    assert checksum_matches(stored, read_header(stored))
    assert {each.timestamp for each in decode(stored)} == {999}


CODECS: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: lambda plain: bytes(cramjam.gzip.compress(plain)),
    2: lambda plain: bytes(cramjam.snappy.compress_raw(plain)),
    3: lambda plain: bytes(cramjam.lz4.compress(plain)),
    4: lambda plain: bytes(cramjam.zstd.compress(plain)),
}


@pytest.mark.parametrize("codec", CODECS)
def test_records_of_every_codec_are_decoded_and_rebuilt(codec: int) -> None:
    plain = b"".join(record(number, *each, number * 10) for number, each in enumerate(RECORDS))
    content = memoryview(
        batch(RECORDS, attributes=codec, payload=CODECS[codec](plain), timestamp=1000)
    )
    decoded = list(decode(content))
    assert [each.key for each in decoded] == [b"a", None, b"c"]
    assert [each.timestamp for each in decoded] == [1000, 1010, 1020]
    assert [each.is_tombstone for each in decoded] == [False, False, True]
    again = memoryview(rebuilt(content, [decoded[0], decoded[2]]))
    header = read_header(again)
    assert (header.record_count, header.last_offset_delta) == (2, 2)
    assert is_whole(again) is not None
    assert [(each.offset, each.key) for each in decode(again)] == [(0, b"a"), (2, b"c")]


def test_snappy_in_blocks_of_the_java_framing() -> None:
    plain = record(0, b"k", b"v" * 100)
    blocks = [bytes(cramjam.snappy.compress_raw(part)) for part in (plain[:50], plain[50:])]
    framed = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
    framed += b"".join(struct.pack(">i", len(block)) + block for block in blocks)
    content = memoryview(batch([(b"k", b"v")], attributes=2, payload=framed))
    assert [each.key for each in decode(content)] == [b"k"]
