"""What a restart changes of alerts that are pending. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from services.alerter.group.ownership import last_share
from shared.alerting.events import resumed
from shared.contracts.alerts import AlertChanged


def unseen(
    alerts: Iterable[AlertChanged], owned: Iterable[str] | None, seconds: float
) -> list[AlertChanged]:
    """Those that nobody looked at for so long, with the time taken out.

    Alerts of rules that this alerter did not have are not among them: others looked at those.
    ``owned``: the rules that it had; ``None``: it never had any.
    """
    mine = last_share(owned)
    return [
        resumed(each, seconds)
        for each in alerts
        if each.state == "pending" and each.rule in mine.of((each.rule,))
    ]
