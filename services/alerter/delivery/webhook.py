"""A receiver that is posted to as Alertmanager posts to its webhooks."""

from __future__ import annotations

import time
from collections.abc import Callable

from pydantic import SecretStr

from services.alerter.delivery.links import Links
from services.alerter.delivery.posting import Poster
from services.alerter.delivery.signing import WebhookSigner
from services.alerter.delivery.webhook_body import webhook_bodies
from shared.alerting.notifying.notification import Notification


class WebhookNotifier:
    """Posts JSON; header ``Idempotency-Key`` is the same whenever the same is told again.

    Args:
        url: where to.
        links: that the body has.
        signer: signs each attempt; ``None``: nothing is signed.
        clock: unix seconds, of signatures.
    """

    def __init__(
        self,
        url: SecretStr,
        links: Links,
        signer: WebhookSigner | None = None,
        timeout_s: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._poster = Poster(url, timeout_s)
        self._links = links
        self._signer = signer
        self._clock = clock

    async def prepare(self) -> None:
        """Nothing to find out: what can be wrong was found when it was made."""

    async def notify(self, notification: Notification) -> None:
        """See :class:`~services.alerter.delivery.notifier.Notifier`."""
        for key, body in webhook_bodies(notification, self._links):
            headers = {"Idempotency-Key": key}
            if self._signer is not None:
                headers |= self._signer.headers(key, body, self._clock())
            await self._poster.post(body, headers)

    async def close(self) -> None:
        """Close connections."""
        await self._poster.close()
