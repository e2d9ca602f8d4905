"""All metrics by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.runtime.metrics.declared import (
    alerter,
    ingest,
    maintainer,
    platform_signals,
    several,
    stream_writer,
    table_signals,
    transformer,
)
from shared.runtime.metrics.metric import Metric

_DECLARATIONS = (
    several,
    ingest,
    stream_writer,
    transformer,
    maintainer,
    table_signals,
    platform_signals,
    alerter,
)

METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for module in _DECLARATIONS for metric in module.DECLARED}
)
"""Every metric that any process of the platform exposes."""

SIGNALS: Mapping[str, Metric] = MappingProxyType(
    {name: metric for name, metric in METRICS.items() if metric.signal}
)
"""Those that rules may use."""
