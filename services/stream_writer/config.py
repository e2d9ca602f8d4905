"""Settings of stream_writer."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings


class StreamWriterSettings(Settings):
    """Variables ``BERGLINE_STREAM_WRITER_…`` beside the shared ones.

    The shared connection settings keep their own prefix.
    """

    model_config = SettingsConfigDict(env_prefix="BERGLINE_", frozen=True, extra="ignore")

    stream_writer_port: int = Field(default=8083, ge=1, le=65535, description="HTTP port")
    stream_writer_max_age_s: float = Field(
        default=1.0, gt=0, le=300, description="commit when the oldest buffered row is this old"
    )
    stream_writer_max_rows: int = Field(
        default=200_000, ge=1, description="commit when this many rows are buffered"
    )
    stream_writer_max_bytes: int = Field(
        default=32 * 2**20, ge=2**20, description="commit when this many bytes are buffered"
    )
    stream_writer_buffer_bytes: int = Field(
        default=192 * 2**20,
        ge=2**20,
        description="memory of fetched records per table, beyond which its partitions are paused",
    )
    stream_writer_bad_share: float = Field(
        default=0.5, gt=0, le=1, description="share of bad records that stops a table"
    )
    stream_writer_bad_minimum: int = Field(
        default=100, ge=1, description="fewest bad records that stop a table"
    )
    stream_writer_session_timeout_s: float = Field(
        default=10.0, ge=6, le=300, description="silence after which a worker loses its partitions"
    )
    stream_writer_dense_s: float = Field(
        default=120.0, ge=1, description="how long every snapshot is kept before thinning"
    )
    stream_writer_sweep_delay_s: float = Field(
        default=600.0, ge=0, description="delay before manifests of removed snapshots are deleted"
    )
    stream_writer_spread_partitions: bool = Field(
        default=False,
        description="share every table among all workers instead of as few as possible",
    )
    stream_writer_export_memory_bytes: int = Field(
        default=64 * 2**20,
        ge=2**20,
        description="about how much of an export is in memory at most while it is loaded",
    )
    stream_writer_export_max_bytes: int = Field(
        default=20 * 2**30, ge=1, description="largest export that is loaded; others are refused"
    )
    stream_writer_work_dir: Path = Field(
        default=Path("stream_writer"),
        description="Faust's directory, below the data directory unless absolute",
    )
