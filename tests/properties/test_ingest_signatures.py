"""For any body and any secrets: what was signed is accepted, what was changed is not."""

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.signatures.shopify import ShopifyVerifier
from services.ingest.signatures.stripe import StripeVerifier
from services.ingest.signatures.verifier import SignatureInvalid, SignatureRefused

secrets = st.lists(st.text(min_size=1, max_size=40).filter(lambda s: s.isprintable()), min_size=1)
bodies = st.binary(max_size=2000)
NOW = 1_700_000_000


def shopify(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def stripe(secret: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), b"%d.%s" % (NOW, body), "sha256").hex()


@given(secrets=secrets, body=bodies, data=st.data())
def test_shopify_accepts_what_any_active_secret_signed(
    secrets: list[str], body: bytes, data: st.DataObject
) -> None:
    secret = data.draw(st.sampled_from(secrets))
    ShopifyVerifier(secrets).verify({"X-Shopify-Hmac-Sha256": shopify(secret, body)}, body, now=0.0)


@given(secrets=secrets, body=bodies, other=bodies)
def test_shopify_refuses_another_body(secrets: list[str], body: bytes, other: bytes) -> None:
    verifier = ShopifyVerifier(secrets)
    headers = {"X-Shopify-Hmac-Sha256": shopify(secrets[0], other)}
    if body == other:
        verifier.verify(headers, body, now=0.0)
        return
    with pytest.raises(SignatureInvalid):
        verifier.verify(headers, body, now=0.0)


@given(
    secrets=secrets,
    body=bodies,
    noise=st.lists(st.sampled_from(["v0=00", "v1=00", "x", "", "v2=ab", " v1 = 11 "])),
    data=st.data(),
)
def test_stripe_finds_the_one_signature_that_fits(
    secrets: list[str], body: bytes, noise: list[str], data: st.DataObject
) -> None:
    secret = data.draw(st.sampled_from(secrets))
    items = data.draw(st.permutations([*noise, f"t={NOW}", f"v1={stripe(secret, body)}"]))
    StripeVerifier(secrets).verify({"Stripe-Signature": ",".join(items)}, body, NOW)


@given(secrets=secrets, body=bodies, header=st.text(max_size=200))
def test_no_text_that_was_not_signed_is_accepted_or_breaks_a_verifier(
    secrets: list[str], body: bytes, header: str
) -> None:
    for verifier, name in (
        (ShopifyVerifier(secrets), "X-Shopify-Hmac-Sha256"),
        (StripeVerifier(secrets), "Stripe-Signature"),
    ):
        with pytest.raises(SignatureRefused):
            verifier.verify({name: header}, body, NOW)
