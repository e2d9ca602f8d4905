"""Stripe events as the vendor sends them, signed with an invented secret."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.sources.spec import Example, Expected

_SECRET = "whsec_test_secret"  # noqa: S105 invented
_AT = 1_700_000_000

EXAMPLES = (
    Example(
        name="charge",
        path="/webhooks/stripe/webhook",
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": (
                "t=1700000000,"
                "v1=8aabaf752db75c3c732c1d3004a129822aee9d68d6946ec0ab73c9377ce95d3e,"
                "v0=0000000000000000000000000000000000000000000000000000000000000000"
            ),
        },
        body=(
            b'{"id":"evt_1","object":"event","api_version":"2024-12-18.acacia",'
            b'"created":1700000000,"type":"charge.succeeded","livemode":true,"data":{"object":'
            b'{"id":"ch_1","object":"charge","amount":2000,"currency":"usd","customer":"cus_1",'
            b'"created":1699999990,"paid":true}}}'
        ),
        secret=_SECRET,
        at=_AT,
        becomes=(
            Expected(
                topic="stripe.charges",
                key="ch_1",
                event_id="evt_1",
                event_type="charge.succeeded",
                event_time=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
            ),
        ),
        source="signed with Python's hmac",
    ),
    Example(
        name="type-of-no-topic-of-its-own",
        path="/webhooks/stripe/webhook",
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": (
                "t=1700000000,v1=275c938890420b3940042ed1147a889522bf9b10e095fd8cdd3efb93333a9699"
            ),
        },
        body=(
            b'{"id":"evt_2","object":"event","created":1700000000,"type":"payout.paid",'
            b'"livemode":true,"data":{"object":{"id":"po_1","object":"payout","amount":1100}}}'
        ),
        secret=_SECRET,
        at=_AT,
        becomes=(
            Expected(topic="stripe.events", key="po_1", event_id="evt_2", event_type="payout.paid"),
        ),
        source="signed with Python's hmac",
    ),
)
