"""Settings of maintainer."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.maintainer.pace import Pace
from shared.lake.maintenance.settings import MaintenanceSettings


class MaintainerSettings(MaintenanceSettings):
    """Variables ``BERGLINE_MAINTAINER_…`` beside the shared ones and those of the policy."""

    maintainer_port: int = Field(default=8086, ge=1, le=65535, description="HTTP port")
    maintainer_jobs: int = Field(
        default=1, ge=1, le=16, description="jobs at a time, each of another table"
    )
    maintainer_threads: int = Field(
        default=1, ge=1, le=64, description="threads that jobs compute with, all together"
    )
    maintainer_nice: int = Field(
        default=5, ge=0, le=19, description="added to the scheduling priority number of jobs"
    )
    maintainer_look_s: float = Field(
        default=300.0, gt=0, description="every table is looked at after so long at the latest"
    )
    maintainer_look_files: int = Field(
        default=50,
        ge=1,
        description="a table is looked at as soon as so many data files have come since",
    )
    maintainer_expire_s: float = Field(
        default=3600.0, gt=0, description="how often the snapshots of each table are expired"
    )
    maintainer_orphans_s: float = Field(
        default=86_400.0, gt=0, description="how often each table is searched for orphans"
    )
    maintainer_quality_s: float = Field(
        default=86_400.0,
        gt=0,
        description="how often the entity index is checked against the records of its sources",
    )
    maintainer_attempts: int = Field(
        default=3,
        ge=1,
        description="failures after which what an operator asked for is given up; what comes of "
        "itself is tried again for ever",
    )
    maintainer_backoff_s: float = Field(
        default=2.0, gt=0, description="pause after the first failure; doubles with each further"
    )
    maintainer_backoff_longest_s: float = Field(
        default=1800.0, gt=0, description="longest pause between two attempts"
    )
    maintainer_session_timeout_s: float = Field(
        default=20.0, ge=6, le=300, description="silence after which a worker loses its tables"
    )
    maintainer_work_dir: Path = Field(
        default=Path("maintainer"),
        description="directory of Faust, below the data directory unless absolute",
    )

    @property
    def pace(self) -> Pace:
        """When something is done by itself, and how failures are repeated."""
        return Pace(
            look_s=self.maintainer_look_s,
            look_files=self.maintainer_look_files,
            expire_s=self.maintainer_expire_s,
            orphans_s=self.maintainer_orphans_s,
            quality_s=self.maintainer_quality_s,
            attempts=self.maintainer_attempts,
            first_s=self.maintainer_backoff_s,
            longest_s=self.maintainer_backoff_longest_s,
        )
