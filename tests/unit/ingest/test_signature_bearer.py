"""A bearer token: who has it may, and nobody else."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from services.ingest.signatures.bearer import BearerVerifier
from services.ingest.signatures.verifier import SignatureInvalid, SignatureMissing

TOKEN = "an invented token"
OTHER = "another invented one"


def verify(*secrets: str, **headers: str) -> None:
    BearerVerifier(secrets or (TOKEN,)).verify(CIMultiDict(headers), b"", 0.0)


@pytest.mark.parametrize("presented", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER   {TOKEN} "])
def test_the_token_is_accepted(presented: str) -> None:
    verify(Authorization=presented)


def test_any_active_one_will_do() -> None:
    verify(OTHER, TOKEN, Authorization=f"Bearer {TOKEN}")


@pytest.mark.parametrize("presented", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN])
def test_without_one_it_is_missing(presented: str) -> None:
    with pytest.raises(SignatureMissing):
        verify(Authorization=presented)
    with pytest.raises(SignatureMissing):
        verify()


@pytest.mark.parametrize("presented", [OTHER, TOKEN[:-1], TOKEN + "x", "\udcff", "é" * 20])
def test_another_one_is_refused_and_not_shown(presented: str) -> None:
    with pytest.raises(SignatureInvalid) as refused:
        verify(Authorization=f"Bearer {presented}")
    assert presented not in str(refused.value)


@pytest.mark.parametrize("secrets", [(), ("",), ("short",), (TOKEN, "fifteen letters")])
def test_tokens_that_can_be_guessed_are_no_tokens(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"16 characters|empty"):
        BearerVerifier(secrets)
