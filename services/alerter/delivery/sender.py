"""The loop of one receiver: what waits is sent, one after the other, at the receiver's pace."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable

import structlog

from services.alerter.delivery.backlog import Backlog, Failed, Offered
from services.alerter.delivery.notifier import NotDelivered, Notifier
from services.alerter.delivery.outcomes import Outcomes
from services.alerter.delivery.rate import TokenBucket
from services.alerter.delivery.retrying import Pace
from services.alerter.delivery.sending_loop import SendingLoop
from services.alerter.delivery.told import Notified, Told
from shared.alerting.notifying.notification import Notification
from shared.runtime.errors import ConfigurationError
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.alerter")


class Sender:
    """Tells one receiver; needs nothing but its notifier.

    A notification is done once the receiver took it and ``notified`` returned. What the process
    has not recorded when it ends is told again by the next one, under the same idempotency key.

    Args:
        receiver: its name.
        notifier: reaches it.
        pace: how it is treated.
        notified: called before an alert is told for the first time, and with what it took.
        outcomes: counts.
        clock: monotonic seconds.
        now: unix seconds.
        chance: random numbers 0 … 1.
    """

    def __init__(
        self,
        receiver: str,
        notifier: Notifier,
        pace: Pace,
        notified: Notified,
        outcomes: Outcomes,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._receiver = receiver
        self._notifier = notifier
        self._pace = pace
        self._told = Told(notified, now)
        self._outcomes = outcomes
        self._clock = clock
        self._chance = chance
        self._backlog = Backlog(pace)
        self._bucket = TokenBucket(pace.per_minute, pace.burst, clock())
        self._outage = Outage(log, "receiver is not reached", receiver=receiver)
        self._left_alone_until = 0.0
        self._failures = 0
        self._loop = SendingLoop(
            f"alerter-sender-{receiver}",
            self._wait,
            self._send_next,
            self._went_wrong,
            pace.first_s,
            self._prepare,
        )

    @property
    def waiting(self) -> int:
        """Groups of which something waits or is being sent."""
        return len(self._backlog)

    @property
    def unreached(self) -> bool:
        """Whether the last attempt failed."""
        return self._outage.failures > 0

    def start(self) -> None:
        """Begin to send."""
        self._loop.start()

    def offer(self, due: Iterable[Notification]) -> None:
        """All that the receiver is to be told now: what else waits is not to be told any more.

        The same may be offered again and again until it is on record; it is sent once.
        """
        notifications = list(due)
        now = self._clock()
        self._outcomes.count("withdrawn", self._backlog.keep(notifications))
        became = Counter(self._backlog.offer(each, now) for each in notifications)
        self._outcomes.count("coalesced", became[Offered.COALESCED])
        self._outcomes.count("refused", became[Offered.REFUSED])
        self._outcomes.waiting(len(self._backlog))
        self._loop.wake()

    async def close(self, limit_s: float) -> None:
        """Send what is due, for so long at most, then stop."""
        await self._loop.close(limit_s)
        await self._notifier.close()

    def _went_wrong(self) -> None:
        """One notification may be lost to it, not the receiver."""
        log.exception("telling a receiver failed", receiver=self._receiver)
        self._backlog.failed(self._clock(), again=True, chance=self._chance())

    async def _prepare(self) -> None:
        try:
            await self._notifier.prepare()
        except ConfigurationError as error:
            reason = error.what
        except Exception as error:  # noqa: BLE001 - of any library; its text may hold secrets
            reason = type(error).__name__
        else:
            return
        log.error("receiver cannot be told anything", receiver=self._receiver, reason=reason)

    def _wait(self) -> float | None:
        now = self._clock()
        due = self._backlog.wait(now)
        if due is None:
            return None
        return max(due, self._left_alone_until - now, self._bucket.wait(now), 0.0)

    async def _send_next(self) -> None:
        now = self._clock()
        notification = self._backlog.take(now)
        if notification is None:
            return
        self._bucket.take(now)
        await self._told.begin(notification)
        try:
            await self._notifier.notify(notification)
        except NotDelivered as error:
            self._failed(notification, error)
        except Exception as error:  # noqa: BLE001 - of any library; its text may hold secrets
            self._failed(notification, NotDelivered(type(error).__name__, again=True))
        else:
            await self._taken(notification)
        self._outcomes.waiting(len(self._backlog))

    async def _taken(self, notification: Notification) -> None:
        self._failures = 0
        self._outage.over()
        self._outcomes.count("delivered")
        await self._told.taken(notification)
        self._backlog.delivered()

    def _failed(self, notification: Notification, error: NotDelivered) -> None:
        now = self._clock()
        self._outcomes.count("failed")
        self._outage.failed(error)
        if error.again:
            self._failures += 1
            pause = self._pace.pause(self._failures, self._chance())
            self._left_alone_until = now + (error.retry_after_s or pause)
        match self._backlog.failed(now, again=error.again, chance=self._chance()):
            case Failed.GIVEN_UP:
                self._outcomes.count("gave_up")
                log.error(
                    "gave up telling a receiver, until it is due again",
                    receiver=self._receiver,
                    group=notification.group,
                    idempotency_key=notification.idempotency_key,
                    alerts=[alert.event_id() for alert in notification.alerts],
                    reason=error.what,
                )
            case Failed.OUTDATED:
                self._outcomes.count("coalesced")
            case Failed.AGAIN:
                pass
