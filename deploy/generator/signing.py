"""Who signs deliveries: holds one active secret of each vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from deploy.generator.delivery import Delivery, Signature, Source
from deploy.generator.settings import SenderSettings
from deploy.generator.signatures import Request, sign
from shared.runtime.errors import ConfigurationError
from shared.sources.signing import (
    BodyHmac,
    HubSpotSignature,
    StandardWebhooks,
    StripeSignature,
    UrlSecret,
)
from shared.sources.signing import Signature as Scheme

SCHEMES: Mapping[str, Scheme] = {
    "shopify": BodyHmac(header="X-Shopify-Hmac-Sha256", encoding="base64"),
    "stripe": StripeSignature(),
    "hubspot": HubSpotSignature(),
    "mailchimp": UrlSecret(),
    "standard": StandardWebhooks(),
}
"""How the vendors sign, said once more: a sender does not ask the receiver."""

USED: tuple[Source, ...] = ("shopify", "stripe")
"""Whose secrets a sender must have unless it says otherwise."""

STALE_SECONDS = 3600
"""Age of a stale signature: well past the 300 s that vendors allow."""

_WRONG_SECRET = "not the secret"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one active secret of each vendor. Its text form shows no secret.

    Attributes:
        secrets: by source.
        public_url: what ingest is told that vendors call, where it is told that.
    """

    secrets: Mapping[str, SecretStr]
    public_url: str | None = None

    @classmethod
    def of(cls, settings: SenderSettings, sources: Sequence[Source] = USED) -> Signer:
        """The first of the active secrets of each of these sources.

        Raises:
            ConfigurationError: a source has none.
        """
        public = [url.strip() for url in settings.ingest_public_urls.split(",") if url.strip()]
        return cls(
            {source: _first(source, settings.secrets(source)) for source in sources},
            public[0] if public else None,
        )

    def signed(self, delivery: Delivery, now: float, url: str = "") -> tuple[str, dict[str, str]]:
        """Path with query, and all headers, of a delivery that is posted at ``now``.

        Args:
            delivery: what is posted.
            now: unix seconds.
            url: address of ingest, which is signed by some vendors.
        """
        headers = dict(delivery.headers)
        if delivery.signature is Signature.MISSING:
            return delivery.path, headers
        secret = self.secrets[delivery.source].get_secret_value()
        if delivery.signature is Signature.WRONG:
            secret = _WRONG_SECRET
        request = Request(
            address=(self.public_url or url).rstrip("/") + delivery.path,
            body=delivery.body,
            now=now - STALE_SECONDS if delivery.signature is Signature.STALE else now,
            id=delivery.event_id,
        )
        signed = sign(SCHEMES[delivery.source], secret, request)
        target = f"{delivery.path}?{signed.query}" if signed.query else delivery.path
        return target, {**headers, **signed.headers}


def _first(source: Source, secrets: SecretStr) -> SecretStr:
    for secret in secrets.get_secret_value().split(","):
        if secret.strip():
            return SecretStr(secret.strip())
    raise ConfigurationError(
        f"setting BERGLINE_INGEST_{source.upper()}_SECRETS is empty: nothing can be signed",
        "set it to the secret that the running ingest verifies with, or point BERGLINE_DATA_DIR "
        "at its data directory",
    )
