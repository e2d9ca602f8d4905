"""What waits for one receiver: of each group the newest, and when it is due. Pure.

One notification is sent at a time, of those that are due the most severe. What fails for a passing
reason waits longer each time, and goes behind the others; what failed too often, or for good, is
given up: it rests, and is tried anew when it is offered again after that. A notification that tells
that an alert is over is never given up, since nobody would tell it again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from services.alerter.delivery.retrying import Pace
from shared.alerting.notifying.group import SEVERITIES
from shared.alerting.notifying.notification import Notification


class Offered(Enum):
    """What became of a notification that was offered."""

    WAITING = "waiting"
    """It waits to be sent."""
    KNOWN = "known"
    """The same waits already, is being sent, or rests."""
    COALESCED = "coalesced"
    """It waits, in place of an older one of its group."""
    REFUSED = "refused"
    """Too many groups wait; it is to be offered again."""


class Failed(Enum):
    """What becomes of a notification that was not taken."""

    AGAIN = "again"
    GIVEN_UP = "given_up"
    OUTDATED = "outdated"
    """A newer one of its group waits."""


@dataclass(slots=True)
class _Item:
    notification: Notification
    due: float
    order: int
    severity: int
    failures: int = 0


class Backlog:
    """The notifications of one receiver; times in seconds of one monotonic clock."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._items: dict[str, _Item] = {}
        self._sending: _Item | None = None
        self._resting: dict[str, tuple[str, float]] = {}
        self._delivered: dict[str, str] = {}
        self._order = 0

    def __len__(self) -> int:
        return len(self._items) + (self._sending is not None)

    @property
    def groups(self) -> frozenset[str]:
        """Groups of which something waits or is being sent."""
        sending = () if self._sending is None else (self._sending.notification.group,)
        return frozenset((*self._items, *sending))

    def offer(self, notification: Notification, now: float) -> Offered:
        """Take a notification, unless the same is known."""
        group, key = notification.group, notification.idempotency_key
        before = self._items.get(group)
        if before is not None and before.notification.idempotency_key == key:
            before.notification = notification  # what is on record meanwhile is not begun anew
            return Offered.KNOWN
        if self._is_being_sent(group, key) or self._delivered.get(group) == key:
            self._items.pop(group, None)  # what came between is not so any more
            return Offered.KNOWN
        if self._rests(group, key, now):
            return Offered.KNOWN
        if before is None and not self._room(notification):
            return Offered.REFUSED
        self._order += 1
        order = self._order if before is None else before.order
        self._items[group] = _Item(notification, now, order, worst(notification))
        return Offered.WAITING if before is None else Offered.COALESCED

    def keep(self, due: Collection[Notification]) -> int:
        """Forget groups that are not among those that are due: nothing is to be told of them.

        Returns how many were waiting.
        """
        groups = {each.group for each in due}
        keys = {each.idempotency_key for each in due}
        gone = self._items.keys() - groups
        for group in gone:
            del self._items[group]
        self._resting = {
            group: (key, until) for group, (key, until) in self._resting.items() if key in keys
        }
        self._delivered = {group: key for group, key in self._delivered.items() if key in keys}
        return len(gone)

    def wait(self, now: float) -> float | None:
        """Seconds until something is due; ``None`` while nothing waits."""
        if not self._items:
            return None
        return max(0.0, min(item.due for item in self._items.values()) - now)

    def take(self, now: float) -> Notification | None:
        """The next that is due, which is being sent from now on until it is said how it ended."""
        due = [item for item in self._items.values() if item.due <= now]
        if self._sending is not None or not due:
            return None
        item = min(due, key=lambda each: (each.severity, each.due, each.order))
        del self._items[item.notification.group]
        self._sending = item
        return item.notification

    def delivered(self) -> None:
        """What was being sent was taken: the same is not sent again."""
        if self._sending is not None:
            sent, self._sending = self._sending.notification, None
            self._delivered[sent.group] = sent.idempotency_key

    def failed(self, now: float, *, again: bool, chance: float) -> Failed:
        """What was being sent was not taken.

        Args:
            again: whether it may be taken later.
            chance: 0 … 1, spreads the pause.
        """
        item, self._sending = self._sending, None
        if item is None or item.notification.group in self._items:
            return Failed.OUTDATED
        item.failures += 1
        if again and (item.failures < self._pace.attempts or tells_end(item.notification)):
            item.due = now + self._pace.pause(item.failures, chance)
        elif tells_end(item.notification):
            item.due = now + self._pace.rest_s
        else:
            self._resting[item.notification.group] = (
                item.notification.idempotency_key,
                now + self._pace.rest_s,
            )
            return Failed.GIVEN_UP
        self._order += 1
        item.order = self._order
        self._items[item.notification.group] = item
        return Failed.AGAIN

    def _is_being_sent(self, group: str, key: str) -> bool:
        sent = self._sending
        return (
            sent is not None
            and sent.notification.group == group
            and sent.notification.idempotency_key == key
        )

    def _rests(self, group: str, key: str, now: float) -> bool:
        resting = self._resting.get(group)
        if resting is None:
            return False
        if resting[0] == key and now < resting[1]:
            return True
        del self._resting[group]
        return False

    def _room(self, notification: Notification) -> bool:
        """Make room if need be: what tells an end, or is worse, takes the place of something else.

        That is the newest of the least severe that do not tell an end.
        """
        if len(self._items) < self._pace.waiting:
            return True
        others = [item for item in self._items.values() if not tells_end(item.notification)]
        last = max(others, key=lambda each: (each.severity, each.order), default=None)
        if tells_end(notification):
            if last is not None:
                del self._items[last.notification.group]
            return True
        if last is None or last.severity <= worst(notification):
            return False
        del self._items[last.notification.group]
        return True


def worst(notification: Notification) -> int:
    """How severe the worst of its alerts is, firing or over: the smaller the worse."""
    return min(SEVERITIES.index(each.severity) for each in notification.alerts)


def tells_end(notification: Notification) -> bool:
    """Whether it tells of an alert that it is over."""
    return any(alert.state != "firing" for alert in notification.alerts)
