"""What staging takes out of JSON columns: lengths, members, an amount.

Every text is parsed by itself, by a decoder that makes values of the wanted members only. Nothing
that a vendor can write raises: what is not there or of another type is null, no array has no
elements.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import polars as pl

_REFUSALS = (msgspec.MsgspecError, RecursionError)

_AMOUNT = re.compile(r'"?(-?[0-9]{1,16})(?:\.([0-9]{0,2})0*)?"?')


class _ShopMoney(msgspec.Struct, gc=False):
    amount: msgspec.Raw = msgspec.Raw(b"null")


class _PriceSet(msgspec.Struct, gc=False):
    shop_money: _ShopMoney | None = None


_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_price_set = msgspec.json.Decoder(_PriceSet | None).decode


def lengths(texts: pl.Series) -> pl.Series:
    """Number of elements of each JSON array; 0 for whatever is none."""
    return pl.Series(texts.name, [_length(text) for text in texts.to_list()], dtype=pl.Int32)


def _length(text: str | None) -> int:
    if not text or text == "[]":
        return 0
    try:
        return len(_elements(text))
    except _REFUSALS:
        return 0


def is_object(texts: pl.Series) -> pl.Series:
    """Whether each text is a JSON object; null is none."""
    return texts.str.strip_chars_start().str.starts_with("{").fill_null(value=False)


def members(texts: pl.Series, names: Sequence[str]) -> list[pl.Series]:
    """Text members of each JSON object, trimmed: one series per name.

    Null where there is no such member, where it is blank or no text, and where there is no object.
    """
    decode = _decoder(tuple(names))
    found = [decode(text) for text in texts.to_list()]
    columns = zip(*found, strict=True) if found else ((),) * len(names)
    return [
        pl.Series(name, [_text(value) for value in column], dtype=pl.String)
        for name, column in zip(names, columns, strict=True)
    ]


def _text(value: object) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None


def _decoder(names: tuple[str, ...]) -> Callable[[str | None], tuple[Any, ...]]:
    object_type = msgspec.defstruct("_Object", [(name, Any, None) for name in names], gc=False)
    decode = msgspec.json.Decoder(object_type).decode
    as_tuple = msgspec.structs.astuple
    nothing = (None,) * len(names)

    def values(text: str | None) -> tuple[Any, ...]:
        if not text or text == "null":
            return nothing
        try:
            return as_tuple(decode(text))
        except _REFUSALS:
            return nothing

    return values


def shop_amounts(texts: pl.Series) -> pl.Series:
    """``shop_money.amount`` of each price set as decimal(18, 2).

    0 where there is none; null where something stands there that is no such amount.
    """
    found = [_shop_amount(text) for text in texts.to_list()]
    return pl.Series(texts.name, found, dtype=pl.String).cast(pl.Decimal(18, 2))


def _shop_amount(text: str | None) -> str | None:
    if not text:
        return "0"
    try:
        price_set = _price_set(text)
    except _REFUSALS:
        return None
    if price_set is None or price_set.shop_money is None:
        return "0"
    amount = bytes(price_set.shop_money.amount).decode()
    if amount == "null":
        return "0"
    match = _AMOUNT.fullmatch(amount)
    return None if match is None else f"{match[1]}.{(match[2] or '').ljust(2, '0')}"
