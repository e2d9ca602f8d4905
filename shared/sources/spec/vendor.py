"""One vendor, whole."""

from __future__ import annotations

from dataclasses import dataclass

from shared.sources.signing import Signature
from shared.sources.spec.example import Example
from shared.sources.spec.landing import Entity
from shared.sources.spec.routes import Endpoint, Export


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One vendor.

    It has the settings ``BERGLINE_INGEST_<NAME>_ENABLED`` and ``BERGLINE_INGEST_<NAME>_SECRETS``
    (several active ones, separated by commas), and ``BERGLINE_INGEST_<NAME>_OLD_SIGNATURES`` where
    its scheme has weaker versions (:attr:`~shared.sources.signing.Signature.has_old_versions`).

    Attributes:
        name: CloudEvents ``source``, first part of topics, tables, routes and settings.
        title: the vendor's name as it writes it.
        signature: how deliveries are signed, and requests that name an export.
        entities: what it tells about; all topics of the endpoints and exports, and no others.
        endpoints: its routes.
        exports: the files that it drops.
        kept_headers: request headers that are kept with a dead letter; never the signature.
        documentation: the vendor's pages that this follows.
        examples: at least one for each endpoint.
    """

    name: str
    title: str
    signature: Signature
    entities: tuple[Entity, ...]
    endpoints: tuple[Endpoint, ...] = ()
    exports: tuple[Export, ...] = ()
    kept_headers: tuple[str, ...] = ()
    documentation: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    def entity(self, topic: str) -> Entity:
        """The entity of a logical topic.

        Raises:
            KeyError: the source has no such topic.
        """
        for entity in self.entities:
            if entity.topic == topic:
                return entity
        raise KeyError(f"source {self.name} has no topic {topic!r}")

    def export(self, topic: str) -> Export | None:
        """The export that is announced on a logical topic, if one is."""
        return next((export for export in self.exports if export.topic == topic), None)
