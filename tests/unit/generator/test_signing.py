"""Signatures equal the vendors' published scheme, and faults are signed as faults."""

import base64
import hmac
from dataclasses import replace

import pytest
from pydantic import SecretStr

from deploy.generator.delivery import Signature
from deploy.generator.plan import plan
from deploy.generator.settings import SenderSettings
from deploy.generator.signatures import (
    Request,
    hubspot_signature,
    hubspot_v1_signature,
    sign,
    stripe_signature,
)
from deploy.generator.signing import SCHEMES, STALE_SECONDS, Signer
from shared.runtime.errors import ConfigurationError
from shared.sources.signing import Signature as Scheme
from shared.sources.signing import StandardWebhooks

SIGNER = Signer(
    {"shopify": SecretStr("shpss_test_secret"), "stripe": SecretStr("whsec_test_secret")}
)
PLANNED = plan(1)
SHOPIFY = next(d for d in PLANNED if d.source == "shopify" and d.accepted)
STRIPE = next(d for d in PLANNED if d.source == "stripe" and d.accepted)


HUBSPOT_BODY = b'[{"eventId":1,"subscriptionType":"contact.creation","objectId":42}]'
HUBSPOT_URL = "https://api.example.com/webhooks/hubspot/webhook"


@pytest.mark.parametrize(
    ("scheme", "secret", "request_", "headers"),
    [
        (
            SCHEMES["shopify"],
            "shpss_test_secret",
            Request("", b'{"id":1001,"email":"ada@example.com"}', 0, ""),
            {"X-Shopify-Hmac-Sha256": "QFDwSiEv9RzJfVaSk0l+QOtlDccwb8R6RtyVgJH1wDo="},
        ),
        (
            SCHEMES["stripe"],
            "whsec_test_secret",
            Request("", b'{"id":"evt_1","type":"charge.succeeded"}', 1_700_000_000.7, ""),
            {
                "Stripe-Signature": "t=1700000000,v1="
                "c0475716eb2200f1fe97fcf35a3c05d1fd4f8ba9a07a596730c8d18bb87c0672"
            },
        ),
        (
            SCHEMES["hubspot"],
            "hub_test_secret",
            Request(HUBSPOT_URL, HUBSPOT_BODY, 1_700_000_000, ""),
            {
                "X-HubSpot-Signature-v3": "AleCG+WPP4uuKONqk5O0Odcx1+s0JhAiDF6xO2Kxj30=",
                "X-HubSpot-Request-Timestamp": "1700000000000",
            },
        ),
        (
            StandardWebhooks(),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            Request("", b'{"test": 2432232314}', 1_614_265_330, "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            {
                "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "webhook-timestamp": "1614265330",
                "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            },
        ),
    ],
    ids=["shopify", "stripe", "hubspot", "standard"],
)
def test_published_vectors(
    scheme: Scheme, secret: str, request_: Request, headers: dict[str, str]
) -> None:
    """Standard's is that of its reference implementations; HubSpot's was made by its own rule."""
    assert sign(scheme, secret, request_).headers == headers


def test_hubspot_decodes_twelve_escapes_of_the_address_before_it_signs() -> None:
    escaped = "https://api.example.com/a%3Ab%2fc%40d%20e"
    decoded = "https://api.example.com/a:b/c@d%20e"

    assert hubspot_signature("s", escaped, b"", "1") == hubspot_signature("s", decoded, b"", "1")


def test_hubspots_first_version_of_a_known_body() -> None:
    assert hubspot_v1_signature("hub_test_secret", HUBSPOT_BODY) == (
        "ce856accb0e10c583c29aeb1af6e00398567a24ba1329c8b7dab393163cf6a73"
    )


def test_mailchimps_secret_is_in_the_address_as_it_must_be_written_there() -> None:
    assert sign(SCHEMES["mailchimp"], "a&b/ü", Request("", b"", 0, "")).query == (
        "secret=a%26b%2F%C3%BC"
    )


def test_headers_hold_what_the_vendor_sends_and_the_signature() -> None:
    shopify = SIGNER.signed(SHOPIFY, 1_700_000_000)[1]
    stripe = SIGNER.signed(STRIPE, 1_700_000_000)[1]

    assert shopify.items() >= dict(SHOPIFY.headers).items()
    assert (
        shopify["X-Shopify-Hmac-Sha256"]
        == base64.b64encode(hmac.digest(b"shpss_test_secret", SHOPIFY.body, "sha256")).decode()
    )
    assert stripe["Stripe-Signature"] == stripe_signature(
        "whsec_test_secret", STRIPE.body, 1_700_000_000
    )


def test_wrong_missing_and_stale_signatures_are_just_that() -> None:
    good = SIGNER.signed(SHOPIFY, 1_700_000_000)[1]
    wrong = SIGNER.signed(replace(SHOPIFY, signature=Signature.WRONG), 1_700_000_000)[1]
    missing = SIGNER.signed(replace(SHOPIFY, signature=Signature.MISSING), 1_700_000_000)[1]
    stale = SIGNER.signed(replace(STRIPE, signature=Signature.STALE), 1_700_000_000)[1]

    assert wrong["X-Shopify-Hmac-Sha256"] != good["X-Shopify-Hmac-Sha256"]
    assert "X-Shopify-Hmac-Sha256" not in missing
    assert stale["Stripe-Signature"] == stripe_signature(
        "whsec_test_secret", STRIPE.body, 1_700_000_000 - STALE_SECONDS
    )


def test_the_first_active_secret_signs_and_none_is_an_error() -> None:
    settings = SenderSettings(
        ingest_shopify_secrets=SecretStr(" new , old"), ingest_stripe_secrets=SecretStr("whsec_x")
    )

    assert Signer.of(settings).secrets["shopify"] == SecretStr("new")
    with pytest.raises(ConfigurationError, match="BERGLINE_INGEST_STRIPE_SECRETS is empty"):
        Signer.of(settings.model_copy(update={"ingest_stripe_secrets": SecretStr(" , ")}))


def test_secrets_do_not_show() -> None:
    assert "test_secret" not in repr(SIGNER)
