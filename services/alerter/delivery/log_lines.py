"""Every alert that fires or resolves, in the log: the one receiver that needs nothing else."""

from __future__ import annotations

import structlog

from shared.contracts.alerts import AlertChanged

log = structlog.stdlib.get_logger("bergline.alerter")


def log_change(alert: AlertChanged) -> None:
    """One line: at warning when it fires, at info when it resolves, at debug in between.

    What is of severity ``none``, a sign of life, is never worse than info. Labels are nested, as a
    label may be named as a field.
    """
    fields: dict[str, object] = {
        "alert": alert.rule,
        "fingerprint": alert.fingerprint,
        "transition": alert.transition,
        "state": alert.state,
        "severity": alert.severity,
        "team": alert.team,
        "labels": alert.labels,
        "value": alert.value,
        "summary": alert.summary,
        "runbook": alert.runbook,
        "active_at": alert.active_at.isoformat(),
        "ended_by": alert.ended_by,
    }
    match alert.state:
        case "firing" if alert.severity != "none":
            log.warning("alert is firing", **fields)
        case "firing":
            log.info("alert is firing", **fields)
        case "resolved":
            log.info("alert is resolved", **fields)
        case _:
            log.debug("alert changed", **fields)
