"""Shopify's scheme: base64 HMAC-SHA256 of the raw body under the app secret."""

import pytest

from services.ingest.signatures.shopify import ShopifyVerifier
from services.ingest.signatures.verifier import SignatureInvalid, SignatureMissing

SECRET = "shpss_test_secret"
BODY = b'{"id":1001,"email":"ada@example.com"}'
SIGNATURE = "QFDwSiEv9RzJfVaSk0l+QOtlDccwb8R6RtyVgJH1wDo="


def verify(signature: str | None, body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,)) -> None:
    headers = {} if signature is None else {"X-Shopify-Hmac-Sha256": signature}
    ShopifyVerifier(secrets).verify(headers, body, now=0.0)


def test_the_known_vector_is_accepted() -> None:
    verify(SIGNATURE)


@pytest.mark.parametrize("secrets", [("new", SECRET), (SECRET, "new")])
def test_any_active_secret_is_accepted_while_one_is_rolled(secrets: tuple[str, ...]) -> None:
    verify(SIGNATURE, secrets=secrets)


def test_a_missing_header_is_named() -> None:
    with pytest.raises(SignatureMissing, match="Missing X-Shopify-Hmac-Sha256 header"):
        verify(None)


@pytest.mark.parametrize(
    ("signature", "body", "secrets"),
    [
        pytest.param(SIGNATURE, BODY + b" ", (SECRET,), id="tampered body"),
        pytest.param(SIGNATURE, BODY, ("another",), id="wrong secret"),
        pytest.param(SIGNATURE.rstrip("="), BODY, (SECRET,), id="padding cut off"),
        pytest.param(SIGNATURE.lower(), BODY, (SECRET,), id="case changed"),
        pytest.param("é" * 44, BODY, (SECRET,), id="not ASCII"),
        pytest.param("\udcff" * 44, BODY, (SECRET,), id="bytes that are no UTF-8"),
    ],
)
def test_everything_else_is_refused(signature: str, body: bytes, secrets: tuple[str, ...]) -> None:
    with pytest.raises(SignatureInvalid):
        verify(signature, body, secrets)


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "")])
def test_an_empty_secret_is_never_a_key(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="empty secret"):
        ShopifyVerifier(secrets)
