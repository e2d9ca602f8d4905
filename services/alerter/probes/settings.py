"""Settings of what alerter asks the platform."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from shared.runtime.settings import Settings


class ProbeSettings(Settings):
    """Variables ``BERGLINE_ALERTER_…`` of probes; alerter's own settings extend it."""

    alerter_probe_every_s: float = Field(
        default=5.0, gt=0, description="how often catalog, object store and broker are asked"
    )
    alerter_probe_timeout_s: float = Field(
        default=2.0, gt=0, le=60, description="no answer within so long is none"
    )
    alerter_lag_every_s: float = Field(
        default=15.0, gt=0, description="how often the broker is asked how far groups are behind"
    )
    alerter_storage_path: Path | None = Field(
        default=None,
        description="a path on the file system of the object store, whose free room is told; for "
        "one machine",
    )
    alerter_storage_metrics: str = Field(
        default="",
        description="address of the object store's Prometheus metrics, which tell its free room: "
        "MinIO's /minio/v2/metrics/cluster, or a volume server of SeaweedFS; empty: see "
        "BERGLINE_ALERTER_STORAGE_PATH",
    )

    @field_validator("alerter_storage_path", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value
