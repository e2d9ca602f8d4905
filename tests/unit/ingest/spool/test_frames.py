"""The bytes of the spool: what was written is read, and nothing else ever is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.spool.frames import (
    Cursor,
    Entry,
    Invalid,
    NewerFormat,
    Position,
    SegmentHeader,
    decode_cursor,
    decode_entry,
    decode_segment_header,
    encode_cursor,
    encode_entry,
    encode_frame,
    encode_segment_header,
    frames,
)

ENTRIES = st.builds(
    Entry,
    key=st.binary(max_size=20),
    value=st.binary(max_size=200),
    headers=st.lists(st.tuples(st.text(max_size=10), st.binary(max_size=20)), max_size=4),
    accepted_ms=st.integers(0, 2**63 - 1),
)
NUMBERS = st.integers(0, 2**63 - 1)


@given(ENTRIES)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert decode_entry(encode_entry(entry)) == entry


@given(st.lists(st.tuples(NUMBERS, st.binary(max_size=50)), max_size=5), st.data())
def test_of_a_torn_file_the_whole_frames_are_read(
    written: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    encoded = [encode_frame(sequence, payload) for sequence, payload in written]
    whole = b"".join(encoded)
    cut = data.draw(st.integers(0, len(whole)))
    garbage = data.draw(st.sampled_from([b"", bytes(40), b"\xff" * 40]))
    content = whole[:cut] + garbage  # which may happen to be what was torn off
    found = list(frames(content))
    ends = [sum(map(len, encoded[: n + 1])) for n in range(len(encoded))]
    assert [frame.end for frame in found] == [end for end in ends if content[:end] == whole[:end]]
    assert [(frame.sequence, frame.payload) for frame in found] == written[: len(found)]


@given(NUMBERS, st.binary(max_size=50), st.data())
def test_a_flipped_bit_is_no_frame(sequence: int, payload: bytes, data: st.DataObject) -> None:
    encoded = bytearray(encode_frame(sequence, payload))
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    assert not list(frames(bytes(encoded)))


@given(NUMBERS, NUMBERS, NUMBERS, st.data())
def test_headers_are_read_as_written_or_not_at_all(
    number: int, other: int, offset: int, data: st.DataObject
) -> None:
    header = SegmentHeader(number, Position(other, offset))
    cursor = Cursor(Position(number, offset), other)
    assert decode_segment_header(encode_segment_header(header) + b"frames") == header
    assert decode_cursor(encode_cursor(cursor)) == cursor
    damaged = bytearray(encode_cursor(cursor))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1
    with pytest.raises(Invalid):
        decode_cursor(bytes(damaged))
    with pytest.raises(Invalid):
        decode_segment_header(encode_segment_header(header)[:-1])
    with pytest.raises(Invalid):
        decode_segment_header(encode_cursor(cursor))


def test_a_later_format_is_not_taken_for_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr("services.ingest.spool.frames.VERSION", 2)
        written = encode_cursor(Cursor(Position(1, 2), 3))
    with pytest.raises(NewerFormat, match="format 2, known is 1"):
        decode_cursor(written)


def test_the_format_does_not_change_by_accident() -> None:
    """These bytes may lie on disks: changing them takes a new version and a reader of the old."""
    entry = Entry(b"k", b"v", [("ce_id", b"1")], 1_700_000_000_000)
    assert encode_frame(7, encode_entry(entry)).hex() == (
        "0000002074f0a61b0000000000000007"
        "0000018bcfe56800000000010000000100016b7600050000000163655f696431"
    )
    assert encode_segment_header(SegmentHeader(2, Position(1, 99))).hex() == (
        "42524753504f4f4c00000001000000000000000200000000000000010000000000000063ede64ed4"
    )
