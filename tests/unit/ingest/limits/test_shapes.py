"""Depth is found without a parser, and exactly what a parser would find."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.limits.shapes import is_deeper

TEXT = st.text(alphabet='[]{}"\\a:,\n é', max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=25,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(JSON, st.integers(0, 8), st.booleans(), st.sampled_from([None, 1]))
def test_depth_is_what_a_parser_finds(
    value: Any, limit: int, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert is_deeper(body, limit) is (depth(value) > limit)


@pytest.mark.parametrize("levels", [99, 100, 101, 10_000])
@pytest.mark.parametrize("way", ["arrays", "objects", "mixed"])
def test_deep_and_closed(way: str, levels: int) -> None:
    opened, closed = {
        "arrays": (b"[", b"]"),
        "objects": (b'{"a":', b"}"),
        "mixed": (b'[{"a":', b"}]"),
    }[way]
    times = levels // (2 if way == "mixed" else 1)
    body = opened * times + b"1" + closed * times
    assert is_deeper(body, 100) is (times * (2 if way == "mixed" else 1) > 100)


@pytest.mark.parametrize("body", [b"[" * 500_000, b'{"a":' * 100_000, b'["' * 1000])
def test_never_closed(body: bytes) -> None:
    assert isinstance(is_deeper(body, 100), bool)


def test_deep_in_the_middle_of_much_that_is_flat() -> None:
    flat = b"[]," * 400_000
    assert not is_deeper(b"[" + flat + b"[[[]]]]", 4)
    assert is_deeper(b"[" + flat + b"[[[]]]]", 3)


@given(st.binary(max_size=60), st.integers(0, 5))
def test_it_raises_nothing_whatever_the_bytes_are(body: bytes, limit: int) -> None:
    assert isinstance(is_deeper(body, limit), bool)
