import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.broker.errors import MalformedRequest
from deploy.embedded.broker.wire import Reader, Writer


@given(
    st.integers(-128, 127),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.none() | st.text(max_size=50),
    st.none() | st.binary(max_size=6000),
    st.lists(st.text(max_size=5)),
)
def test_what_is_written_is_read_back(
    byte: int, number: int, large: int, text: str | None, blob: bytes | None, items: list[str]
) -> None:
    writer = Writer()
    writer.int8(byte)
    writer.int32(number)
    writer.int64(large)
    writer.string(text)
    writer.data(blob)
    writer.array(items, writer.string)
    frame = b"".join(writer.frame(77))
    reader = Reader(frame)
    assert reader.int32() == len(frame) - 4
    assert reader.int32() == 77
    assert (reader.int8(), reader.int32(), reader.int64()) == (byte, number, large)
    assert reader.nullable_string() == text
    got = reader.nullable_data()
    assert (None if got is None else bytes(got)) == blob
    assert reader.array(reader.string) == items
    assert reader.remaining == 0


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read in ("string", "data", "int64", "compact_string", "skip_tagged_fields"):
        reader = Reader(content)
        try:
            getattr(reader, read)()
        except MalformedRequest:
            continue
        assert reader.remaining >= 0


def test_an_array_cannot_promise_more_items_than_bytes() -> None:
    reader = Reader((2**31 - 1).to_bytes(4, "big") + b"abc")
    with pytest.raises(MalformedRequest, match="array of 2147483647 items"):
        reader.array(reader.int8)
