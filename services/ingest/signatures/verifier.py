"""What all signature schemes share: a verifier is made once of the active secrets."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Protocol

Headers = Mapping[str, str]
"""Request headers; the mapping looks names up without regard to case."""


class SignatureRefused(Exception):
    """Base: the delivery is not from who it says it is from."""


class SignatureMissing(SignatureRefused):
    """Raised when the signature header is absent. The message names the header."""


class SignatureInvalid(SignatureRefused):
    """Raised when no active secret made this signature, or it is too old."""


class Verifier(Protocol):
    """One vendor's scheme with its active secrets."""

    def verify(self, headers: Headers, body: bytes, now: float) -> None:
        """Return when the body is signed by one of the secrets.

        Args:
            headers: request headers.
            body: the raw bytes, before any decoding.
            now: unix seconds.

        Raises:
            SignatureMissing, SignatureInvalid: it is not.
        """


class Keys:
    """HMAC-SHA256 states of the active secrets: the key schedule is computed once, then copied.

    Every secret is tried and every comparison is constant-time, so the answer's timing tells
    neither which secret matched nor how much of a signature was right.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets or not all(secrets):
            raise ValueError("an empty secret would accept forged signatures")
        self._states = tuple(hmac.new(secret.encode(), digestmod="sha256") for secret in secrets)

    def digests(self, message: bytes) -> list[bytes]:
        """The message's digest under each secret."""
        out = []
        for state in self._states:
            digest = state.copy()
            digest.update(message)
            out.append(digest.digest())
        return out


def any_equal(expected: Sequence[bytes], presented: Sequence[bytes]) -> bool:
    """Whether any pair is equal; looks at every pair."""
    found = False
    for one in expected:
        for other in presented:
            found |= hmac.compare_digest(one, other)
    return found
