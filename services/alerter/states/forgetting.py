"""What nobody needs to know any more. Pure."""

from __future__ import annotations

from collections.abc import Callable

from shared.alerting.board import Board
from shared.alerting.notifying.records import by_group

OVER_S = 86_400.0
"""What is over is forgotten after a day."""
UNTOLD_S = 30 * 86_400.0
"""What some receiver believes to fire is not forgotten so soon: it is still to be told the end."""


def forgettable(
    board: Board, now: float, owns: Callable[[str], bool], *, whole: bool = False
) -> list[str]:
    """Keys of ``lakehouse.alert-states`` to be forgotten.

    An alert goes a day after it was over, with what was said about it, unless somebody has not been
    told of the end; a silence goes a day after its end. ``owns`` says whether the alerts of a rule
    are this alerter's to forget; silences are anybody's, since to forget twice does no harm.
    ``whole``: the board has all that there is, so what it does not have is nowhere; a notification
    of nothing else goes, too.
    """
    believed = {
        fingerprint
        for records in by_group(board.notified.values()).values()
        for fingerprint, _ in records.believed_firing()
    }
    gone = {
        alert.fingerprint
        for alert in board.alerts.values()
        if alert.state not in ("pending", "firing")
        and now - alert.changed_at.timestamp()
        >= (UNTOLD_S if alert.fingerprint in believed else OVER_S)
        and owns(alert.rule)
    }
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
        if all(alert in gone or (whole and alert not in board.alerts) for alert in each.alerts)
        and now - each.notified_at.timestamp() >= OVER_S
    ]
    silences = [
        each.key() for each in board.silences.values() if now - each.ends_at.timestamp() >= OVER_S
    ]
    return [*acknowledged, *notified, *silences, *gone]
