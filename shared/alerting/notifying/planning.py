"""What is to be told now, and when to look again.

A plan follows from what stands on a board, not from what was planned before: a notification is in
every plan until it is on record that the receiver took it. So nothing is lost by a crash, and what
is no longer true is not told any more. Rules:

* A group is told when something of it began to fire or is over: a new one after ``group_wait``,
  another time not sooner than ``group_interval`` after the last.
* A receiver that was told that an alert fires, or may have been, is told when it is over; one that
  was not, is not.
* Nothing is told while it is silenced, ends included: those are told when the silence ends.
  (Alertmanager never tells such ends. An alert that is silenced from its beginning to its end is
  told nobody, as there.)
* A group of which nothing is new is repeated after ``repeat_interval``, without the alerts that
  somebody acknowledged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from shared.alerting.board import Board
from shared.alerting.notifying.composing import composed
from shared.alerting.notifying.gathering import Gathering, Ours
from shared.alerting.notifying.group import Group, Member, rank
from shared.alerting.notifying.notification import Notification, Reason
from shared.alerting.notifying.routing import Routing


def _everything(_name: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be told.

    Attributes:
        due: notifications, at most one for each receiver and group; what is worst comes first.
        next_look: when there is more to be told if nothing happens until then; ``None``: never.
    """

    due: tuple[Notification, ...]
    next_look: float | None


def plan(
    now: float, board: Board, routing: Routing, *, ours: Ours = _everything, cut_off: bool = False
) -> Plan:
    """What is to be told at ``now``, in seconds since the epoch; see the module.

    Args:
        now: seconds since the epoch.
        board: alerts, records, silences, acknowledgements.
        routing: who is told what.
        ours: which groups this alerter tells, by :func:`~.grouping.teller_of`; the alerts of others
            inhibit only.
        cut_off: others do not hear of this alerter's alerts, so it tells of those of its own rules
            in whosesoever group.
    """
    if not routing.receivers:
        return Plan((), None)
    gathering = Gathering(now, board, routing, ours, cut_off=cut_off)
    due: list[Notification] = []
    looks = list(gathering.looks)
    for group in gathering.groups.values():
        at, members, reason = next_of(group, now)
        if at is None:
            continue
        if at <= now:
            due.append(composed(group, members, reason, board))
        else:
            looks.append(at)
    return Plan(tuple(sorted(due, key=urgency)), min(looks, default=None))


def urgency(notification: Notification) -> tuple[object, ...]:
    """What is told first: the worst, then what fires the longest, ends last."""
    return (*rank(notification.alerts[0]), notification.receiver, notification.group)


def next_of(group: Group, now: float) -> tuple[float | None, list[Member], Reason]:
    """When a group is told next if nothing happens until then, of what, and why.

    Nothing new waits for a time that is ahead only because the clock was set back since.
    """
    records, timing = group.records, group.timing
    last = records.last_at
    firing = list(group.firing.values())
    news = [each for each in firing if not records.is_known(each.alert)]
    ended = list(group.ended.values())
    if news or ended:
        # A group that was told does not wait for company again, nor does an escalation, nor an end.
        wait = timing.wait_s if len(news) == len(firing) else 0.0
        begins = [
            each.since + (0.0 if each.escalated else wait) if each.since <= now else now
            for each in news
        ]
        at = min(*begins, *(each.since for each in ended), math.inf)
        if last is not None and last <= now:
            at = max(at, last + timing.interval_s)
        escalates = not ended and all(each.escalated for each in news)
        return at, [*firing, *ended], "escalated" if escalates else "changed"
    repeated = [each for each in firing if not each.acknowledged]
    if not repeated or last is None:
        return None, [], "repeated"
    return last + timing.repeat_s, repeated, "repeated"
