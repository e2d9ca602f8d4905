"""What is put on record of what a receiver is told, before and after."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import structlog

from shared.alerting.notifying.notification import Notification
from shared.contracts.alerts import AlertNotified

log = structlog.stdlib.get_logger("bergline.alerter")

Notified = Callable[[AlertNotified], Awaitable[None]]
"""Records that a receiver took a notification, or is about to be told."""


class Told:
    """Records for one receiver. What cannot be recorded is said, and told all the same.

    Args:
        notified: makes a record durable.
        now: unix seconds.
    """

    def __init__(self, notified: Notified, now: Callable[[], float] = time.time) -> None:
        self._notified = notified
        self._now = now

    async def begin(self, notification: Notification) -> None:
        """It is about to be sent: should nobody learn what becomes of it, its end is told."""
        for record in notification.telling(self._now()):
            await self._keep(record)

    async def taken(self, notification: Notification) -> None:
        """The receiver took it."""
        for record in notification.taken(self._now()):
            await self._keep(record)

    async def _keep(self, record: AlertNotified) -> None:
        try:
            await self._notified(record)
        except Exception as error:  # noqa: BLE001 - one receiver must not end for it
            kind = type(error).__name__
        else:
            return
        log.error(
            "what a receiver is told could not be recorded: it may be told twice",
            taken=record.taken,
            receiver=record.receiver,
            group=record.group,
            idempotency_key=record.idempotency_key,
            error=kind,
        )
