"""What is taken out of JSON, and that nothing in it raises."""

from __future__ import annotations

from decimal import Decimal

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transformer.rules.json_values import is_object, lengths, members, shop_amounts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["city", "zip", "shop_money", "amount"]), inner),
    max_leaves=8,
)  # fmt: skip
ODD = (
    *("", " ", "null", "nul", "{", "}", "[", "]", '"', '""', "0", "-", "true", "{}", "[]", "[[]]"),
    *('{"city":}', '{"city":"\\ud800"}', '{"city":"a","city":"b"}', '{"shop_money":[]}', "[1,]"),
    *('{"shop_money":{"amount":"\\u0031.00"}}', "[" * 5000, '{"city":1e999}', "\x00", "{},{}"),
)


def texts(*values: str | None) -> pl.Series:
    return pl.Series("json", values, dtype=pl.String)


class TestLengths:
    @pytest.mark.parametrize(
        ("text", "length"),
        [
            ("[]", 0), (" [ ] ", 0), ("[1]", 1), ('[{"a":[1,2]},{"b":{"c":[]}}]', 2),
            ("[[],[],[]]", 3), ("[null]", 1), ('["},{"]', 1), (None, 0), ("", 0), ("null", 0),
            ("{}", 0), ('{"a":1}', 0), ('"[1,2]"', 0), ("7", 0), ("[1", 0), ("[1,]", 0),
        ],
    )  # fmt: skip
    def test_the_elements_of_an_array_count(self, text: str | None, length: int) -> None:
        assert lengths(texts(text)).to_list() == [length]

    def test_the_type_is_the_tables(self) -> None:
        assert lengths(texts()).dtype == pl.Int32


class TestMembers:
    def of(self, text: str | None) -> list[str | None]:
        return [found.item() for found in members(texts(text), ("city", "zip"))]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('{"city":"Rome","zip":"00100"}', ["Rome", "00100"]),
            ('{"zip":"00100","more":{"city":"no"}}', [None, "00100"]),
            ('{"city":" Rome ","zip":""}', ["Rome", None]),
            ('{"city":"  "}', [None, None]),
            ('{"city":null}', [None, None]),
            ('{"city":7,"zip":"00100"}', [None, "00100"]),
            ('{"city":{"name":"Rome"},"zip":["1"]}', [None, None]),
            ('{"city":"\\u00dcber"}', ["Über", None]),
            ("null", [None, None]), ("[]", [None, None]), ('["city"]', [None, None]),
            ('"city"', [None, None]), ("{", [None, None]), ("", [None, None]), (None, [None, None]),
        ],
    )  # fmt: skip
    def test_only_texts_count_and_each_by_itself(
        self, text: str | None, expected: list[str | None]
    ) -> None:
        assert self.of(text) == expected

    def test_no_rows(self) -> None:
        found = members(texts(), ("city", "zip"))
        assert [(each.name, each.dtype == pl.String, len(each)) for each in found] == [
            ("city", True, 0),
            ("zip", True, 0),
        ]


class TestShopAmounts:
    @pytest.mark.parametrize(
        ("amount", "expected"),
        [
            ('"5.10"', "5.10"), ('"0.00"', "0"), ("5.1", "5.10"), ("5", "5"), ('"5"', "5"),
            ('"-3.20"', "-3.20"), ('"5.100"', "5.10"),
            ('"1234567890123456.99"', "1234567890123456.99"),
            ("null", "0"), ('"5.123"', None), ('"5,10"', None), ('""', None), ("true", None),
            ("{}", None), ("1e3", None), ('"NaN"', None), ('"12345678901234567"', None),
        ],
    )  # fmt: skip
    def test_an_amount_is_exact_or_null(self, amount: str, expected: str | None) -> None:
        found = shop_amounts(texts(f'{{"shop_money":{{"amount":{amount}}},"x":1}}')).item()
        assert found == (None if expected is None else Decimal(expected))

    @pytest.mark.parametrize(
        "text", [None, "null", "{}", '{"shop_money":null}', '{"shop_money":{}}']
    )
    def test_an_absent_one_is_zero(self, text: str | None) -> None:
        assert shop_amounts(texts(text)).to_list() == [Decimal(0)]

    @pytest.mark.parametrize("text", ["[]", "7", '{"shop_money":[]}', '{"shop_money":"5.00"}', "{"])
    def test_something_else_is_null(self, text: str) -> None:
        assert shop_amounts(texts(text)).to_list() == [None]

    def test_odd_and_usual_ones_stay_in_their_rows(self) -> None:
        usual, odd = '{"shop_money":{"amount":"1.00"}}', '{"shop_money":{"amount":2}}'
        found = shop_amounts(texts(odd, usual, None, "x", usual))
        assert found.to_list() == [Decimal(2), Decimal(1), Decimal(0), None, Decimal(1)]
        assert found.dtype == pl.Decimal(18, 2)


def test_only_an_object_is_one() -> None:
    found = is_object(texts('{"a":1}', " {}", "[]", "null", None, ""))
    assert found.to_list() == [True, True, False, False, False, False]


@settings(deadline=None)
@given(st.lists(st.none() | st.sampled_from(ODD) | JSON.map(lambda v: orjson.dumps(v).decode())))
def test_nothing_raises_and_each_row_is_read_by_itself(values: list[str | None]) -> None:
    series = texts(*values)
    assert lengths(series).to_list() == [lengths(texts(v)).item() for v in values]
    assert shop_amounts(series).to_list() == [shop_amounts(texts(v)).item() for v in values]
    (cities,) = members(series, ("city",))
    assert cities.to_list() == [members(texts(v), ("city",))[0].item() for v in values]
