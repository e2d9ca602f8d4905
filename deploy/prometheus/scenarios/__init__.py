"""Each built-in rule fires and clears, and what must not raise it does not."""

from __future__ import annotations

from deploy.prometheus.scenarios.data_quality import DATA_QUALITY
from deploy.prometheus.scenarios.infrastructure import INFRASTRUCTURE
from deploy.prometheus.scenarios.maintenance import MAINTENANCE
from deploy.prometheus.scenarios.pipeline_health import PIPELINE_HEALTH

SCENARIOS = {
    "pipeline_health": PIPELINE_HEALTH,
    "data_quality": DATA_QUALITY,
    "infrastructure": INFRASTRUCTURE,
    "maintenance": MAINTENANCE,
}
"""By file of built-in rules."""
