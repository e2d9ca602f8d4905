"""A change of rows as files: position deletes beside the old files, or the old files written anew.

The standard table property ``write.merge.mode`` says which. Readers see the same rows. Position
deletes cost what changes, and every reader a little until they are folded; copy-on-write costs the
files that are touched, and suits tables of a file or two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from pyiceberg.table import Table

from shared.lake.data_files import write_rows
from shared.lake.decisions import Delta
from shared.lake.divided_deletes import divide
from shared.lake.position_deletes import write_position_deletes
from shared.lake.positions import Positions
from shared.lake.provenance import Provenance
from shared.lake.reading.live_files import LiveFiles
from shared.lake.surviving_rows import surviving_rows
from shared.lake.table_state import SnapshotEntry
from shared.runtime.errors import ConfigurationError
from shared.tables.spec import TableSpec

MERGE_MODE = "write.merge.mode"
MERGE_ON_READ, COPY_ON_WRITE = "merge-on-read", "copy-on-write"


def merge_mode(table: Table) -> str:
    """How rows of a table are changed, as its property says; merge-on-read where it says nothing.

    Raises:
        ConfigurationError: the property says something else.
    """
    mode: str = table.metadata.properties.get(MERGE_MODE, MERGE_ON_READ)
    if mode not in (MERGE_ON_READ, COPY_ON_WRITE):
        raise ConfigurationError(
            f"{'.'.join(table.name())}: {MERGE_MODE} is {mode!r}",
            f"set it to {MERGE_ON_READ} or {COPY_ON_WRITE}",
        )
    return mode


def delta(
    table: Table,
    spec: TableSpec,
    live: LiveFiles,
    positions: Mapping[str, Sequence[int]],
    appended: pa.Table,
    mode: str | None = None,
    *,
    planned: SnapshotEntry | None,
    carried: Provenance | Positions | None,
    target_bytes: int,
    replaces: bool = False,
    summary: Mapping[str, str] | None = None,
) -> Delta:
    """Write the files of a change of rows.

    Args:
        table: where they belong.
        spec: its declaration.
        live: the files of ``planned``.
        positions: rows that go: path of a live data file → row numbers, each once.
        appended: rows that come, with the declared columns.
        mode: merge-on-read or copy-on-write; ``None``: as the table's property says.
        planned: the snapshot that the change was computed on.
        carried: what the new snapshot records.
        target_bytes: a data file of that size is full.
        replaces: all rows that are there go, whatever ``positions`` say.
        summary: further summary entries.

    Raises:
        KeyError: a file in ``positions`` is not live.
        ValueError: a position is named twice, or a value does not fit its column.
        OSError: the object store does not answer.
        Refused: somebody has changed how the table is partitioned.
    """
    touched: dict[str, Sequence[int] | pa.Array] = {
        path: rows for path, rows in positions.items() if len(rows)
    }
    dropped: set[str] = set()
    rewriting = replaces or (mode or merge_mode(table)) == COPY_ON_WRITE
    if replaces:
        dropped, touched = {*live.data, *live.deletes}, {}
    elif rewriting and touched:
        kept = surviving_rows(table, spec, live, touched, touched)
        appended = pa.concat_tables([kept, appended.select(kept.schema.names).cast(kept.schema)])
        dropped, touched = set(touched), {}
        divided = divide(table.io, live, dropped)  # of a time when rows were changed otherwise
        dropped |= divided.gone
        touched = dict(divided.staying)
    level_zero = not rewriting and bool(live.data)  # what is built in full is no small change
    described = {path: live.data[path].file for path in touched}
    with ThreadPoolExecutor(1, "bergline-write") as pool:  # two requests at once
        writing = pool.submit(write_position_deletes, table, touched, described)
        added = write_rows(table, spec, appended, target_bytes=target_bytes, level_zero=level_zero)
    return Delta(
        added=added,
        deletes=writing.result(),
        dropped=dropped,
        named=set(touched),
        planned=planned,
        carried=carried,
        summary=summary or {},
    )
