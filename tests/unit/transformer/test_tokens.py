"""A token stands for what identifies somebody, and for nothing that does not."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transformer import tokens
from services.transformer.tokens import NORMALISERS, PiiClass, TokenKey, token
from shared.runtime.errors import ConfigurationError

KEY = TokenKey(b"a key for tests and nothing else")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_key", KEY)


def test_it_is_tok_and_32_hexadecimal_digits() -> None:
    made = token(PiiClass.EMAIL, "ada@example.com")
    assert made is not None
    assert re.fullmatch(r"tok_[0-9a-f]{32}", made)


def test_tokens_of_this_key_never_change() -> None:
    assert token(PiiClass.EMAIL, "ada@example.com") == "tok_f38198266102577454ddc763edac1e9f"
    assert token(PiiClass.PHONE, "+15551234567") == "tok_a141504ff7b605609e15c181a455d53c"


@pytest.mark.parametrize("pii_class", PiiClass)
@pytest.mark.parametrize("nothing", [None, "", "   ", "\t\n"])
def test_what_is_blank_has_none(pii_class: PiiClass, nothing: str | None) -> None:
    assert token(pii_class, nothing) is None


def test_case_and_space_around_do_not_count() -> None:
    assert token(PiiClass.EMAIL, " Ada@Example.COM ") == token(PiiClass.EMAIL, "ada@example.com")
    assert token(PiiClass.NAME, "LOVELACE ") == token(PiiClass.NAME, "lovelace")


def test_the_same_text_of_another_class_has_another_token() -> None:
    made = {token(pii_class, "12 3456789") for pii_class in PiiClass}
    assert len(made) == len(PiiClass)


def test_a_prefix_is_three_characters_in_lower_case() -> None:
    lovelace = token(PiiClass.NAME_PREFIX, "Lovelace")
    assert lovelace == token(PiiClass.NAME_PREFIX, "LOVeXXXX") == token(PiiClass.NAME_PREFIX, "lov")
    assert lovelace != token(PiiClass.NAME_PREFIX, "Lorelei")


@pytest.mark.parametrize(
    "written",
    [
        "+15551234567", "+1 (555) 123-4567", "(555) 123-4567", "555.123.4567", "1 555 123 4567",
        "5551234567", "001 555 123 4567", " +1-555-123-4567 ",
    ],
)  # fmt: skip
def test_however_a_number_is_written_it_is_one(written: str) -> None:
    assert NORMALISERS[PiiClass.PHONE](written) == "+15551234567"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("+49 30 1234567", "+49301234567"),
        ("0049 30 1234567", "+49301234567"),
        ("030 12345678", "03012345678"),
        ("1234567", "1234567"),
        ("123456", ""),
        ("12345", ""),
        ("+123456789012345", "+123456789012345"),
        ("1234567890123456", ""),
        ("call me", ""),
        ("+", ""),
    ],
)
def test_numbers_of_other_lands_and_what_is_none(written: str, normal: str) -> None:
    assert NORMALISERS[PiiClass.PHONE](written) == normal


def test_columns_and_single_values_agree() -> None:
    values = ["ada@example.com", None, "ADA@example.com", "", "grace@example.com"]
    made = tokens.tokens(PiiClass.EMAIL, pl.Series("email", values, dtype=pl.String))
    assert made.to_list() == [token(PiiClass.EMAIL, value) for value in values]
    assert made.dtype == pl.String


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_column_of_nothing(values: list[None]) -> None:
    made = tokens.tokens(PiiClass.NAME, pl.Series("name", values, dtype=pl.String))
    assert made.to_list() == values
    assert made.dtype == pl.String


@given(st.sampled_from(PiiClass), st.text())
def test_a_token_never_shows_its_value(pii_class: PiiClass, value: str) -> None:
    made = token(pii_class, value)
    assert made is None or re.fullmatch(r"tok_[0-9a-f]{32}", made)


class TestKey:
    def test_another_key_gives_other_tokens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before, mark = token(PiiClass.EMAIL, "ada@example.com"), tokens.fingerprint()
        monkeypatch.setattr(tokens, "_key", TokenKey(b"another key, as long as the first"))
        assert token(PiiClass.EMAIL, "ada@example.com") != before
        assert tokens.fingerprint() != mark

    def test_a_later_key_names_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "_key", TokenKey(KEY.secret, version=2))
        assert str(token(PiiClass.EMAIL, "ada@example.com")).startswith("tok2_")

    @pytest.mark.parametrize("secret", [b"", b"short", b" " * 40])
    def test_a_short_one_is_refused(self, secret: bytes) -> None:
        with pytest.raises(ConfigurationError, match=r"needs 16\nset BERGLINE_TRANSFORMER"):
            TokenKey(secret)

    def test_without_one_nothing_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "_key", None)
        with pytest.raises(ConfigurationError, match="no token key is in use"):
            token(PiiClass.EMAIL, "ada@example.com")

    def test_it_is_not_shown(self) -> None:
        assert KEY.secret.decode() not in repr(KEY)

    def test_use_sets_it_for_the_process(self) -> None:
        tokens.use(TokenKey(b"another key, as long as the first"))
        assert tokens.current().secret.startswith(b"another")
