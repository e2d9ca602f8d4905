"""One header over the raw body: Shopify's base64, GitHub's hex after a prefix."""

import pytest

from services.ingest.signatures.body_hmac import BodyHmacVerifier
from services.ingest.signatures.verifier import SignatureInvalid, SignatureMissing
from shared.sources.signing import BodyHmac

SHOPIFY = BodyHmac(header="X-Shopify-Hmac-Sha256", encoding="base64")
GITHUB = BodyHmac(header="X-Hub-Signature-256", encoding="hex", prefix="sha256=")

SECRET = "shpss_test_secret"
BODY = b'{"id":1001,"email":"ada@example.com"}'
SIGNATURE = "QFDwSiEv9RzJfVaSk0l+QOtlDccwb8R6RtyVgJH1wDo="


def verify(signature: str | None, body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,)) -> None:
    headers = {} if signature is None else {"X-Shopify-Hmac-Sha256": signature}
    BodyHmacVerifier(secrets, SHOPIFY).verify(headers, body, now=0.0)


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
        BodyHmacVerifier(secrets, SHOPIFY)


# The vendor's published example.
GITHUB_SECRET = "It's a Secret to Everybody"
GITHUB_BODY = b"Hello, World!"
GITHUB_DIGEST = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def verify_github(signature: str, body: bytes = GITHUB_BODY, secret: str = GITHUB_SECRET) -> None:
    BodyHmacVerifier((secret,), GITHUB).verify({GITHUB.header: signature}, body, now=0.0)


@pytest.mark.parametrize("digest", [GITHUB_DIGEST, GITHUB_DIGEST.upper()])
def test_hex_after_a_prefix_is_accepted_in_either_case(digest: str) -> None:
    verify_github(f"sha256={digest}")


@pytest.mark.parametrize(
    ("signature", "body", "secret"),
    [
        pytest.param(GITHUB_DIGEST, GITHUB_BODY, GITHUB_SECRET, id="no prefix"),
        pytest.param(f"sha1={GITHUB_DIGEST}", GITHUB_BODY, GITHUB_SECRET, id="another prefix"),
        pytest.param("sha256=", GITHUB_BODY, GITHUB_SECRET, id="no digest"),
        pytest.param(f"sha256={GITHUB_DIGEST}", b"Hello", GITHUB_SECRET, id="tampered body"),
        pytest.param(f"sha256={GITHUB_DIGEST}", GITHUB_BODY, "another", id="wrong secret"),
        pytest.param("sha256=\u0130\udcff", GITHUB_BODY, GITHUB_SECRET, id="not ASCII"),
    ],
)
def test_all_other_hex_is_refused(signature: str, body: bytes, secret: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify_github(signature, body, secret)
