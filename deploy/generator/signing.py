"""The vendors' signature schemes, from the sender's side.

Shopify: ``base64(HMAC-SHA256(app secret, body))``. Stripe: ``t=<unix seconds>,v1=<hex>`` with the
HMAC-SHA256 of ``<t>.<body>`` under the whole endpoint secret, ``whsec_`` included. Sources:
shopify.dev, "Verify webhook deliveries"; docs.stripe.com, "Verify webhook signatures manually".
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

from pydantic import SecretStr

from deploy.generator.delivery import Delivery, Signature, Source
from deploy.generator.settings import SenderSettings
from shared.runtime.errors import ConfigurationError

STALE_SECONDS = 3600
"""Age of a stale signature: well past Stripe's tolerance of 300 s."""

_WRONG_SECRET = "not the secret"  # noqa: S105


def shopify_signature(secret: str, body: bytes) -> str:
    """Value of ``X-Shopify-Hmac-Sha256``."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def stripe_signature(secret: str, body: bytes, now: int) -> str:
    """Value of ``Stripe-Signature`` made at ``now`` (unix seconds)."""
    digest = hmac.digest(secret.encode(), b"%d." % now + body, "sha256").hex()
    return f"t={now},v1={digest}"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one active secret of each vendor. Its text form shows no secret."""

    shopify: SecretStr
    stripe: SecretStr

    @classmethod
    def of(cls, settings: SenderSettings) -> Signer:
        """The first of the active secrets of each vendor.

        Raises:
            ConfigurationError: a vendor has none.
        """
        return cls(
            shopify=_first("shopify", settings.ingest_shopify_secrets),
            stripe=_first("stripe", settings.ingest_stripe_secrets),
        )

    def headers(self, delivery: Delivery, now: int) -> dict[str, str]:
        """All headers of a delivery that is posted at ``now`` (unix seconds)."""
        headers = dict(delivery.headers)
        if delivery.signature is Signature.MISSING:
            return headers
        secret = self._secret(delivery.source)
        if delivery.signature is Signature.WRONG:
            secret = _WRONG_SECRET
        if delivery.source == "shopify":
            headers["X-Shopify-Hmac-Sha256"] = shopify_signature(secret, delivery.body)
        else:
            moment = now - STALE_SECONDS if delivery.signature is Signature.STALE else now
            headers["Stripe-Signature"] = stripe_signature(secret, delivery.body, moment)
        return headers

    def _secret(self, source: Source) -> str:
        secret = self.shopify if source == "shopify" else self.stripe
        return secret.get_secret_value()


def _first(source: Source, secrets: SecretStr) -> SecretStr:
    for secret in secrets.get_secret_value().split(","):
        if secret.strip():
            return SecretStr(secret.strip())
    raise ConfigurationError(
        f"setting BERGLINE_INGEST_{source.upper()}_SECRETS is empty: nothing can be signed",
        "set it to the secret that the running ingest verifies with, or point BERGLINE_DATA_DIR "
        "at its data directory",
    )
