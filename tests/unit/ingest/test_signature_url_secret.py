"""The scheme of vendors that sign nothing: a secret in the URL, compared whole, shown nowhere."""

import pytest

from services.ingest.signatures.url_secret import UrlSecretVerifier
from services.ingest.signatures.verifier import Requested, SignatureInvalid, SignatureMissing

SECRET = "s3cret/with+odd=signs"
ENCODED = "s3cret%2Fwith%2Bodd%3Dsigns"


def verify(target: str, *, secrets: tuple[str, ...] = (SECRET,)) -> None:
    UrlSecretVerifier(secrets).verify({}, b"type=subscribe", 0.0, Requested("POST", target))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(f"secret={ENCODED}", id="percent-encoded"),
        pytest.param(f"secret={SECRET}", id="as it is"),
        pytest.param(f"list=1&secret={ENCODED}&x=", id="among others"),
        pytest.param(f"secret=other&secret={ENCODED}", id="one of two"),
    ],
)
def test_whoever_knows_the_secret_is_let_in(query: str) -> None:
    verify(f"/webhooks/mailchimp/webhook?{query}")


@pytest.mark.parametrize(
    ("secret", "query"),
    [("two words", "two+words"), ("two words", "two%20words"), ("schlüssel", "schl%C3%BCssel")],
)
def test_spaces_and_letters_beyond_ascii_may_be_part_of_it(secret: str, query: str) -> None:
    verify(f"/?secret={query}", secrets=(secret,))


@pytest.mark.parametrize("secrets", [("new", SECRET), (SECRET, "new")])
def test_any_active_secret_is_accepted_while_one_is_rolled(secrets: tuple[str, ...]) -> None:
    verify(f"/?secret={ENCODED}", secrets=secrets)


@pytest.mark.parametrize("target", ["/", "/?", "/?secret", "/?secret=", "/?Secret=x", "/?a=secret"])
def test_a_missing_parameter_is_named(target: str) -> None:
    with pytest.raises(SignatureMissing, match="Missing secret query parameter"):
        verify(target)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("guess", id="wrong"),
        pytest.param(ENCODED[:-1], id="cut off"),
        pytest.param(ENCODED + "x", id="longer"),
        pytest.param(ENCODED.upper(), id="case changed"),
        pytest.param("%FF%00", id="no UTF-8"),
        pytest.param("é\udcff", id="bytes that no URL may hold"),
        pytest.param("%", id="broken escape"),
        pytest.param("+" * 4000, id="nothing but plus signs"),
    ],
)
def test_everything_else_is_refused_without_being_shown(given: str) -> None:
    with pytest.raises(SignatureInvalid, match="Invalid secret") as refused:
        verify(f"/?secret={given}")
    assert given not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_request_that_is_printed_shows_no_query() -> None:
    shown = repr(Requested("POST", f"/webhooks/mailchimp/webhook?secret={ENCODED}"))
    assert shown == "Requested(POST /webhooks/mailchimp/webhook?…)"


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "")])
def test_an_empty_secret_is_never_one(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="empty secret"):
        UrlSecretVerifier(secrets)
