"""What nobody needs to know any more. Pure."""

from __future__ import annotations

from collections.abc import Callable

from shared.alerting.board import Board

OVER_S = 86_400.0
"""What is over is forgotten after a day."""


def forgettable(board: Board, now: float, owns: Callable[[str], bool]) -> list[str]:
    """Keys of ``lakehouse.alert-states`` to be forgotten.

    An alert goes a day after it was over, with what was said about it; a silence a day after its
    end. ``owns`` says whether the alerts of a rule are this alerter's to forget; silences are
    anybody's, since to forget twice does no harm.
    """
    alerts = [
        alert
        for alert in board.alerts.values()
        if alert.state not in ("pending", "firing")
        and now - alert.changed_at.timestamp() >= OVER_S
        and owns(alert.rule)
    ]
    gone = {alert.fingerprint for alert in alerts}
    acknowledged = [
        each.key()
        for each in board.acknowledged.values()
        if each.fingerprint in gone
        or (
            each.fingerprint not in board.alerts
            and now - each.acknowledged_at.timestamp() >= OVER_S
        )
    ]
    notified = [
        key
        for key, each in board.notified.items()
        if each.alerts.keys() <= gone and now - each.notified_at.timestamp() >= OVER_S
    ]
    silences = [
        each.key() for each in board.silences.values() if now - each.ends_at.timestamp() >= OVER_S
    ]
    return [*acknowledged, *notified, *silences, *gone]
