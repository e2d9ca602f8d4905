"""What alerter measures of its own work; what rules go by is among the signals."""

from __future__ import annotations

from shared.runtime.metrics.metric import Metric

DECLARED: tuple[Metric, ...] = (
    Metric(
        "lakehouse_alerts",
        "gauge",
        "alerts",
        ("alert", "state", "severity", "team"),
        "Alerts that are pending or firing, of the rules that this alerter evaluates.",
        ("alerter",),
    ),
    Metric(
        "lakehouse_alert_evaluation_seconds",
        "histogram",
        "seconds",
        (),
        "Time of one evaluation of all rules that were due.",
        ("alerter",),
        buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
    ),
    Metric(
        "lakehouse_alert_transitions_total",
        "counter",
        "transitions",
        ("alert", "state"),
        "Changes of alerts, by the state that they changed to.",
        ("alerter",),
    ),
    Metric(
        "lakehouse_notifications_total",
        "counter",
        "notifications",
        ("receiver", "outcome"),
        "Attempts to tell a receiver by outcome (delivered, failed, gave_up: it rests for a "
        "while), and what was not tried (coalesced into a newer one, withdrawn as no longer true, "
        "refused as too many groups wait).",
        ("alerter",),
    ),
    Metric(
        "lakehouse_notification_queue",
        "gauge",
        "notifications",
        ("receiver",),
        "Notifications that wait for a receiver.",
        ("alerter",),
    ),
    Metric(
        "lakehouse_rules_loaded",
        "gauge",
        "rules",
        (),
        "Rules that are in force.",
        ("alerter",),
    ),
    Metric(
        "lakehouse_rules_broken",
        "gauge",
        "0 or 1",
        (),
        "1 while a file of rules is wrong, and what was in force before stays so.",
        ("alerter",),
    ),
    Metric(
        "lakehouse_alerts_unpublished",
        "gauge",
        "events",
        (),
        "Events of alerts that the broker does not have yet; they are kept on disk until it does.",
        ("alerter",),
    ),
)
