"""Signatures equal the vendors' published scheme, and faults are signed as faults."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from deploy.demo.settings import DemoSettings
from deploy.generator.delivery import Signature
from deploy.generator.plan import plan
from deploy.generator.signing import STALE_SECONDS, Signer, shopify_signature, stripe_signature
from shared.runtime.errors import ConfigurationError

SIGNER = Signer(shopify=SecretStr("shpss_test_secret"), stripe=SecretStr("whsec_test_secret"))
SHOPIFY = next(d for d in plan(1) if d.source == "shopify" and d.accepted)
STRIPE = next(d for d in plan(1) if d.source == "stripe" and d.accepted)


def test_shopify_signature_of_a_known_body() -> None:
    body = b'{"id":1001,"email":"ada@example.com"}'

    signature = shopify_signature("shpss_test_secret", body)

    assert signature == "QFDwSiEv9RzJfVaSk0l+QOtlDccwb8R6RtyVgJH1wDo="


def test_stripe_signature_of_a_known_body() -> None:
    body = b'{"id":"evt_1","type":"charge.succeeded"}'

    signature = stripe_signature("whsec_test_secret", body, 1_700_000_000)

    assert signature == (
        "t=1700000000,v1=c0475716eb2200f1fe97fcf35a3c05d1fd4f8ba9a07a596730c8d18bb87c0672"
    )


def test_headers_hold_what_the_vendor_sends_and_the_signature() -> None:
    shopify = SIGNER.headers(SHOPIFY, 1_700_000_000)
    stripe = SIGNER.headers(STRIPE, 1_700_000_000)

    assert shopify.items() >= dict(SHOPIFY.headers).items()
    assert shopify["X-Shopify-Hmac-Sha256"] == shopify_signature("shpss_test_secret", SHOPIFY.body)
    assert stripe["Stripe-Signature"] == stripe_signature(
        "whsec_test_secret", STRIPE.body, 1_700_000_000
    )


def test_wrong_missing_and_stale_signatures_are_just_that() -> None:
    good = SIGNER.headers(SHOPIFY, 1_700_000_000)
    wrong = SIGNER.headers(replace(SHOPIFY, signature=Signature.WRONG), 1_700_000_000)
    missing = SIGNER.headers(replace(SHOPIFY, signature=Signature.MISSING), 1_700_000_000)
    stale = SIGNER.headers(replace(STRIPE, signature=Signature.STALE), 1_700_000_000)

    assert wrong["X-Shopify-Hmac-Sha256"] != good["X-Shopify-Hmac-Sha256"]
    assert "X-Shopify-Hmac-Sha256" not in missing
    assert stale["Stripe-Signature"] == stripe_signature(
        "whsec_test_secret", STRIPE.body, 1_700_000_000 - STALE_SECONDS
    )


def test_the_first_active_secret_signs_and_none_is_an_error() -> None:
    settings = DemoSettings(
        ingest_shopify_secrets=SecretStr(" new , old"), ingest_stripe_secrets=SecretStr("whsec_x")
    )

    assert Signer.of(settings).shopify == SecretStr("new")
    with pytest.raises(ConfigurationError, match="BERGLINE_INGEST_STRIPE_SECRETS is empty"):
        Signer.of(settings.model_copy(update={"ingest_stripe_secrets": SecretStr(" , ")}))


def test_secrets_do_not_show() -> None:
    assert "test_secret" not in repr(SIGNER)
