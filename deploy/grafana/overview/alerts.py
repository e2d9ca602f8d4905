"""Alerts: which fire, what changed, who was told."""

from __future__ import annotations

from deploy.grafana.expressions import largest, summed, total
from deploy.grafana.panel import Panel, Query, Row

_LABELS = "alert, severity, team, state"

ALERTS = Row(
    "Alerts",
    (
        Panel(
            "Pending and firing",
            "How many label sets of each rule. `AlerterAlive` always fires, as a sign of life.",
            (Query(summed("lakehouse_alerts", _LABELS)),),
            kind="table",
            width=10,
            height=9,
        ),
        Panel(
            "Firing over time",
            "Rules that fired, without the sign of life.",
            (
                Query(
                    summed("lakehouse_alerts", "alert", 'state="firing",severity!="none"'),
                    "{{alert}}",
                ),
            ),
            kind="states",
            alarm=1,
            width=14,
            height=9,
            quiet="nothing is wrong",
        ),
        Panel(
            "Changes, last hour",
            "How often alerts changed, by the state that they changed to. A rule that goes to and "
            "fro wants a longer `for`, or `keep_firing_for`.",
            (
                Query(
                    total("lakehouse_alert_transitions_total", "alert, state"),
                    "{{alert}}: {{state}}",
                ),
            ),
            width=12,
        ),
        Panel(
            "Notifications, last hour",
            "Attempts to tell a receiver, and what was not tried, by outcome.",
            (
                Query(
                    total("lakehouse_notifications_total", "receiver, outcome"),
                    "{{receiver}}: {{outcome}}",
                ),
            ),
            width=8,
            quiet="no receiver is configured",
        ),
        Panel(
            "Rules in force",
            "Built-in rules and those of the project.",
            (Query(largest("lakehouse_rules_loaded"), "rules"),),
            kind="number",
            width=4,
        ),
    ),
)
