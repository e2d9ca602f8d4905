"""How a table is at a moment: its files and history, and how long it takes to plan a scan of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pyiceberg.catalog import Catalog
from pyiceberg.manifest import clear_manifest_cache
from pyiceberg.table import Table

from shared.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the head.

    Attributes:
        at_s: since the soak began.
        data_files, delete_files: live ones.
        live_bytes: of both.
        snapshots: retained.
        manifests: of the head.
        metadata_bytes: of the metadata file.
        planning_s: to load the table and to plan a scan of all of it, nothing kept from before.
    """

    at_s: float
    data_files: int
    delete_files: int
    live_bytes: int
    snapshots: int
    manifests: int
    metadata_bytes: int
    planning_s: float


def sample(catalog: Catalog, settings: Settings, name: str, at_s: float) -> tuple[Sample, Table]:
    """Look at a table that has a snapshot, by plain PyIceberg; the table as it was loaded."""
    clear_manifest_cache()
    began = time.perf_counter()
    table: Table = catalog.load_table(settings.environment.table(name))
    tasks = list(table.scan().plan_files())
    planning = time.perf_counter() - began
    head = table.current_snapshot()
    assert head is not None, f"{name} has no snapshot"
    deletes = {each.file_path: each.file_size_in_bytes for t in tasks for each in t.delete_files}
    found = Sample(
        at_s=at_s,
        data_files=len(tasks),
        delete_files=len(deletes),
        live_bytes=sum(t.file.file_size_in_bytes for t in tasks) + sum(deletes.values()),
        snapshots=len(table.metadata.snapshots),
        manifests=len(head.manifests(table.io)),
        metadata_bytes=len(table.io.new_input(table.metadata_location)),
        planning_s=planning,
    )
    return found, table
