"""What all signature schemes share: a verifier is made once of the active secrets."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

Headers = Mapping[str, str]
"""Request headers; the mapping looks names up without regard to case."""

TOLERANCE_SECONDS = 300
"""Largest distance between a signed time and now, either way; what the vendors ask for."""

_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)


class Requested:
    """What was asked for beside headers and body: some schemes sign it, one hides a secret in it.

    Attributes:
        method: HTTP method.
        target: request target as it came over the wire: path and query, nothing decoded.
    """

    __slots__ = ("method", "target")

    def __init__(self, method: str = "POST", target: str = "/") -> None:
        self.method = method
        self.target = target

    def __repr__(self) -> str:
        # A query may hold a secret, and whatever is printed ends up in a log.
        path, question_mark, _ = self.target.partition("?")
        return f"Requested({self.method} {path}{question_mark and '?…'})"


NOTHING_ELSE = Requested()
"""For schemes that sign no more than headers and body."""


class SignatureRefused(Exception):
    """Base: the delivery is not from who it says it is from."""


class SignatureMissing(SignatureRefused):
    """Raised when the signature is absent. The message names the header or parameter."""


class SignatureInvalid(SignatureRefused):
    """Raised when no active secret made this signature, or it is too old."""


class Verifier(Protocol):
    """One vendor's scheme with its active secrets."""

    def verify(
        self, headers: Headers, body: bytes, now: float, requested: Requested = NOTHING_ELSE
    ) -> None:
        """Return when the delivery is signed by one of the secrets.

        Args:
            headers: request headers.
            body: the raw bytes, before any decoding.
            now: unix seconds.
            requested: method and target, for schemes that sign them.

        Raises:
            SignatureMissing, SignatureInvalid: it is not; the message holds no secret.
        """


class Keys:
    """HMAC-SHA256 states of the active secrets: the key schedule is computed once, then copied.

    Every secret is tried and every comparison is constant-time, so the answer's timing tells
    neither which secret matched nor how much of a signature was right.
    """

    def __init__(self, secrets: Sequence[str | bytes]) -> None:
        self._states = tuple(hmac.new(secret, digestmod="sha256") for secret in as_bytes(secrets))

    def digests(self, *pieces: bytes) -> list[bytes]:
        """The digest of the message in these pieces, under each secret."""
        out = []
        for state in self._states:
            digest = state.copy()
            for piece in pieces:
                digest.update(piece)
            out.append(digest.digest())
        return out


def as_bytes(secrets: Sequence[str | bytes]) -> tuple[bytes, ...]:
    """The secrets as keys.

    Raises:
        ValueError: there is none, or one is empty.
    """
    if not secrets or not all(secrets):
        raise ValueError("an empty secret would accept forged signatures")
    return tuple(one.encode() if isinstance(one, str) else one for one in secrets)


def as_presented(text: str) -> bytes:
    """Header text as the bytes that came: they may be no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def whole_number(text: str) -> int | None:
    """The number in a header that holds a time: up to 15 ASCII digits, else ``None``."""
    return int(text) if _DIGITS.fullmatch(text) else None


def any_equal(expected: Sequence[bytes], presented: Sequence[bytes]) -> bool:
    """Whether any pair is equal; looks at every pair."""
    found = False
    for one in expected:
        for other in presented:
            found |= hmac.compare_digest(one, other)
    return found
