"""The settings of every source: made of their declarations, so that a new one has them at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SecretStr, create_model, field_validator
from pydantic_settings import NoDecode

from shared.runtime.settings import Settings
from shared.sources.registry import SOURCES
from shared.sources.spec import Body, SourceSpec

Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
"""Active secrets, separated by commas: add the new one, roll it at the vendor, drop the old."""

Urls = Annotated[tuple[str, ...], NoDecode]
"""Addresses, separated by commas."""

_ARRAY = Body.JSON_EVENTS
MOST_EVENTS = 10_000
"""No request may hold more: all its events are in memory at once."""


def secrets_field(source: str) -> str:
    """Name of the field with a source's secrets."""
    return f"ingest_{source}_secrets"


def secrets_variable(source: str) -> str:
    """Name of the environment variable with a source's secrets."""
    return f"BERGLINE_{secrets_field(source)}".upper()


def watch_field(source: str) -> str:
    """Name of the field with the prefixes that are watched for a source."""
    return f"ingest_{source}_watch_urls"


def watch_variable(source: str) -> str:
    """Name of the environment variable with the prefixes that are watched for a source."""
    return f"BERGLINE_{watch_field(source)}".upper()


class _OfSources(Settings):
    """What the settings of sources have in common."""

    @field_validator("*", mode="before")
    @classmethod
    def _separated(cls, value: object, info: Any) -> object:
        """Blank items are dropped: an empty secret would accept forged signatures."""
        listed = info.field_name.endswith(("_secrets", "_urls"))
        if listed and isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        if value == "" and info.field_name.endswith(("_limit_per_s", "_events_limit")):
            return cls.model_fields[info.field_name].default
        return value

    def enabled(self, source: str) -> bool:
        """Whether the routes of a source are served."""
        return bool(getattr(self, f"ingest_{source}_enabled"))

    def secrets(self, source: str) -> tuple[str, ...]:
        """Active secrets of a source."""
        values: tuple[SecretStr, ...] = getattr(self, secrets_field(source))
        return tuple(value.get_secret_value() for value in values)

    def old_signatures(self, source: str) -> bool:
        """Whether weaker versions of a source's scheme are accepted."""
        return bool(getattr(self, f"ingest_{source}_old_signatures", False))

    def watched(self, source: str) -> tuple[str, ...]:
        """Prefixes that are watched for exports of a source."""
        found: tuple[str, ...] = getattr(self, f"ingest_{source}_watch_urls", ())
        return found

    def own_rates(self, source: str) -> tuple[float | None, float | None]:
        """Requests and bytes per second of this source; ``None``: as of every source."""
        return (
            getattr(self, f"ingest_{source}_rate_limit_per_s"),
            getattr(self, f"ingest_{source}_byte_limit_per_s", None),
        )

    def events_limit(self, source: str, documented: int) -> int:
        """Most events of an array, for an endpoint that names ``documented``."""
        own: int | None = getattr(self, f"ingest_{source}_events_limit", None)
        return documented if own is None else own


def fields_of(sources: Iterable[SourceSpec]) -> dict[str, Any]:
    """Field name → (type, field) of the settings of some sources."""
    fields: dict[str, Any] = {}
    for source in sources:
        fields[f"ingest_{source.name}_enabled"] = (
            bool,
            Field(default=True, description=f"take in {source.title}'s deliveries"),
        )
        fields[secrets_field(source.name)] = (
            Secrets,
            Field(
                default=(),
                description=f"{source.title}'s secrets, separated by commas",
            ),
        )
        fields[f"ingest_{source.name}_rate_limit_per_s"] = (
            float | None,
            Field(
                default=None,
                ge=0,
                description=f"verified requests per second of {source.title}; 0: no limit, "
                "empty: as of every source",
            ),
        )
        if source.endpoints:
            fields[f"ingest_{source.name}_byte_limit_per_s"] = (
                float | None,
                Field(
                    default=None,
                    ge=0,
                    description=f"bytes of verified bodies per second of {source.title}; "
                    "0: no limit, empty: as of every source",
                ),
            )
        arrays = {each.events_limit for each in source.endpoints if _ARRAY in each.bodies}
        if arrays:
            fields[f"ingest_{source.name}_events_limit"] = (
                int | None,
                Field(
                    default=None,
                    ge=1,
                    le=MOST_EVENTS,
                    description=f"most events in one request of {source.title}; empty: "
                    + " or ".join(f"{limit}" for limit in sorted(arrays)),
                ),
            )
        if source.exports:
            fields[watch_field(source.name)] = (
                Urls,
                Field(
                    default=(),
                    description=f"where {source.title}'s exports are looked for, separated by "
                    "commas: directories or s3://bucket/… beneath BERGLINE_EXPORT_PREFIXES",
                ),
            )
        if source.signature.has_old_versions:
            fields[f"ingest_{source.name}_old_signatures"] = (
                bool,
                Field(
                    default=False,
                    description=f"also accept {source.title}'s older signatures, which can be "
                    "replayed for ever",
                ),
            )
    return fields


if TYPE_CHECKING:

    class SourceSettings(_OfSources):
        """The settings of every source."""

else:
    SourceSettings = create_model(
        "SourceSettings",
        __base__=_OfSources,
        __doc__="The settings of every source.",
        __module__=__name__,
        **fields_of(SOURCES.values()),
    )
