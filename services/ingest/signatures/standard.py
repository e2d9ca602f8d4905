"""Standard Webhooks: ``v1,base64(HMAC-SHA256(key, id.timestamp.body))``, several side by side.

Secrets are base64 after ``whsec_``; the key is what they decode to. The id is signed and stays the
same when a delivery is repeated; the timestamp (unix seconds) is of the attempt. Signatures of
other versions are skipped, ``v1a`` (ed25519) too: nothing here depends on a library that knows it.
Source: standardwebhooks.com, specification 1.0.0, "Signature scheme".
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence

from multidict import istr

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

PREFIX = "webhook-"
"""What the three header names begin with; ``svix-`` at senders older than the standard."""

_SECRET = "whsec_"  # noqa: S105 - what a secret begins with
_PUBLIC_KEY = "whpk_"
_SHORTEST_KEY = 16
"""Bytes. Senders should use 24 to 64; below this, a key can be guessed."""


class StandardVerifier:
    """Accepts what any of the secrets signed within the tolerance.

    Args:
        secrets: active secrets, base64 with or without ``whsec_``.
        prefix: what the header names begin with.

    Raises:
        ValueError: a secret is a public key, no base64, or short. The message does not show it.
    """

    def __init__(self, secrets: Sequence[str], prefix: str = PREFIX) -> None:
        self._keys = Keys([_key(secret) for secret in secrets])
        self._id = istr(f"{prefix}id")
        self._timestamp = istr(f"{prefix}timestamp")
        self._signature = istr(f"{prefix}signature")

    def verify(
        self,
        headers: Headers,
        body: bytes,
        now: float,
        requested: Requested = NOTHING_ELSE,  # noqa: ARG002
    ) -> None:
        """See :class:`~services.ingest.signatures.verifier.Verifier`; the target plays no part."""
        identity, timestamp, presented = (
            self._present(headers, name) for name in (self._id, self._timestamp, self._signature)
        )
        seconds = whole_number(timestamp)
        if seconds is None:
            raise SignatureInvalid(f"{self._timestamp} is not a time in unix seconds")
        signatures = [
            as_presented(value)
            for version, comma, value in (item.partition(",") for item in presented.split(" "))
            if comma and version == "v1"
        ]
        if not signatures:
            raise SignatureInvalid(f"{self._signature} has no v1 signature")
        expected = [
            binascii.b2a_base64(digest, newline=False)
            for digest in self._keys.digests(as_presented(f"{identity}.{timestamp}."), body)
        ]
        if not any_equal(expected, signatures):
            raise SignatureInvalid(
                f"no v1 of {self._signature} fits id, time and body under any active secret"
            )
        if abs(now - seconds) > TOLERANCE_SECONDS:
            raise SignatureInvalid(
                f"{self._timestamp} is more than {TOLERANCE_SECONDS} s away from now"
            )

    def _present(self, headers: Headers, name: str) -> str:
        if value := headers.get(name):
            return value
        raise SignatureMissing(f"Missing {name} header")


def _key(secret: str) -> bytes:
    if secret.startswith(_PUBLIC_KEY):
        raise ValueError("a secret is a public key (v1a): have the sender sign with v1 and whsec_")
    try:
        key = binascii.a2b_base64(secret.removeprefix(_SECRET), strict_mode=True)
    except ValueError:
        raise ValueError("a secret is not base64, as it must be after whsec_") from None
    if len(key) < _SHORTEST_KEY:
        raise ValueError(
            f"a secret has {len(key)} bytes: take one of 24 to 64 bytes, and of at least "
            f"{_SHORTEST_KEY}"
        )
    return key
