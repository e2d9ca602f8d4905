"""All dashboards by the name of their file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deploy.grafana.overview import OVERVIEW
from deploy.grafana.panel import Dashboard

DASHBOARDS: Mapping[str, Dashboard] = MappingProxyType({"overview": OVERVIEW})
"""Name of the file below ``dashboards/``, without ``.json``."""
