"""Chat, paging and mail by one URL of the apprise library.

Its services block, so each receiver has a thread of its own, which no end of the process waits
for. Its plugins are found when it is imported, which takes half a second: in that thread, and only
where such a receiver is configured. A call says no more than that it failed, so all failures count
as passing ones.

URLs of apprise are secrets as a whole. It and what it posts with log them or parts of them, some
from level debug on, some with every failure; none of their lines is let through.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from pydantic import SecretStr

from services.alerter.delivery.links import Links
from services.alerter.delivery.message import Message, Mood, message
from services.alerter.delivery.notifier import NotDelivered
from shared.alerting.notifying.notification import Notification
from shared.runtime.blocking import BlockingThread
from shared.runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from apprise import Apprise

TIMEOUT_S = 30.0
"""Of one call; apprise itself waits 4 s to connect and 4 s for an answer unless the URL says more
(``?cto=…&rto=…``), some services call more than once."""

_TALKATIVE = ("apprise", "urllib3", "requests")


class AppriseNotifier:
    """Sends to one apprise URL."""

    def __init__(
        self, receiver: str, url: SecretStr, links: Links, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._receiver = receiver
        self._url = url
        self._links = links
        self._timeout_s = timeout_s
        self._thread = BlockingThread(f"apprise-{receiver}")
        self._services: Apprise | None = None

    async def prepare(self) -> None:
        """See :class:`~services.alerter.delivery.notifier.Notifier`."""
        await self._thread.run(self._prepared)

    async def notify(self, notification: Notification) -> None:
        """See :class:`~services.alerter.delivery.notifier.Notifier`."""
        told = message(notification, self._links)
        try:
            async with asyncio.timeout(self._timeout_s):
                taken = await self._thread.run(lambda: self._send(told))
        except TimeoutError:
            raise NotDelivered("no answer in time", again=True) from None
        except ConfigurationError as error:
            raise NotDelivered(error.what, again=False) from None
        except Exception as error:  # noqa: BLE001 - of any of a hundred plugins
            # Its text may quote the URL.
            raise NotDelivered(f"apprise failed: {type(error).__name__}", again=True) from None
        if not taken:
            raise NotDelivered("apprise could not deliver it", again=True)

    async def close(self) -> None:
        """Nothing to release: the thread ends with the process."""

    def _send(self, told: Message) -> bool:
        services = self._prepared()
        from apprise import NotifyFormat, NotifyType

        kinds = {
            Mood.FAILURE: NotifyType.FAILURE,
            Mood.WARNING: NotifyType.WARNING,
            Mood.INFO: NotifyType.INFO,
            Mood.SUCCESS: NotifyType.SUCCESS,
        }
        return bool(
            services.notify(
                body=told.body,
                title=told.title,
                notify_type=kinds[told.mood],
                body_format=NotifyFormat.TEXT,
                interpret_escapes=False,
            )
        )

    def _prepared(self) -> Apprise:
        if self._services is None:
            silence_libraries()
            from apprise import Apprise, AppriseAsset, PersistentStoreMode

            asset = AppriseAsset(
                app_id="Bergline",
                app_desc="Bergline alerts",
                async_mode=False,
                interpret_emojis=False,
                storage_mode=PersistentStoreMode.MEMORY,
                service_timeout=0,  # with one, calls run in threads that Python waits for
            )
            services = Apprise(asset=asset)
            if not services.add(self._url.get_secret_value()):
                raise ConfigurationError(
                    f'receiver "{self._receiver}": apprise does not understand its URL',
                    "compare it with the service's page on appriseit.com",
                )
            self._services = services
        return self._services


def silence_libraries() -> None:
    """Let no line of apprise and what it posts with into any log, whatever its level."""
    for name in _TALKATIVE:
        library = logging.getLogger(name)
        library.propagate = False
        library.handlers[:] = [logging.NullHandler()]
