import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.broker.apis import APIS
from deploy.embedded.broker.errors import MalformedRequest
from deploy.embedded.broker.request import Api
from deploy.embedded.broker.schema import message
from deploy.embedded.broker.wire import Reader, Writer


@given(
    st.integers(-128, 127),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.none() | st.text(max_size=50),
    st.none() | st.binary(max_size=6000),
    st.none() | st.lists(st.text(max_size=5)),
)
def test_what_is_written_is_read_back(
    byte: int,
    number: int,
    large: int,
    text: str | None,
    blob: bytes | None,
    items: list[str] | None,
) -> None:
    codec = message("a:int8 b:int32 c:int64 d:string? e:bytes? f:[string]? g:[n:int32]", 0)
    writer = Writer()
    fields = {"a": byte, "b": number, "c": large, "d": text, "e": blob, "f": items}
    codec.write(writer, fields | {"g": [{"n": byte}, {"n": number}]})
    frame = b"".join(writer.frame(77))
    reader = Reader(frame)
    assert (reader.int32(), reader.int32()) == (len(frame) - 4, 77)
    got = codec.read(reader)
    assert (got.a, got.b, got.c, got.d, got.e, got.f) == (byte, number, large, text, blob, items)
    assert [each.n for each in got.g] == [byte, number]
    assert reader.remaining == 0


def test_fields_are_there_in_their_versions_only() -> None:
    text = "old:int8@0-1 new:int16=-1@2 items:[int8]@1"
    sizes = []
    for version in range(4):
        writer = Writer()
        message(text, version).write(writer, {"old": 1})
        sizes.append(len(b"".join(writer.frame(0))) - 8)
    assert sizes == [1, 5, 6, 6]
    read = message(text, 0).read(Reader(b"\x07"))
    assert (read.old, read.new, list(read.items)) == (7, -1, [])


def test_an_unknown_field_in_an_answer_is_a_fault() -> None:
    with pytest.raises(KeyError, match="partitoin"):
        message("partition:int32", 0).write(Writer(), {"partitoin": 1})


@pytest.mark.parametrize("api", APIS.values(), ids=lambda api: api.name)
@given(content=st.binary(max_size=40))
def test_any_bytes_are_a_request_or_are_refused(api: Api, content: bytes) -> None:
    for version in range(api.oldest, api.newest + 1):
        reader = Reader(content)
        try:
            message(api.request, version).read(reader)
        except MalformedRequest:
            continue
        assert reader.remaining >= 0


def test_an_array_cannot_promise_more_items_than_bytes() -> None:
    reader = Reader((2**31 - 1).to_bytes(4, "big") + b"abc")
    with pytest.raises(MalformedRequest, match="array of 2147483647 items"):
        reader.array(Reader.int8)
