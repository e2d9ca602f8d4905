"""Position delete files: which rows of which data files are no more (Iceberg spec, version 2).

A delete file belongs to the partition spec and the partition of the data files that it names, and
holds their paths and row numbers, sorted. Its bounds on the path tell readers, and the commit,
which files it may name; where both are equal it names that file alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from shared.lake.reading.bounded_cache import BoundedCache

FILE_PATH_ID, POS_ID = 2147483546, 2147483545
"""Reserved field ids (Iceberg spec, "Reserved Field IDs")."""

WRITES = 8
"""Most requests to the store at once."""

KEPT_BYTES = 24 * 2**20
"""About as much is kept of delete files read before: two million positions of few data files."""

_NAME_BYTES = 600
"""Of a data file's path and what holds its positions."""

SCHEMA = pa.schema(
    [
        pa.field("file_path", pa.string(), False, {"PARQUET:field_id": str(FILE_PATH_ID)}),
        pa.field("pos", pa.int64(), False, {"PARQUET:field_id": str(POS_ID)}),
    ]
)

_WRITTEN = SCHEMA.set(
    0, SCHEMA.field("file_path").with_type(pa.dictionary(pa.int32(), pa.string()))
)
"""The same in a file; in memory a path is held once and not for every position."""

_NAMED: BoundedCache[dict[str, pa.Array]] = BoundedCache(
    KEPT_BYTES, lambda named: sum(_NAME_BYTES + 8 * len(each) for each in named.values())
)


def write_position_deletes(
    table: Table, positions: Mapping[str, Sequence[int] | pa.Array], files: Mapping[str, DataFile]
) -> list[DataFile]:
    """Write which rows go, one file for each partition spec and partition.

    Args:
        table: where the files belong.
        positions: path of a data file → row numbers in it, from 0, in any order, each once.
        files: descriptions of at least these data files.

    Returns:
        the delete files, not yet named by any snapshot; none for no positions.

    Raises:
        ValueError: a position is named twice or lies outside of its file.
        KeyError: a data file is not described.
        OSError: the object store did not take them.
    """
    groups: dict[tuple[int, Record], list[DataFile]] = {}
    for path, wanted in positions.items():
        if len(wanted):
            file = files[path]
            groups.setdefault((file.spec_id, file.partition), []).append(file)
    chosen = [sorted(named, key=lambda file: file.file_path) for named in groups.values()]
    if len(chosen) < 2:
        return [_written(table, named, positions) for named in chosen]
    with ThreadPoolExecutor(WRITES, "bergline-write") as pool:
        return list(pool.map(lambda named: _written(table, named, positions), chosen))


def read_positions(io: FileIO, deletes: Iterable[DataFile]) -> dict[str, list[int]]:
    """What these position delete files say, sorted: path of a data file → row numbers, each once.

    Raises:
        OSError: the object store does not answer.
    """
    found: dict[str, set[int]] = {}
    for delete in deletes:
        for path, own in named_positions(io, delete).items():
            found.setdefault(path, set()).update(own.to_pylist())
    return {path: sorted(own) for path, own in found.items()}


def named_positions(io: FileIO, delete: DataFile) -> Mapping[str, pa.Array]:
    """What one position delete file says; the file is read once, as long as it is kept.

    Raises:
        OSError: the object store does not answer.
    """
    return _NAMED.get(delete.file_path, lambda: _read(io, delete))


def may_name(delete: DataFile, path: str) -> bool:
    """Whether a position delete file may name a data file, as its bounds say."""
    lower = (delete.lower_bounds or {}).get(FILE_PATH_ID)
    upper = (delete.upper_bounds or {}).get(FILE_PATH_ID)
    encoded = path.encode()
    return not (lower and encoded < lower) and not (upper and encoded > upper)


def _written(
    table: Table, files: Sequence[DataFile], positions: Mapping[str, Sequence[int] | pa.Array]
) -> DataFile:
    first, last = files[0], files[-1]
    parts: list[pa.Table] = []
    named: dict[str, pa.Array] = {}
    for file in files:
        own = pa.array(positions[file.file_path], pa.int64()).sort()
        if pc.count_distinct(own).as_py() != len(own):
            raise ValueError(f"{file.file_path}: a position is named twice")
        if own[0].as_py() < 0 or own[-1].as_py() >= file.record_count:
            raise ValueError(
                f"{file.file_path}: positions {own[0]} to {own[-1]} in {file.record_count} rows"
            )
        named[file.file_path] = own
        path = pa.DictionaryArray.from_arrays(
            pa.repeat(pa.scalar(0, pa.int32()), len(own)), pa.array([file.file_path])
        )
        parts.append(pa.table([path, own], schema=_WRITTEN))
    rows = pa.concat_tables(parts).unify_dictionaries()
    name = f"{uuid.uuid4()}-deletes.parquet"
    spec = table.specs()[first.spec_id]
    folder = spec.partition_to_path(first.partition, table.schema())
    location = table.location_provider().new_data_location(f"{folder}/{name}" if folder else name)
    output = table.io.new_output(location)
    with output.create(overwrite=True) as stream:
        pq.write_table(rows, stream, compression="zstd", store_schema=False)
        size = stream.tell()
    written = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=first.partition,
        record_count=len(rows),
        file_size_in_bytes=size,
        column_sizes={},
        value_counts={FILE_PATH_ID: len(rows), POS_ID: len(rows)},
        null_value_counts={FILE_PATH_ID: 0, POS_ID: 0},
        nan_value_counts={},
        lower_bounds={FILE_PATH_ID: first.file_path.encode()},
        upper_bounds={FILE_PATH_ID: last.file_path.encode()},
        key_metadata=None,
        split_offsets=None,
        equality_ids=None,
        sort_order_id=None,
    )
    written.spec_id = first.spec_id
    _NAMED.get(location, lambda: named)
    return written


def _read(io: FileIO, delete: DataFile) -> dict[str, pa.Array]:
    with io.new_input(delete.file_path).open() as stream:
        rows = pq.read_table(
            pa.BufferReader(stream.read()),
            columns=["file_path", "pos"],
            read_dictionary=["file_path"],
        )
    paths = rows["file_path"].combine_chunks()
    numbers, positions = paths.indices, rows["pos"].combine_chunks()
    runs = pc.run_end_encode(numbers)
    if len(runs.values) > pc.count_distinct(runs.values).as_py():  # not in the order of paths
        order = pc.sort_indices(numbers)
        numbers, positions = numbers.take(order), positions.take(order)
        runs = pc.run_end_encode(numbers)
    found: dict[str, pa.Array] = {}
    start = 0
    for number, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        found[paths.dictionary[number].as_py()] = positions.slice(start, end - start)
        start = end
    return found
