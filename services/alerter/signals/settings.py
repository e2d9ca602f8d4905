"""Settings of what alerter holds events against."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from services.alerter.probes.settings import ProbeSettings
from shared.alerting.signals.expected import expected_every, parsed
from shared.alerting.signals.freshness import Objectives
from shared.alerting.signals.services import EVERY_SERVICE, expected_services
from shared.alerting.signals.thinned import DENSE_S


class SignalSettings(ProbeSettings):
    """Variables ``BERGLINE_ALERTER_…`` of signals, beside those of probes, and one of stream_writer
    that says how many snapshots there may be; alerter's own settings extend it."""

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
    alerter_expected_services: str = Field(
        default=EVERY_SERVICE,
        description="services that are meant to run, as `ingest,stream_writer,alerter`: the group "
        "of another one is not missed, and without transformer nobody waits for derived tables",
    )

    stream_writer_dense_s: float = Field(
        default=DENSE_S, ge=1, description="how long every snapshot is kept before thinning"
    )

    @field_validator("alerter_expected_every")
    @classmethod
    def _tables_and_durations(cls, value: str) -> str:
        parsed(value)
        return value

    @field_validator("alerter_expected_services")
    @classmethod
    def _services(cls, value: str) -> str:
        expected_services(value)
        return value

    @property
    def objectives(self) -> Objectives:
        """Largest delay that is meant to be."""
        return Objectives(self.alerter_objective_landing_s, self.alerter_objective_derived_s)

    @property
    def expected_every(self) -> Mapping[str, float]:
        """Landing table → longest silence in seconds that is normal: set, or declared."""
        return expected_every(self.alerter_expected_every)

    @property
    def expected_services(self) -> frozenset[str]:
        """Services that are meant to run."""
        return expected_services(self.alerter_expected_services)
