"""What staging takes out of JSON columns: lengths, members, an amount.

Every text is parsed by itself, by a decoder that makes values of the wanted members only. Nothing
that a vendor can write raises: what is not there or of another type is null, no array has no
elements. The decoders expect the usual types; a text that has others is read a second time, member
by member.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import attrgetter

import msgspec
import polars as pl

_REFUSALS = (msgspec.MsgspecError, RecursionError)

_USUAL_AMOUNT = r"^-?[0-9]{1,16}\.[0-9]{2}$"
_AMOUNT = re.compile(r'"?(-?[0-9]{1,16})(?:\.([0-9]{0,2})0*)?"?')


class _Money(msgspec.Struct, gc=False):
    amount: str


class _PriceSet(msgspec.Struct, gc=False):
    shop_money: _Money


class _OddMoney(msgspec.Struct, gc=False):
    amount: msgspec.Raw = msgspec.Raw(b"null")


class _OddPriceSet(msgspec.Struct, gc=False):
    shop_money: _OddMoney | None = None


_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_price_set = msgspec.json.Decoder(_PriceSet).decode
_odd_price_set = msgspec.json.Decoder(_OddPriceSet | None).decode


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
    usual = msgspec.defstruct("_Usual", [(name, str | None, None) for name in names], gc=False)
    decode, nothing = msgspec.json.Decoder(usual).decode, usual()
    # Structs, not tuples: the garbage collector would look at every tuple, again and again.
    found = []
    for text in texts.to_list():
        if text is None:
            found.append(nothing)
            continue
        try:
            found.append(decode(text))
        except _REFUSALS:
            found.append(usual(**_odd_members(text, names)))
    return [
        _trimmed(pl.Series(name, list(map(attrgetter(name), found)), dtype=pl.String))
        for name in names
    ]


def _odd_members(text: str, names: Sequence[str]) -> dict[str, str]:
    try:
        value = msgspec.json.decode(text)
    except _REFUSALS:
        return {}
    given = value if isinstance(value, dict) else {}
    return {name: found for name in names if isinstance(found := given.get(name), str)}


def _trimmed(texts: pl.Series) -> pl.Series:
    trimmed = texts.str.strip_chars()
    return trimmed.set(trimmed == "", None)


def shop_amounts(texts: pl.Series) -> pl.Series:
    """``shop_money.amount`` of each price set as decimal(18, 2).

    0 where there is none; null where something stands there that is no such amount.
    """
    found = pl.Series(texts.name, [_shop_amount(text) for text in texts.to_list()], dtype=pl.String)
    odd = ~found.str.contains(_USUAL_AMOUNT).fill_null(value=True)
    if odd.any():
        plain = [_plain_amount(amount) for amount in found.filter(odd).to_list()]
        found = found.scatter(odd.arg_true(), plain)
    return found.cast(pl.Decimal(18, 2))


def _shop_amount(text: str | None) -> str | None:
    if text is None:
        return "0.00"
    try:
        return _price_set(text).shop_money.amount
    except _REFUSALS:
        return _odd_shop_amount(text)


def _odd_shop_amount(text: str) -> str | None:
    try:
        price_set = _odd_price_set(text)
    except _REFUSALS:
        return None
    if price_set is None or price_set.shop_money is None:
        return "0.00"
    amount = bytes(price_set.shop_money.amount).decode()
    return "0.00" if amount == "null" else amount


def _plain_amount(amount: str) -> str | None:
    match = _AMOUNT.fullmatch(amount)
    return None if match is None else f"{match[1]}.{(match[2] or '').ljust(2, '0')}"
