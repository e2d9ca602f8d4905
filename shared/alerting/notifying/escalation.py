"""Who else is told of an alert that nobody acknowledges, and when."""

from __future__ import annotations

from collections.abc import Iterator

from shared.alerting.board import Board
from shared.alerting.notifying.routing import Escalation
from shared.contracts.alerts import AlertChanged


def escalated(
    alert: AlertChanged, escalations: tuple[Escalation, ...], since: float, board: Board
) -> Iterator[tuple[Escalation, float]]:
    """The steps that lie before an alert, and when each is due.

    An acknowledgement stops those to come; ``since``: since when the alert fires and is not muted.
    """
    if board.acknowledgement(alert) is None:
        for escalation in escalations:
            yield escalation, since + escalation.after_s
