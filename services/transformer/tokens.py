"""Tokens stand for what identifies somebody: equal people get equal tokens, nobody can read them.

``tok_`` and the first 128 bits, hexadecimal, of HMAC-SHA256(key, class | normalised value). A token
belongs to the *class* of a value, not to its column, so an e-mail address has one token in every
source. Whatever makes a value unusable is decided in the normaliser, because afterwards all tokens
look alike: null, blank and unusable values have no token.

The key is set once per process by :func:`use`; for a fixed key everything here is pure. Losing it
orphans every token, another one gives other tokens: :func:`fingerprint` tells keys apart.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import polars as pl

from shared.runtime.errors import ConfigurationError

TOKEN_LENGTH = 36
SHORTEST_KEY = 16
"""Bytes. Tokens are as hard to guess as their key."""

SHORTEST_PHONE, LONGEST_PHONE = 7, 15
"""Digits; E.164 allows no more than 15."""

_CALLING_CODE, _NATIONAL_DIGITS = "1", 10
"""The numbering plan of numbers without a country: North America's."""

_NO_DIGIT = re.compile(r"[^0-9]")


class PiiClass(StrEnum):
    """What kind of value identifies somebody."""

    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    NAME_PREFIX = "name_prefix"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class TokenKey:
    """The secret, and its number: tokens of later keys name it, ``tok2_…``.

    Raises:
        ConfigurationError: the secret is too short to be one.
    """

    secret: bytes = field(repr=False)
    version: int = 1

    def __post_init__(self) -> None:
        if len(self.secret.strip()) < SHORTEST_KEY:
            raise ConfigurationError(
                f"the token key has {len(self.secret.strip())} bytes, it needs {SHORTEST_KEY}",
                "set BERGLINE_TRANSFORMER_TOKEN_KEY, for example to `openssl rand -hex 32`",
            )

    @property
    def prefix(self) -> str:
        """How tokens of this key begin."""
        return "tok_" if self.version == 1 else f"tok{self.version}_"


_key: TokenKey | None = None


def use(key: TokenKey) -> None:
    """Make tokens with this key from now on, in this process."""
    global _key
    _key = key


def current() -> TokenKey:
    """The key in use.

    Raises:
        ConfigurationError: none was set.
    """
    if _key is None:
        raise ConfigurationError(
            "no token key is in use", "set BERGLINE_TRANSFORMER_TOKEN_KEY for the transformer"
        )
    return _key


def fingerprint() -> str:
    """Eight hex digits that tell keys apart and tell nothing about them."""
    return hmac.digest(current().secret, b"bergline token key", "sha256").hex()[:8]


def token(pii_class: PiiClass, value: str | None) -> str | None:
    """The token of one value; ``None`` when it identifies nobody."""
    return _token(current(), pii_class, value)


def tokens(pii_class: PiiClass, values: pl.Series) -> pl.Series:
    """The token of each text, null where there is none; a repeated text is hashed once."""
    key = current()
    distinct = values.drop_nulls().unique()
    made = pl.Series([_token(key, pii_class, text) for text in distinct.to_list()], dtype=pl.String)
    return values.replace_strict(distinct, made, default=None, return_dtype=pl.String)


def _token(key: TokenKey, pii_class: PiiClass, value: str | None) -> str | None:
    normal = None if value is None else NORMALISERS[pii_class](value)
    if not normal:
        return None
    digest = hmac.digest(key.secret, f"{pii_class.value}|{normal}".encode(), "sha256")
    return key.prefix + digest.hex()[: TOKEN_LENGTH - len("tok_")]


def normal_text(value: str) -> str:
    """Lower case, without space around."""
    return value.strip().lower()


def normal_prefix(value: str) -> str:
    """The first three characters in lower case; of blank ones nothing."""
    return value[:3].lower() if value[:3].strip() else ""


def normal_phone(value: str) -> str:
    """A phone number as E.164 where its country is written or is North America; digits else.

    ``+1 (555) 123-4567``, ``001 555 123 4567`` and ``555.123.4567`` are one number. Nothing when
    there are fewer digits than a number has, or more.
    """
    digits = _NO_DIGIT.sub("", value)
    international = value.lstrip(" (").startswith("+")
    if not international and digits.startswith("00"):
        digits, international = digits[2:], True
    if not SHORTEST_PHONE <= len(digits) <= LONGEST_PHONE:
        return ""
    if international:
        return f"+{digits}"
    if len(digits) == _NATIONAL_DIGITS:
        return f"+{_CALLING_CODE}{digits}"
    national = len(digits) - len(_CALLING_CODE) == _NATIONAL_DIGITS
    return f"+{digits}" if national and digits.startswith(_CALLING_CODE) else digits


NORMALISERS: Mapping[PiiClass, Callable[[str], str]] = MappingProxyType(
    {
        PiiClass.EMAIL: normal_text,
        PiiClass.PHONE: normal_phone,
        PiiClass.NAME: normal_text,
        PiiClass.NAME_PREFIX: normal_prefix,
        PiiClass.ADDRESS: normal_text,
    }
)
"""What of a value counts. An empty result: it identifies nobody."""
