"""A peer: RisingWave's compaction in Rust, in a Python environment of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from shared.lake.maintenance.policy import MaintenancePolicy
from tests.bench.builds.python_environment import python
from tests.bench.compaction.contestant import Compactor
from tests.bench.peers.java_catalog import java_catalog
from tests.support.storage import StorageProcess

REQUIREMENTS = Path(__file__).parent / "iceberg_compaction" / "requirements.txt"
WAITS_S = "120"
"""For the store; by itself it gives up after ten seconds, which a busy machine may need."""


class IcebergCompaction(Compactor):
    """The PyPI package ``iceberg-compaction``."""

    name: ClassVar[str] = "iceberg_compaction"
    title: ClassVar[str] = "iceberg-compaction 202604.9.0rc0 (Rust)"

    def __init__(self, directory: Path, storage: StorageProcess) -> None:
        super().__init__(directory, storage)
        self._python = python(REQUIREMENTS)

    @property
    def command(self) -> Sequence[str]:
        return [str(self._python), "-m", "tests.bench.compaction.rust_worker"]

    @property
    def lake(self) -> Mapping[str, Any]:
        known = java_catalog(self.storage.settings)
        policy = MaintenancePolicy()
        return {
            "uri": known.pop("uri"),
            "warehouse": known.pop("warehouse"),
            "properties": {**known, "s3.region": known["client.region"], "io.timeout": WAITS_S},
            "target_bytes": policy.target_bytes,
            "small_bytes": policy.small_bytes,
        }
