"""Forms: brackets nest, every value is text, and what cannot be kept whole is refused."""

from urllib.parse import quote_plus, urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.form import MAX_BYTES, decode, is_form
from services.ingest.limits.shapes import FORM_DEPTH, FORM_FIELDS, Shape
from shared.sources.spec import Fault, Malformed


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param(b"", {}, id="empty"),
        pytest.param(b"a=1&b=&c", {"a": "1", "b": "", "c": ""}, id="values may be empty"),
        pytest.param(b"&a=1&&b=x=y&", {"a": "1", "b": "x=y"}, id="stray signs"),
        pytest.param(
            b"type=subscribe&data[merges][EMAIL]=ada%40example.com&data[id]=7",
            {"type": "subscribe", "data": {"merges": {"EMAIL": "ada@example.com"}, "id": "7"}},
            id="brackets nest",
        ),
        pytest.param(
            b"data%5Bmerges%5D%5BFNAME%5D=Ad%C3%A9la+M", {"data": {"merges": {"FNAME": "Adéla M"}}},
            id="names and values are escaped",
        ),
        pytest.param(
            b"t[]=a&t[]=b&n[0][id]=1&n[1][id]=2",
            {"t": ["a", "b"], "n": [{"id": "1"}, {"id": "2"}]},
            id="numbered fields are an array",
        ),
        pytest.param(b"n[1]=a&n[x]=b", {"n": {"1": "a", "x": "b"}}, id="other numbers are not"),
        pytest.param(b"n[7]=a&n[]=b", {"n": {"7": "a", "1": "b"}}, id="the next free number"),
        pytest.param(
            b"[a]=1&b]=2&c[=3&d[e]f=4&g[[h]]=5",
            {"[a]": "1", "b]": "2", "c[": "3", "d[e]f": "4", "g[[h]]": "5"},
            id="brackets that are no pairs",
        ),
        pytest.param(b"a=%zz%4", {"a": "%zz%4"}, id="broken escapes are text"),
        pytest.param(b"a=%00%0A", {"a": "\0\n"}, id="escaped control characters"),
    ],
)  # fmt: skip
def test_a_form_is_read(body: bytes, fields: dict[str, object]) -> None:
    assert decode(body) == fields


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"a=1&a=2", "field 2 was given before", id="twice"),
        pytest.param(b"a=1&a[b]=2", "field 2 is within", id="a value, then fields in it"),
        pytest.param(b"a[b]=1&a=2", "field 2 was given before", id="fields, then a value"),
        pytest.param(b"a=%FF", "field 1 is not UTF-8", id="escaped bytes"),
        pytest.param(b"a=\xff", "field 1 is not UTF-8", id="bytes"),
        pytest.param(b"a=1\n", "control characters", id="control characters"),
        pytest.param(b"a" + b"[b]" * FORM_DEPTH + b"=1", "deeper", id="deep"),
        pytest.param(b"&".join(b"%d=" % n for n in range(FORM_FIELDS + 1)), "fields", id="many"),
        pytest.param(b"a=" + b"x" * MAX_BYTES, "larger", id="large"),
    ],
)
def test_what_cannot_be_kept_whole_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says) as malformed:
        decode(body)
    assert malformed.value.fault is Fault.INVALID_FORM


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/x-www-form-urlencoded", True),
        ("Application/X-WWW-Form-Urlencoded ; charset=utf-8", True),
        ("application/json", False),
        ("multipart/form-data; boundary=x", False),
        ("", False),
        (None, False),
    ],
)
def test_the_content_type_tells_a_form(content_type: str | None, form: bool) -> None:
    assert is_form(content_type) is form


names = st.text(min_size=1, max_size=8).filter(lambda name: "[" not in name and "]" not in name)
names = names.filter(lambda name: not name.isdecimal())
trees: st.SearchStrategy[dict[str, object]] = st.recursive(
    st.dictionaries(names, st.text(max_size=8), min_size=1, max_size=3),
    lambda inner: st.dictionaries(names, st.text(max_size=8) | inner, min_size=1, max_size=3),
    max_leaves=10,
)


def depth(tree: object) -> int:
    return 1 + max(map(depth, tree.values())) if isinstance(tree, dict) else 0


def flat(tree: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for name, value in tree.items():
        path = f"{prefix}[{name}]" if prefix else name
        out += flat(value, path) if isinstance(value, dict) else [(path, str(value))]
    return out


@given(tree=trees.filter(lambda tree: depth(tree) <= FORM_DEPTH))
def test_whatever_was_written_as_a_form_is_read_back(tree: dict[str, object]) -> None:
    assert decode(urlencode(flat(tree), quote_via=quote_plus).encode()) == tree


pieces = st.sampled_from(
    [
        b"a",
        b"b",
        b"0",
        b"1",
        b"[",
        b"]",
        b"[]",
        b"[a]",
        b"[0]",
        b"=",
        b"&",
        b"+",
        b"%",
        b"%5B",
        b"%FF",
    ]
)


@given(body=st.binary(max_size=60) | st.lists(pieces, max_size=40).map(b"".join))
def test_any_bytes_are_fields_or_malformed_and_their_json_is_at_most_twice_as_long(
    body: bytes,
) -> None:
    try:
        fields = decode(body)
    except Malformed:
        return
    braces = 1 + 6 * (body.count(b"&") + body.count(b"[") + 1)
    assert len(orjson.dumps(fields)) <= braces + 2 * len(body)


def test_the_bounds_may_be_others() -> None:
    assert decode(b"a[b]=1&c=2", Shape(form_fields=2, form_depth=2))
    with pytest.raises(Malformed, match="more than 1 fields"):
        decode(b"a=1&c=2", Shape(form_fields=1))
    with pytest.raises(Malformed, match="deeper than 2"):
        decode(b"a[b][c]=1", Shape(form_depth=2))
