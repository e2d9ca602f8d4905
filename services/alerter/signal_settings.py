"""Settings of what alerter holds events against."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from services.alerter.probe_settings import ProbeSettings
from shared.alerting.scalars import seconds
from shared.alerting.signals.freshness import Objectives
from shared.sources.registry import SOURCES


class SignalSettings(ProbeSettings):
    """Variables ``BERGLINE_ALERTER_…`` of signals, beside those of probes; alerter's own settings
    extend it."""

    alerter_objective_landing_s: float = Field(
        default=5.0, gt=0, description="rows are to be readable in a landing table within so long"
    )
    alerter_objective_derived_s: float = Field(
        default=60.0,
        gt=0,
        description="a landing commit is to be in a derived table within so long",
    )
    alerter_expected_every: str = Field(
        default="",
        description="longest silence of landing tables that is normal, as `raw.x=30s,raw.y=26h`; "
        "of others it is what their source declares, or learned",
    )

    @field_validator("alerter_expected_every")
    @classmethod
    def _tables_and_durations(cls, value: str) -> str:
        parsed(value)
        return value

    @property
    def objectives(self) -> Objectives:
        """Largest delay that is meant to be."""
        return Objectives(self.alerter_objective_landing_s, self.alerter_objective_derived_s)

    @property
    def expected_every(self) -> Mapping[str, float]:
        """Landing table → longest silence in seconds that is normal: set, or declared."""
        declared = {
            entity.table.name: entity.expected_every.total_seconds()
            for source in SOURCES.values()
            for entity in source.entities
            if entity.expected_every is not None
        }
        return {**declared, **parsed(self.alerter_expected_every)}


def parsed(text: str) -> dict[str, float]:
    """``raw.x=30s,raw.y=26h`` as seconds.

    Raises:
        ValueError: no table of a source, or no duration.
    """
    known = {entity.table.name for source in SOURCES.values() for entity in source.entities}
    found: dict[str, float] = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        table, _, duration = (part.strip() for part in each.partition("="))
        if table not in known:
            raise ValueError(f"{each!r}: {table!r} is no landing table of a source")
        longest = seconds(duration)
        if not longest:
            raise ValueError(f"{each!r}: {duration!r} is no duration, as 30s or 1h30m")
        found[table] = longest
    return found
