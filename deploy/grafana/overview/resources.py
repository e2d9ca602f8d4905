"""What everything stands on: storage, catalog, broker, and the processes themselves."""

from __future__ import annotations

from deploy.grafana.expressions import INTERVAL, largest
from deploy.grafana.overview.health import UP
from deploy.grafana.panel import Panel, Query, Row

STORAGE = Row(
    "Storage, catalog and broker",
    (
        Panel(
            "Reached by alerter",
            "Whether each answered when it was last asked.",
            (Query(largest("lakehouse_probe_up", "target"), "{{target}}"),),
            kind="states",
            names=UP,
            alarm=1,
            low_is_bad=True,
        ),
        Panel(
            "Time to answer",
            "How long the last answer took, or was waited for.",
            (Query(largest("lakehouse_probe_duration_seconds", "target"), "{{target}}"),),
            unit="s",
            warn=1,
        ),
        Panel(
            "Free share of the object store",
            "Below 0.15 MinIOStorageAlmostFull fires.",
            (Query(largest("lakehouse_storage_free_ratio", "target"), "{{target}}"),),
            unit="percentunit",
            warn=0.3,
            alarm=0.15,
            low_is_bad=True,
            quiet="neither metrics of the store nor a directory are set for alerter",
        ),
        Panel(
            "Room of the object store",
            "Free, and in all.",
            (
                Query(largest("lakehouse_storage_free_bytes", "target"), "{{target}}: free"),
                Query(largest("lakehouse_storage_total_bytes", "target"), "{{target}}: in all"),
            ),
            unit="bytes",
            quiet="neither metrics of the store nor a directory are set for alerter",
        ),
    ),
)

PROCESSES = Row(
    "Processes",
    (
        Panel(
            "Memory",
            "Resident memory by process. Ray's own processes are not scraped.",
            (
                Query(
                    "sum by (job, instance) (process_resident_memory_bytes)", "{{job}} {{instance}}"
                ),
            ),
            unit="bytes",
            width=8,
        ),
        Panel(
            "CPU",
            "Cores that each process uses.",
            (
                Query(
                    f"sum by (job, instance) (rate(process_cpu_seconds_total[{INTERVAL}]))",
                    "{{job}} {{instance}}",
                ),
            ),
            width=8,
        ),
        Panel(
            "Open files",
            "Descriptors by process.",
            (Query("sum by (job, instance) (process_open_fds)", "{{job}} {{instance}}"),),
            width=8,
        ),
    ),
)
