"""What one more record changes on the board of an alerter that has more than one source. Pure.

Its own records come from its journal, those of others from ``lakehouse.alert-states``, in any
order and more than once. The result is the same: of an alert the highest transition counts, of
what was said about it the latest.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.alerting.board import Board
from shared.contracts.alerts import (
    AlertAcknowledged,
    AlertChanged,
    AlertNotified,
    AlertSilenced,
    NotifiedAlert,
)
from shared.contracts.event import Event

SURELY_OLD = timedelta(hours=12)
"""What is forgotten was said a day before at least (:mod:`services.alerter.states.forgetting`)."""


def merge(board: Board, event: Event, *, own: bool) -> bool:
    """Take a record; whether it was news.

    ``own``: it was made here just now. It may then say more of a state that is known already: that
    the condition of an alert which is kept firing does not hold.
    """
    match event:
        case AlertChanged():
            news = _is_newer(board, event, own=own)
        case AlertNotified():
            held = board.notified.get(event.key())
            event = event if held is None else _both(held, event, own=own)
            news = event != held
        case AlertAcknowledged():
            acknowledged = board.acknowledged.get(event.fingerprint)
            news = acknowledged is None or acknowledged.acknowledged_at < event.acknowledged_at
        case AlertSilenced():
            silenced = board.silences.get(event.silence_id)
            news = silenced is None or silenced.silenced_at < event.silenced_at
        case _:
            return False
    if news:
        board.take(event.key(), event)
    return news


def forget(board: Board, key: str) -> bool:
    """Drop what stands under a key, and with an alert what was said about it; whether it stood.

    What was said of a later activity of the alert stays: records of other keys may be read first.
    """
    alert = board.alerts.get(key)
    if alert is not None:
        acknowledged = board.acknowledged.get(key)
        if acknowledged is not None and acknowledged.active_at <= alert.active_at:
            del board.acknowledged[key]
        for notified_key, notified in list(board.notified.items()):
            told = notified.alerts.get(key)
            if told is not None and told.transition <= alert.transition:
                _untell(board, notified_key, notified, key)
    elif _said_at(board, key) is None:
        return False
    board.take(key, None)
    return True


def is_meant(board: Board, key: str, at: datetime) -> bool:
    """Whether what stands under a key is what somebody else forgot ``at`` this time.

    What is forgotten is old, so what was said not long before is not meant, whatever the clocks.
    Nor is an alert that is not over, on anybody's word: its end would be lost.
    """
    said = _said_at(board, key)
    if said is None or said > at - SURELY_OLD:
        return False
    alert = board.alerts.get(key)
    return alert is None or alert.state not in ("pending", "firing")


def _said_at(board: Board, key: str) -> datetime | None:
    """When what stands under a key was said; ``None``: nothing does."""
    kind, _, rest = key.partition("/")
    held: Event | None
    match kind.partition(".")[0]:
        case "notified" | "telling":
            held = board.notified.get(key)
        case "acknowledged":
            held = board.acknowledged.get(rest)
        case "silenced":
            held = board.silences.get(rest)
        case _:
            held = board.alerts.get(key)
    return None if held is None else held.event_time()


def events(board: Board) -> list[Event]:
    """All that stands on the board."""
    return [
        *board.alerts.values(),
        *board.notified.values(),
        *board.acknowledged.values(),
        *board.silences.values(),
    ]


def _is_newer(board: Board, event: AlertChanged, *, own: bool) -> bool:
    held = board.alerts.get(event.fingerprint)
    if held is None or held.transition < event.transition:
        return True
    return own and held.transition == event.transition and held != event


def _both(held: AlertNotified, event: AlertNotified, *, own: bool) -> AlertNotified:
    """The later record; of each alert what was told of its highest transition, by either.

    One of our own is the later one, even if the clock was set back.
    """
    earlier, later = held, event
    if not own and event.notified_at < held.notified_at:
        earlier, later = event, held
    told: dict[str, NotifiedAlert] = dict(earlier.alerts)
    for fingerprint, alert in later.alerts.items():
        before = told.get(fingerprint)
        if before is None or before.transition <= alert.transition:
            told[fingerprint] = alert
    return later.model_copy(update={"alerts": told})


def _untell(board: Board, key: str, notified: AlertNotified, fingerprint: str) -> None:
    # One of no alert is left for its owner to forget: others know of it, too.
    alerts = {each: told for each, told in notified.alerts.items() if each != fingerprint}
    board.notified[key] = notified.model_copy(update={"alerts": alerts})
