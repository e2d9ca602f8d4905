"""However many rows a file has, loading it takes about as much memory as is allowed."""

from __future__ import annotations

from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from services.stream_writer.exports.identities import Identities
from services.stream_writer.exports.limits import Limits
from tests.support.exports import SCHEMA, Exports, event

MIB = 2**20
BOUND = MIB
ROWS = 40_000
GROUP = 20_000


def _write(path: Path) -> int:
    """A file of many rows, written a row group at a time; bytes of them in memory."""
    group = pa.Table.from_pylist([event()] * GROUP, schema=SCHEMA)
    at, size = SCHEMA.get_field_index("event_timestamp"), 0
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for first in range(0, ROWS, GROUP):
            moments = pa.array(range(first, first + GROUP), pa.int64())
            rows = group.set_column(at, SCHEMA.field(at), moments)
            size += rows.nbytes
            writer.write_table(rows, row_group_size=GROUP)
    return size


def test_a_file_of_many_rows_is_loaded_a_few_at_a_time(tmp_path: Path) -> None:
    exports = Exports(tmp_path, Limits(memory_bytes=BOUND))
    path = exports.directory / "many.parquet"
    size = _write(path)
    pa.default_memory_pool().release_unused()
    before = pa.total_allocated_bytes()
    arrow: list[int] = []

    def proceed() -> None:
        arrow.append(pa.total_allocated_bytes() - before)

    exports.load(path, path, proceed=proceed)
    assert len(set(exports.ids())) == ROWS
    assert size > 10 * BOUND
    assert max(arrow) < 4 * BOUND, f"{max(arrow) / MIB:.1f} MiB of Arrow"


def test_ids_beyond_the_bound_are_on_disk() -> None:
    process = psutil.Process()
    ids = Identities(MIB // 4)
    resident = process.memory_info().rss
    for first in range(0, 100_000, 10_000):
        ids.add([number.to_bytes(32, "big") for number in range(first, first + 10_000)])
    ids.add([(5).to_bytes(32, "big")])
    assert (ids.rows, ids.repeated) == (100_001, 1)
    assert process.memory_info().rss - resident < 3 * MIB, "100,000 ids are 4 MB at least"
    assert ids.exclude([number.to_bytes(32, "big") for number in range(99_990, 100_010)]) == 10
    assert list(ids.wanted()) == list(range(99_990))
    ids.close()
