"""Structs come back from their bytes as they were, and torn bytes are an error and nothing else."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lake.maintenance.thrift_compact import (
    DEEPEST,
    Field,
    Items,
    Kind,
    Pairs,
    Struct,
    ThriftError,
    decode,
    encode,
)

Typed = tuple[int, Any]

PLAIN: st.SearchStrategy[Typed] = st.one_of(
    st.booleans().map(lambda value: (Kind.TRUE if value else Kind.FALSE, value)),
    st.integers(-(2**7), 2**7 - 1).map(lambda value: (Kind.BYTE, value)),
    st.integers(-(2**15), 2**15 - 1).map(lambda value: (Kind.I16, value)),
    st.integers(-(2**31), 2**31 - 1).map(lambda value: (Kind.I32, value)),
    st.integers(-(2**63), 2**63 - 1).map(lambda value: (Kind.I64, value)),
    st.floats(allow_nan=False).map(lambda value: (Kind.DOUBLE, value)),
    st.binary(max_size=300).map(lambda value: (Kind.BINARY, value)),
)


def struct_of(values: st.SearchStrategy[Typed]) -> st.SearchStrategy[Struct]:
    """Fields with numbers near to and far from one another, ascending as writers have them."""
    numbers = st.integers(-(2**15), 2**15 - 1) | st.integers(1, 40)
    return st.dictionaries(numbers, values, max_size=6).map(
        lambda found: {number: Field(*typed) for number, typed in sorted(found.items())}
    )


def items_of(values: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    """A list of one kind of values, or a set, short or long."""

    def alike(typed: Typed) -> st.SearchStrategy[Typed]:
        kind, value = typed
        shared = int(Kind.TRUE) if kind <= Kind.FALSE else kind
        sizes = st.integers(0, 20)
        made = sizes.map(lambda size: Items(shared, [value] * size))
        return st.tuples(st.sampled_from([Kind.LIST, Kind.SET]), made)

    return values.flatmap(alike)


def pairs_of(values: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    def made(found: tuple[list[bytes], Typed]) -> Typed:
        keys, (kind, value) = found
        shared = int(Kind.TRUE) if kind <= Kind.FALSE else kind
        entries = [(key, value) for key in keys]
        return Kind.MAP, Pairs(Kind.BINARY, shared, entries) if entries else Pairs(0, 0, [])

    return st.tuples(st.lists(st.binary(max_size=4), max_size=4), values).map(made)


STRUCTS = struct_of(
    st.recursive(
        PLAIN,
        lambda inner: st.one_of(
            struct_of(inner).map(lambda value: (Kind.STRUCT, value)),
            items_of(inner),
            pairs_of(inner),
        ),
        max_leaves=12,
    )
)


@given(STRUCTS, st.binary(max_size=5))
def test_a_struct_comes_back_and_what_follows_it_is_left(fields: Struct, behind: bytes) -> None:
    content = encode(fields)
    assert decode(behind + content + behind, len(behind)) == (fields, len(behind + content))
    assert list(decode(content)[0]) == list(fields)
    assert encode(decode(content)[0]) == content


@given(STRUCTS, st.data())
def test_less_than_all_of_it_is_an_error(fields: Struct, data: st.DataObject) -> None:
    content = encode(fields)
    with pytest.raises(ThriftError):
        decode(content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_struct_or_an_error(content: bytes) -> None:
    with contextlib.suppress(ThriftError):
        fields, end = decode(content)
        assert decode(encode(fields))[0] == fields or "nan" in repr(fields)
        assert end <= len(content)


def test_bytes_that_ask_for_much_depth_or_memory_are_refused() -> None:
    with pytest.raises(ThriftError, match="lie in one another"):
        decode(b"\x1c" * (DEEPEST + 2) + b"\x00" * (DEEPEST + 3))
    with pytest.raises(ThriftError, match="values at byte"):
        decode(b"\x18\xff\xff\xff\xff\x7f")
    with pytest.raises(ThriftError, match="64 bits"):
        decode(b"\x16" + b"\xff" * 10 + b"\x00\x00")
