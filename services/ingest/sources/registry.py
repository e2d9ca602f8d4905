"""Every source by its name. A new source is one module here and one in ``signatures``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from services.ingest.sources.endpoint import Source
from services.ingest.sources.shopify import SHOPIFY
from services.ingest.sources.stripe import STRIPE
from shared.contracts.topics import TOPICS

SOURCES: Mapping[str, Source] = MappingProxyType(
    {source.name: source for source in (SHOPIFY, STRIPE)}
)

for _source in SOURCES.values():
    for _endpoint in _source.endpoints:
        for _topic in _endpoint.topics:
            if _topic not in TOPICS:
                raise ValueError(f"{_endpoint.path} feeds unknown topic {_topic!r}")
