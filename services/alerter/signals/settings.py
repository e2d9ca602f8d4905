"""Settings of what alerter holds events against."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from services.alerter.probes.settings import ProbeSettings
from shared.alerting.signals.expected import expected_every, parsed
from shared.alerting.signals.freshness import Objectives


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
        return expected_every(self.alerter_expected_every)
