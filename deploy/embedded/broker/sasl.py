"""SASL/PLAIN (RFC 4616) on one connection, by SaslHandshake and SaslAuthenticate.

Passwords are compared in constant time, and an unknown user costs as much as a wrong password.
"""

import hmac
from collections.abc import Mapping

MECHANISM = "PLAIN"


class SaslSession:
    """Whether this connection may ask for anything yet."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users
        self.authenticated = not users
        self.mechanism_chosen = False

    def choose(self, mechanism: str) -> bool:
        """Choose the mechanism; whether it is offered."""
        self.mechanism_chosen = mechanism == MECHANISM
        return self.mechanism_chosen

    def authenticate(self, token: bytes) -> bool:
        """Check ``authzid NUL authcid NUL password``; whether it is right."""
        parts = token.split(b"\0")
        if len(parts) != 3:
            return False
        authorization, name, password = parts
        user = name.decode("utf-8", "replace")
        expected = self._users.get(user)
        matches = hmac.compare_digest((expected or "\0").encode(), password)
        if expected is None or not matches or authorization not in (b"", name):
            return False
        self.authenticated = True
        return True
