"""Shopify: ``base64(HMAC-SHA256(app secret, raw body))`` in ``X-Shopify-Hmac-Sha256``.

The scheme signs neither a time nor the headers: the vendor leaves replays to the receiver's
de-duplication. Source: shopify.dev, "Verify webhook deliveries".
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence

from multidict import istr

from services.ingest.signatures.verifier import (
    NOTHING_ELSE,
    Headers,
    Keys,
    Requested,
    SignatureInvalid,
    SignatureMissing,
    any_equal,
    as_presented,
)

HEADER = istr("X-Shopify-Hmac-Sha256")


class ShopifyVerifier:
    """Accepts what any of the app secrets signed."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = Keys(secrets)

    def verify(
        self,
        headers: Headers,
        body: bytes,
        now: float,  # noqa: ARG002
        requested: Requested = NOTHING_ELSE,  # noqa: ARG002
    ) -> None:
        """See :class:`~services.ingest.signatures.verifier.Verifier`; only the body is signed."""
        presented = headers.get(HEADER)
        if not presented:
            raise SignatureMissing(f"Missing {HEADER} header")
        expected = [
            binascii.b2a_base64(digest, newline=False) for digest in self._keys.digests(body)
        ]
        if not any_equal(expected, (as_presented(presented),)):
            raise SignatureInvalid(f"{HEADER} does not fit the body under any active secret")
