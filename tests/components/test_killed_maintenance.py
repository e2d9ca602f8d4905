"""Maintenance is killed (SIGKILL) at each of its steps, on a real catalog and object store.

Whatever the step: every row is there once, nothing that a snapshot names is gone, the next run
finishes the job, and what was left behind is found.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from pathlib import Path

import duckdb
import obstore
import pytest
from pyiceberg.table import Table

from deploy.embedded.connection import connection
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.object_store import bucket
from shared.lake.maintenance.scratch import PREFIX
from tests.chaos.maintenance_evidence import named_files, stored_files
from tests.chaos.plain_catalog import plain_catalog
from tests.components.maintained_table import (
    COMMITS,
    ROWS,
    SPEC,
    add,
    compacted,
    expired,
    new_table,
    swept,
)
from tests.support import warm_bergline
from tests.support.derived_lake import MONTHS
from tests.support.storage import StorageProcess, module_storage

__all__ = ["module_storage"]

WITHIN_S = 120
LOST = 12

_DIGEST = "select count(*), sum(hash(rows))::varchar from rows"


class Witness:
    """What anybody sees of the table: plain PyIceberg, DuckDB, and Arrow's listing of the store."""

    def __init__(self, storage: StorageProcess, handle: TableHandle) -> None:
        self._storage, self._handle = storage, handle

    @property
    def table(self) -> Table:
        catalog = plain_catalog(self._storage.settings)
        found: Table = catalog.load_table(self._handle.environment.table(SPEC.name))
        return found

    def rows(self) -> tuple[int, str]:
        """How many, and a hash of all of them that knows no order."""
        rows = self.table.scan().to_arrow()
        with duckdb.connect() as sql:
            sql.register("rows", rows)
            count, digest = sql.execute(_DIGEST).fetchone() or (0, "")
        return count, digest

    def named(self) -> set[str]:
        """Files that a retained snapshot names."""
        return {each["path"] for each in named_files(SPEC.name, self.table)}

    def stored(self) -> set[str]:
        """Files in the store; of metadata files the catalog takes care."""
        found = stored_files(self._storage.settings, SPEC.name, self.table)
        return {each["path"] for each in found if not each["path"].endswith(".metadata.json")}

    def files(self) -> Counter[object]:
        """Live data files of each month."""
        return Counter(task.file.partition[0] for task in self.table.scan().plan_files())


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for temporary files, of the killed process and of this one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def handle(module_storage: StorageProcess) -> TableHandle:
    return new_table(module_storage.settings)


@pytest.fixture
def witness(module_storage: StorageProcess, handle: TableHandle) -> Witness:
    return Witness(module_storage, handle)


def killed(
    storage: StorageProcess, handle: TableHandle, temporary: Path, job: str, place: str
) -> None:
    """A process that does the job has died at that place."""
    variables = connection(storage.ports, storage.secrets) | {"TMPDIR": str(temporary)}
    name = str(handle.environment.name)
    done = warm_bergline.module(
        "tests.components.killed_maintenance",
        [job, place, name],
        {**os.environ, **variables},
        seconds=WITHIN_S,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def scratch(temporary: Path) -> list[Path]:
    return list(temporary.glob(f"{PREFIX}*"))


@pytest.mark.parametrize(
    ("place", "committed"),
    [
        pytest.param("file:2:.parquet", 0, id="a file of several is written"),
        pytest.param("file:1:.avro", 0, id="all files of a group are written"),
        pytest.param("commit:1:before", 0, id="before the commit"),
        pytest.param("commit:1:sent", None, id="commit under way"),
        pytest.param("commit:1:after", 1, id="answer lost, nothing announced"),
        pytest.param("commit:3:before", 2, id="before the commit of the last group"),
    ],
)
def test_a_compaction(
    module_storage: StorageProcess,
    handle: TableHandle,
    witness: Witness,
    temporary: Path,
    place: str,
    committed: int | None,
) -> None:
    rows, snapshots = witness.rows(), len(witness.table.metadata.snapshots)
    assert rows[0] == COMMITS * (ROWS - 2 * len(MONTHS))
    killed(module_storage, handle, temporary, "compact", place)

    assert witness.rows() == rows
    assert witness.named() <= witness.stored()
    if committed is not None:
        assert len(witness.table.metadata.snapshots) == snapshots + committed
        assert witness.stored() - witness.named() or committed == 1, "something was written in vain"
    assert bool(scratch(temporary)) == (place == "file:2:.parquet"), "rows were on disk, or no more"

    report = compacted(handle)
    assert report.status is Status.SUCCESS
    if committed is not None:
        assert report.groups == len(MONTHS) - committed
    assert witness.rows() == rows
    assert max(witness.files().values()) < COMMITS
    assert scratch(temporary) == []

    swept(handle)
    assert witness.stored() == witness.named()
    assert witness.rows() == rows


@pytest.mark.parametrize(
    ("place", "removed"),
    [
        pytest.param("commit:1:before", False, id="before the removal"),
        pytest.param("commit:1:after", True, id="answer lost"),
        pytest.param("deletion:1:0", True, id="before the first deletion"),
        pytest.param("deletion:1:0.5", True, id="amid data files"),
        pytest.param("deletion:2:0.5", True, id="amid manifests"),
        pytest.param("deletion:3:0.5", True, id="amid manifest lists"),
        pytest.param("deletion:3:1", True, id="after the last deletion"),
    ],
)
def test_an_expiry(
    module_storage: StorageProcess,
    handle: TableHandle,
    witness: Witness,
    temporary: Path,
    place: str,
    removed: bool,
) -> None:
    compacted(handle)
    add(handle, range(ROWS), COMMITS + 1)
    rows, before = witness.rows(), witness.stored()
    killed(module_storage, handle, temporary, "expire", place)

    assert witness.rows() == rows
    assert witness.named() <= witness.stored()
    assert (len(witness.named()) < len(before) / 2) == removed

    report = expired(handle)
    assert (report.status is Status.SUCCESS) == (not removed)
    assert witness.rows() == rows
    assert witness.named() <= witness.stored()

    left = len(witness.stored() - witness.named())
    assert swept(handle).removed >= left
    assert witness.stored() == witness.named()
    assert witness.rows() == rows


@pytest.mark.parametrize("share", ["0", "0.5", "1"], ids=["before", "amid", "after"])
def test_an_orphan_sweep(
    module_storage: StorageProcess,
    handle: TableHandle,
    witness: Witness,
    temporary: Path,
    share: str,
) -> None:
    location = handle.state().location
    store, (_, _, _, key) = bucket(handle.table.io, location), location.split("/", 3)
    for number in range(LOST):
        obstore.put(store, f"{key}/data/lost-{number}.parquet", b"lost")
    rows, named = witness.rows(), witness.named()
    killed(module_storage, handle, temporary, "orphans", f"deletion:1:{share}")

    assert witness.rows() == rows
    assert witness.named() == named
    assert named <= witness.stored()
    lost = {path for path in witness.stored() - named if "/lost-" in path}
    assert len(lost) == LOST * (1 - float(share))

    swept(handle)
    assert witness.stored() == named
    assert witness.rows() == rows
