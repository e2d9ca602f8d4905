"""From a group that is due to its notification: order, idempotency key, what goes on record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from operator import attrgetter

from shared.alerting.board import Board
from shared.alerting.notifying.group import Group, Member
from shared.alerting.notifying.notification import Notification, Reason
from shared.alerting.notifying.records import Told
from shared.contracts.alerts import NotifiedAlert


def composed(group: Group, members: Iterable[Member], reason: Reason, board: Board) -> Notification:
    """The notification of a group that tells of these members."""
    members = sorted(members, key=attrgetter("rank"))
    records = group.records
    repeat = 0
    if reason == "repeated" and records.last is not None:
        repeat = records.last.repeat + 1
    told = {each.alert.fingerprint: each.told for each in members}
    begun = {
        each.alert.fingerprint: each.told
        for each in members
        if each.alert.state == "firing"
        and not records.is_known(each.alert)
        and not records.is_begun(each.alert)
    }
    return Notification(
        receiver=group.receiver,
        group=group.key,
        group_labels=group.labels,
        idempotency_key=_key(group, members, repeat),
        reason=reason,
        repeat=repeat,
        alerts=tuple(each.alert for each in members),
        told={**_standing(records.taken, board), **told},
        begun={**_standing(records.begun, board), **begun} if begun else {},
    )


def _standing(alerts: Told, board: Board) -> dict[str, NotifiedAlert]:
    """Without alerts of which nothing is known any more."""
    return {each: told for each, told in alerts.items() if each in board.alerts}


def _key(group: Group, members: Iterable[Member], repeat: int) -> str:
    """Of what is told: the same in whatever process, as long as the same is to be told."""
    alerts = sorted(
        (each.alert.fingerprint, told.transition, told.state)
        for each in members
        for told in (each.told,)
    )
    text = json.dumps([group.receiver, group.key, repeat, alerts], separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()
