"""Stripe: ``t=<unix seconds>,v1=<hex>[,v1=<hex>…]`` in ``Stripe-Signature``.

``v1`` is the lower-case hex HMAC-SHA256 of ``<t>.<raw body>`` under the whole endpoint secret,
``whsec_`` included. While a secret is rolled the vendor sends one ``v1`` for each secret. Other
schemes are ignored: ``v0`` is a test scheme. Source: docs.stripe.com, "Verify webhook signatures
manually".
"""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.signatures.verifier import (
    NOTHING_ELSE,
    TOLERANCE_SECONDS,
    Headers,
    Keys,
    Requested,
    SignatureInvalid,
    SignatureMissing,
    any_equal,
    as_presented,
    whole_number,
)

HEADER = "Stripe-Signature"


class StripeVerifier:
    """Accepts what any of the endpoint secrets signed within the tolerance."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = Keys(secrets)

    def verify(
        self,
        headers: Headers,
        body: bytes,
        now: float,
        requested: Requested = NOTHING_ELSE,  # noqa: ARG002
    ) -> None:
        """See :class:`~services.ingest.signatures.verifier.Verifier`; the target plays no part."""
        presented = headers.get(HEADER)
        if not presented:
            raise SignatureMissing(f"Missing {HEADER} header")
        timestamp, signatures = _parse(presented)
        expected = [
            digest.hex().encode() for digest in self._keys.digests(timestamp.encode(), b".", body)
        ]
        if not any_equal(expected, signatures):
            raise SignatureInvalid(f"no v1 of {HEADER} fits the body under any active secret")
        if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
            raise SignatureInvalid(
                f"the timestamp of {HEADER} is more than {TOLERANCE_SECONDS} s away from now"
            )


def _parse(header: str) -> tuple[str, list[bytes]]:
    """The timestamp as text and every ``v1``; items without ``=`` and other schemes are skipped."""
    timestamps: list[str] = []
    signatures: list[bytes] = []
    for item in header.split(","):
        scheme, separator, value = item.partition("=")
        if not separator:
            continue
        match scheme.strip():
            case "t":
                timestamps.append(value.strip())
            case "v1":
                signatures.append(as_presented(value.strip()))
    if len(timestamps) != 1 or whole_number(timestamps[0]) is None:
        raise SignatureInvalid(f"{HEADER} has no single timestamp t=<unix seconds>")
    if not signatures:
        raise SignatureInvalid(f"{HEADER} has no v1 signature")
    return timestamps[0], signatures
