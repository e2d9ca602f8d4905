"""HMAC-SHA256 of the raw body in one header, in base64 or hex: the scheme of very many senders.

It signs neither a time nor the headers: replays are left to the receiver's de-duplication. Source:
shopify.dev, "Verify webhook deliveries"; docs.github.com, "Validating webhook deliveries".
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
from shared.sources.signing import BodyHmac


class BodyHmacVerifier:
    """Accepts what any of the secrets signed.

    Args:
        secrets: active secrets, as text; their UTF-8 is the key.
        scheme: header, encoding and prefix.
    """

    def __init__(self, secrets: Sequence[str], scheme: BodyHmac) -> None:
        self._keys = Keys(secrets)
        self._header = istr(scheme.header)
        self._prefix = scheme.prefix
        self._hex = scheme.encoding == "hex"

    def verify(
        self,
        headers: Headers,
        body: bytes,
        now: float,  # noqa: ARG002
        requested: Requested = NOTHING_ELSE,  # noqa: ARG002
    ) -> None:
        """See :class:`~services.ingest.signatures.verifier.Verifier`; only the body is signed."""
        presented = headers.get(self._header)
        if not presented:
            raise SignatureMissing(f"Missing {self._header} header")
        if not presented.startswith(self._prefix):
            raise SignatureInvalid(f"{self._header} does not begin with {self._prefix}")
        digests = self._keys.digests(body)
        signature = presented[len(self._prefix) :]
        if self._hex:
            expected = [digest.hex().encode() for digest in digests]
            signature = signature.lower()
        else:
            expected = [binascii.b2a_base64(digest, newline=False) for digest in digests]
        if not any_equal(expected, (as_presented(signature),)):
            raise SignatureInvalid(f"{self._header} does not fit the body under any active secret")
