"""Every alert that fires or resolves is in the log, whatever else works."""

import pytest
from structlog.testing import capture_logs

from services.alerter.delivery.log_lines import log_change
from shared.contracts.alerts import AlertState, Severity
from tests.support.notifications import alert


@pytest.mark.parametrize(
    ("state", "severity", "level", "event"),
    [
        ("firing", "critical", "warning", "alert is firing"),
        ("firing", "info", "warning", "alert is firing"),
        ("firing", "none", "info", "alert is firing"),
        ("resolved", "critical", "info", "alert is resolved"),
        ("pending", "critical", "debug", "alert changed"),
        ("inactive", "critical", "debug", "alert changed"),
    ],
)
def test_levels(state: AlertState, severity: Severity, level: str, event: str) -> None:
    with capture_logs() as lines:
        log_change(alert(state=state, severity=severity, event="a label may be called so"))

    [line] = lines
    assert (line["log_level"], line["event"]) == (level, event)


def test_a_line_says_what_where_and_what_to_do() -> None:
    told = alert("RedpandaDown", target="broker")
    with capture_logs() as lines:
        log_change(told)

    assert {
        "alert": "RedpandaDown",
        "fingerprint": told.fingerprint,
        "transition": 2,
        "labels": {"target": "broker"},
        "value": 12_000.0,
        "runbook": "alerts#consumer-lag",
        "active_at": "2026-01-02T03:04:05+00:00",
    }.items() <= lines[0].items()
