"""What the alert topics say: where every alert stands, and every change since a time."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from shared.cli.output import progress

if TYPE_CHECKING:
    from shared.alerting.board import Board
    from shared.contracts.alerts import AlertChanged, AlertNotified
    from shared.runtime.settings import Settings


async def read_board(settings: Settings) -> Board:
    """Everything that stands on ``lakehouse.alert-states``.

    Raises:
        NotFound: the topic does not exist.
        Unavailable: the broker does not answer.
    """
    from shared.alerting.board import Board
    from shared.contracts.topics import ALERT_STATES
    from shared.runtime import log_ranges
    from shared.runtime.errors import NotFound
    from shared.runtime.event_log import decoded
    from shared.runtime.log_bounds import log_bounds

    bounds = await log_bounds(settings, [ALERT_STATES])
    if not bounds:
        raise NotFound(f"the broker has no topic {ALERT_STATES}", "run `bergline bootstrap`")
    ranges = {key: (log.start, log.end) for key, log in bounds.items()}
    board = Board()
    async with contextlib.aclosing(log_ranges.read_range(settings, ranges)) as records:
        async for record in records:
            event = decoded(record)
            if record.key is None or (event is None and record.value is not None):
                progress("not read", record=f"{ALERT_STATES}/{record.partition}/{record.offset}")
                continue
            board.take(record.key.decode("utf-8", "replace"), event)
    return board


def board_of_alerter() -> Board:
    """The alerts that are pending or firing, as alerter itself shows them: without the broker.

    With what operators said of them, and who was told; alerts that are over are not there.

    Raises:
        Unavailable: alerter does not answer.
    """
    import json

    from shared.alerting.board import Board
    from shared.cli.asking import alerter
    from shared.contracts.alerts import AlertAcknowledged, AlertChanged, AlertSilenced

    board = Board()
    page = json.loads(alerter("/alerts"))
    for each in page["alerts"]:
        alert = AlertChanged.model_validate(each)
        board.take(alert.key(), alert)
        if each["acknowledged_by"]:
            said = AlertAcknowledged.model_validate(each["acknowledged_by"])
            board.take(said.key(), said)
        for one in each["notified"]:
            told = _notified(alert, one)
            board.take(told.key(), told)
    for each in page["silences"]:
        silence = AlertSilenced.model_validate(each)
        board.take(silence.key(), silence)
    return board


def notes_of_alerter() -> dict[str, object]:
    """What does not work while alerter evaluates rules; nothing where it does not answer."""
    import json

    from shared.cli.asking import alerter
    from shared.runtime.errors import BerglineError

    try:
        told = dict(json.loads(alerter("/readyz")))
    except BerglineError:
        return {}
    return {name: note for name, note in told.items() if name != "status"}


def _notified(alert: AlertChanged, told: Mapping[str, str]) -> AlertNotified:
    """As if the alert had been told alone."""
    from shared.contracts.alerts import AlertNotified

    return AlertNotified.model_validate(
        {
            "receiver": told["receiver"],
            "group": alert.fingerprint,
            "idempotency_key": "",
            "alerts": {alert.fingerprint: {"transition": alert.transition, "state": "firing"}},
            "reason": told["reason"],
            "notified_at": told["at"],
        }
    )


async def read_changes(settings: Settings, since: datetime) -> list[AlertChanged]:
    """Every change of every alert since a time, once each, in order of time.

    Raises:
        NotFound: the topic does not exist.
        Unavailable: the broker does not answer.
    """
    from shared.contracts.alerts import AlertChanged
    from shared.contracts.topics import ALERTS
    from shared.runtime.event_log import read_events

    found = await read_events(
        settings, [ALERTS], since, unreadable=lambda where: progress("not read", record=where)
    )
    once = {each.event_id(): each for each in found if isinstance(each, AlertChanged)}
    return sorted(once.values(), key=lambda each: (each.changed_at, each.event_id()))


async def alerter_runs(settings: Settings) -> bool:
    """Whether anybody evaluates rules: what stands on the topics is of the past otherwise.

    Raises:
        Unavailable: the broker does not answer.
    """
    from shared.runtime.consumer_groups import describe
    from shared.runtime.errors import NotFound

    try:
        return bool((await describe(settings, "alerter")).members)
    except NotFound:
        return False
