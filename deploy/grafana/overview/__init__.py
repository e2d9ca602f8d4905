"""The overview: one page that tells how the platform is, from alerts down to processes."""

from __future__ import annotations

from deploy.grafana.overview.alerts import ALERTS
from deploy.grafana.overview.health import HEALTH
from deploy.grafana.overview.resources import PROCESSES, STORAGE
from deploy.grafana.overview.services import SERVICES
from deploy.grafana.overview.tables import FRESHNESS, MAINTENANCE, WAVES
from deploy.grafana.overview.topics import DEAD_LETTERS, LAG, READERS, SPOOL
from deploy.grafana.panel import Dashboard

OVERVIEW = Dashboard(
    uid="bergline-overview",
    title="Bergline: overview",
    description="Is anything wrong, how fresh is every table, what does each service do.",
    rows=(
        HEALTH,
        ALERTS,
        FRESHNESS,
        *SERVICES,
        LAG,
        WAVES,
        MAINTENANCE,
        DEAD_LETTERS,
        SPOOL,
        READERS,
        STORAGE,
        PROCESSES,
    ),
)
