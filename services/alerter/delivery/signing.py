"""Sign as Standard Webhooks does: ``v1,base64(HMAC-SHA256(key, id.timestamp.body))``.

Source: standardwebhooks.com, specification 1.0.0, "Signature scheme".
"""

from __future__ import annotations

import base64
import binascii
import hmac

from pydantic import SecretStr

from shared.runtime.errors import ConfigurationError

_SECRET = "whsec_"  # noqa: S105 - what a secret begins with
_SHORTEST_KEY = 16


class WebhookSigner:
    """Signs with one secret: base64, with or without ``whsec_`` before it.

    Raises:
        ConfigurationError: it is no base64, or short. The message does not show it.
    """

    def __init__(self, receiver: str, secret: SecretStr) -> None:
        text = secret.get_secret_value().removeprefix(_SECRET)
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) < _SHORTEST_KEY:
            raise ConfigurationError(
                f'receiver "{receiver}": the secret that signs is not base64 of '
                f"{_SHORTEST_KEY} bytes or more",
                'make one with: echo "whsec_$(openssl rand -base64 32)"',
            )
        self._key = key

    def headers(self, identity: str, body: bytes, now: float) -> dict[str, str]:
        """The three headers of one attempt at ``now`` (unix seconds).

        ``identity`` stays the same when the same is sent again.
        """
        timestamp = str(int(now))
        digest = hmac.digest(self._key, f"{identity}.{timestamp}.".encode() + body, "sha256")
        return {
            "webhook-id": identity,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }
