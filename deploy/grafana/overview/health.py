"""The first line: is anything wrong?"""

from __future__ import annotations

from deploy.grafana.expressions import largest, rate, summed, total
from deploy.grafana.panel import Panel, Query, Row

UP = ((0, "down"), (1, "up"))


def _firing(severity: str) -> str:
    return summed("lakehouse_alerts", where=f'state="firing",severity="{severity}"')


HEALTH = Row(
    "Is anything wrong?",
    (
        Panel(
            "Critical alerts",
            "Alerts of severity critical that fire now; they are listed below.",
            (Query(f"{_firing('critical')} or vector(0)"),),
            kind="number",
            alarm=1,
            width=3,
            height=5,
        ),
        Panel(
            "Warnings",
            "Alerts of severity warning that fire now; they are listed below.",
            (Query(f"{_firing('warning')} or vector(0)"),),
            kind="number",
            warn=1,
            width=3,
            height=5,
        ),
        Panel(
            "Processes",
            "Whether Prometheus can scrape every process of a service.",
            (Query("min by (job) (up)", "{{job}}"),),
            kind="number",
            names=UP,
            alarm=1,
            low_is_bad=True,
            width=6,
            height=5,
        ),
        Panel(
            "Storage, catalog, broker",
            "Whether they answered alerter when it last asked.",
            (Query(largest("lakehouse_probe_up", "target"), "{{target}}"),),
            kind="number",
            names=UP,
            alarm=1,
            low_is_bad=True,
            width=4,
            height=5,
        ),
        Panel(
            "Taken in",
            "Deliveries a second that ingest took in.",
            (Query(rate("lakehouse_events_received_total", where='service="ingest"')),),
            kind="number",
            unit="reqps",
            width=4,
            height=5,
        ),
        Panel(
            "Dead letters, last hour",
            "Records that could not be processed. `bergline dlq list` shows them.",
            (Query(f"{total('lakehouse_dead_letters_seen_total')} or vector(0)"),),
            kind="number",
            warn=1,
            width=4,
            height=5,
        ),
    ),
)
