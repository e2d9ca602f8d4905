"""For any body and any secrets: what was signed is accepted, what was changed is not."""

import base64
import hmac
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.signatures.body_hmac import BodyHmacVerifier
from services.ingest.signatures.hubspot import HubSpotVerifier
from services.ingest.signatures.standard import StandardVerifier
from services.ingest.signatures.stripe import StripeVerifier
from services.ingest.signatures.url_secret import UrlSecretVerifier
from services.ingest.signatures.verifier import (
    Requested,
    SignatureInvalid,
    SignatureRefused,
    Verifier,
)
from shared.sources.signing import BodyHmac

printable = st.characters(exclude_categories=["C", "Z"], include_characters=" ")
secrets = st.lists(st.text(printable, min_size=1, max_size=40), min_size=1)
bodies = st.binary(max_size=2000)
NOW = 1_700_000_000
SHOPIFY = BodyHmac(header="X-Shopify-Hmac-Sha256", encoding="base64")


def shopify(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def stripe(secret: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), b"%d.%s" % (NOW, body), "sha256").hex()


@given(secrets=secrets, body=bodies, data=st.data())
def test_shopify_accepts_what_any_active_secret_signed(
    secrets: list[str], body: bytes, data: st.DataObject
) -> None:
    secret = data.draw(st.sampled_from(secrets))
    BodyHmacVerifier(secrets, SHOPIFY).verify(
        {"X-Shopify-Hmac-Sha256": shopify(secret, body)}, body, now=0.0
    )


@given(secrets=secrets, body=bodies, other=bodies)
def test_shopify_refuses_another_body(secrets: list[str], body: bytes, other: bytes) -> None:
    verifier = BodyHmacVerifier(secrets, SHOPIFY)
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


@given(secrets=secrets, body=bodies, target=st.text(max_size=100), other=bodies, data=st.data())
def test_hubspot_accepts_one_body_at_one_uri_and_no_other(
    secrets: list[str], body: bytes, target: str, other: bytes, data: st.DataObject
) -> None:
    secret = data.draw(st.sampled_from(secrets))
    verifier = HubSpotVerifier(secrets, ("https://x.example",))
    plain = target.encode("utf-8", "surrogateescape").replace(b"%", b"")
    message = b"POSThttps://x.example/" + plain + body + b"%d000" % NOW
    headers = {
        "X-HubSpot-Signature-v3": base64.b64encode(
            hmac.digest(secret.encode(), message, "sha256")
        ).decode(),
        "X-HubSpot-Request-Timestamp": f"{NOW}000",
    }
    requested = Requested("POST", "/" + plain.decode("utf-8", "surrogateescape"))
    verifier.verify(headers, body, NOW, requested)
    if other != body:
        with pytest.raises(SignatureInvalid):
            verifier.verify(headers, other, NOW, requested)


@given(
    keys=st.lists(st.binary(min_size=16, max_size=64), min_size=1),
    body=bodies,
    identity=st.text(min_size=1, max_size=40),
    noise=st.lists(st.sampled_from(["v1,AAAA", "v1a,AAAA", "x", "", ",", "v2,"])),
    data=st.data(),
)
def test_standard_finds_the_one_signature_that_fits(
    keys: list[bytes], body: bytes, identity: str, noise: list[str], data: st.DataObject
) -> None:
    message = identity.encode("utf-8", "surrogateescape") + b".%d." % NOW + body
    digest = hmac.digest(data.draw(st.sampled_from(keys)), message, "sha256")
    items = data.draw(st.permutations([*noise, f"v1,{base64.b64encode(digest).decode()}"]))
    headers = {
        "webhook-id": identity,
        "webhook-timestamp": str(NOW),
        "webhook-signature": " ".join(items),
    }
    StandardVerifier([standard(key) for key in keys]).verify(headers, body, NOW)


def standard(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


@given(secrets=secrets, data=st.data())
def test_a_secret_in_the_url_is_found_however_it_is_escaped(
    secrets: list[str], data: st.DataObject
) -> None:
    secret = data.draw(st.sampled_from(secrets))
    target = "/?secret=" + quote(secret, safe=data.draw(st.sampled_from(["", "/+=?:@"])))
    UrlSecretVerifier(secrets).verify({}, b"", NOW, Requested("POST", target))


@given(secrets=secrets, body=bodies, header=st.text(max_size=200), number=st.integers(0, 10**16))
def test_no_text_that_was_not_signed_is_accepted_or_breaks_a_verifier(
    secrets: list[str], body: bytes, header: str, number: int
) -> None:
    hubspot = HubSpotVerifier(secrets, old_versions=True)
    verifiers: list[tuple[Verifier, dict[str, str]]] = [
        (BodyHmacVerifier(secrets, SHOPIFY), {"X-Shopify-Hmac-Sha256": header}),
        (StripeVerifier(secrets), {"Stripe-Signature": header}),
        (
            hubspot,
            {"X-HubSpot-Signature-v3": header, "X-HubSpot-Request-Timestamp": str(number)},
        ),
        (hubspot, {"X-HubSpot-Signature": header, "X-HubSpot-Signature-Version": "v2"}),
        (
            StandardVerifier([standard(bytes(16))]),
            {
                "webhook-id": header,
                "webhook-timestamp": str(number),
                "webhook-signature": f"v1,{header}",
            },
        ),
    ]
    for verifier, headers in verifiers:
        with pytest.raises(SignatureRefused):
            verifier.verify(headers, body, NOW, Requested("POST", header))


@given(secrets=secrets, query=st.text(max_size=200))
def test_no_other_query_lets_anybody_in(secrets: list[str], query: str) -> None:
    given = parse_qsl(query, errors="surrogateescape") + parse_qsl(
        query.replace("+", "%2B"), errors="surrogateescape"
    )
    if any(name == "secret" and value in secrets for name, value in given):
        return
    with pytest.raises(SignatureRefused):
        UrlSecretVerifier(secrets).verify({}, b"", NOW, Requested("POST", "/?" + query))
