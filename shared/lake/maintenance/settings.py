"""Settings of maintenance: the policy of tables whose own properties say nothing else."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.lake.maintenance.thresholds import MaintenancePolicy
from shared.runtime.settings import Settings

_DEFAULT = MaintenancePolicy()


class MaintenanceSettings(Settings):
    """Variables ``BERGLINE_MAINTAINER_…`` that say when a table is maintained.

    maintainer reads them, and the command line, so that both decide alike.
    """

    model_config = SettingsConfigDict(env_prefix="BERGLINE_", frozen=True, extra="ignore")

    maintainer_target_file_bytes: int = Field(
        default=_DEFAULT.target_bytes,
        ge=1024,
        description="size of a full data file; a table's write.target-file-size-bytes wins",
    )
    maintainer_small_share: float = Field(
        default=_DEFAULT.small_share,
        gt=0,
        le=1,
        description="share of that size below which a file is small",
    )
    maintainer_least_files: int = Field(
        default=_DEFAULT.least_files,
        ge=2,
        description="a partition with fewer small files is left alone",
    )
    maintainer_deleted_share: float = Field(
        default=_DEFAULT.deleted_share,
        gt=0,
        le=1,
        description="share of deleted rows from which a file is written anew",
    )
    maintainer_hot_s: float = Field(
        default=_DEFAULT.hot_s,
        ge=0,
        description="a partition that got a file so recently waits",
    )
    maintainer_many_files: int = Field(
        default=_DEFAULT.many_files,
        ge=2,
        description="but not when it has so many small files",
    )
    maintainer_memory_bytes: int = Field(
        default=_DEFAULT.memory_bytes,
        ge=2**20,
        description="bytes of rows that are held while files are written anew",
    )
    maintainer_retention_days: float = Field(
        default=_DEFAULT.retention_days,
        ge=0,
        description="age up to which snapshots stay; a table's "
        "history.expire.max-snapshot-age-ms wins",
    )
    maintainer_retain_last: int = Field(
        default=_DEFAULT.retain_last,
        ge=1,
        description="newest snapshots that stay at any age; a table's "
        "history.expire.min-snapshots-to-keep wins",
    )
    maintainer_many_manifests: int = Field(
        default=_DEFAULT.many_manifests,
        ge=2,
        description="more manifests are put together; a table's "
        "commit.manifest.min-count-to-merge wins",
    )
    maintainer_orphan_days: float = Field(
        default=_DEFAULT.orphan_days,
        ge=1,
        description="age from which a file that no snapshot names is an orphan",
    )

    @property
    def policy(self) -> MaintenancePolicy:
        """The policy that these make."""
        return MaintenancePolicy(
            target_bytes=self.maintainer_target_file_bytes,
            small_share=self.maintainer_small_share,
            least_files=self.maintainer_least_files,
            deleted_share=self.maintainer_deleted_share,
            hot_s=self.maintainer_hot_s,
            many_files=self.maintainer_many_files,
            memory_bytes=self.maintainer_memory_bytes,
            retention_days=self.maintainer_retention_days,
            retain_last=self.maintainer_retain_last,
            many_manifests=self.maintainer_many_manifests,
            orphan_days=self.maintainer_orphan_days,
        )
