"""The settings of every source: made of their declarations, so that a new one has them at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SecretStr, create_model, field_validator
from pydantic_settings import NoDecode

from shared.runtime.settings import Settings
from shared.sources.registry import SOURCES
from shared.sources.spec import SourceSpec

Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
"""Active secrets, separated by commas: add the new one, roll it at the vendor, drop the old."""

Urls = Annotated[tuple[str, ...], NoDecode]
"""Addresses, separated by commas."""


def secrets_field(source: str) -> str:
    """Name of the field with a source's secrets."""
    return f"ingest_{source}_secrets"


def secrets_variable(source: str) -> str:
    """Name of the environment variable with a source's secrets."""
    return f"BERGLINE_{secrets_field(source)}".upper()


class _OfSources(Settings):
    """What the settings of sources have in common."""

    @field_validator("*", mode="before")
    @classmethod
    def _separated(cls, value: object, info: Any) -> object:
        """Blank items are dropped: an empty secret would accept forged signatures."""
        listed = info.field_name.endswith(("_secrets", "_urls"))
        if listed and isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
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
