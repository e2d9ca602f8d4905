"""A secret as a bearer token (RFC 6750, section 2.1): for senders of our own, over https.

It proves no more than that the sender knows it: neither body nor time is covered. Both sides are
hashed before they are compared, in constant time: the answer's timing tells neither the length nor
a prefix of a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from services.ingest.signatures.verifier import (
    NOTHING_ELSE,
    Headers,
    Requested,
    SignatureInvalid,
    SignatureMissing,
    any_equal,
    as_bytes,
    as_presented,
)

SHORTEST = 16
"""Characters of a token: a shorter one is guessed."""


class BearerVerifier:
    """Accepts whoever presents one of the tokens.

    Args:
        secrets: active tokens; they are compared as UTF-8.

    Raises:
        ValueError: one is shorter than :data:`SHORTEST`.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = as_bytes(secrets)
        if any(len(key) < SHORTEST for key in keys):
            raise ValueError(f"a token has {SHORTEST} characters or more")
        self._expected = tuple(hashlib.sha256(key).digest() for key in keys)

    def verify(
        self,
        headers: Headers,
        body: bytes,  # noqa: ARG002
        now: float,  # noqa: ARG002
        requested: Requested = NOTHING_ELSE,  # noqa: ARG002
    ) -> None:
        """See :class:`~services.ingest.signatures.verifier.Verifier`; only one header counts."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        token = token.strip(" ")
        if scheme.lower() != "bearer" or not token:
            raise SignatureMissing("Missing Authorization header with a bearer token")
        presented = hashlib.sha256(as_presented(token)).digest()
        if not any_equal(self._expected, [presented]):
            raise SignatureInvalid("Invalid bearer token: it is none of the active ones")
