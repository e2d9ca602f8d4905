"""The writer's peers: the least that must be done to get from a topic to Parquet with the payload.

The *line* is a confluent-kafka consumer that reads the offsets, ``pyarrow.json`` that parses 32 MiB
at a time with an explicit schema, and zstd Parquet with the payload beside the columns, to a local
file. The *bare* line has the values in memory already. The loop *by rows* has the same client and
file, and ``json.loads`` for every record. No envelope, no odd records, no object store, no catalog,
no positions, no bound on age.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.json as arrow_json
import pyarrow.parquet as pq
from confluent_kafka import Consumer, TopicPartition

from shared.lake.parquet_file import ZSTD_LEVEL
from shared.runtime.errors import Unavailable
from shared.runtime.log_bounds import LogBounds
from shared.tables.spec import TableSpec

BATCH_BYTES = 32 * 2**20
"""As many as the writer puts into one commit."""

DEADLINE_SECONDS = 60.0
_MESSAGES = 10_000

Parse = Callable[[list[bytes]], pa.Table]


class ArrowLine:
    """Values of one table to Parquet files.

    Args:
        bootstrap: the broker.
        topic: what is read.
        spec: the table whose fields are parsed; others are ignored, as the writer does.
        sample: values that show the types of all fields.
    """

    def __init__(
        self, bootstrap: str, topic: str, spec: TableSpec, sample: Sequence[bytes]
    ) -> None:
        self._topic = topic
        self._schema = _schema(spec, sample)
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "bench-arrow-line",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
            }
        )

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def cpu_seconds(self, ranges: Mapping[int, LogBounds], file: Path) -> float:
        """CPU-seconds of the line for these offsets by partition, written to ``file``.

        Raises:
            Unavailable: the broker did not deliver all of them in time.
        """
        return self._consumed(ranges, self._in_bulk, file)

    def bare_cpu_seconds(self, values: Sequence[bytes], file: Path) -> float:
        """The same for values that are in memory already."""
        return _written(_batches_of(values), self._in_bulk, file)[0]

    def by_rows_cpu_seconds(self, ranges: Mapping[int, LogBounds], file: Path) -> float:
        """The same for the line with ``json.loads`` for every record.

        Raises:
            Unavailable: the broker did not deliver all of them in time.
        """
        return self._consumed(ranges, self._by_rows, file)

    def _consumed(self, ranges: Mapping[int, LogBounds], parse: Parse, file: Path) -> float:
        used, rows = _written(self._batches(ranges), parse, file)
        wanted = sum(each.held for each in ranges.values())
        if rows != wanted:
            raise Unavailable(f"the broker delivered {rows} of {wanted} records of {self._topic}")
        return used

    def _batches(self, ranges: Mapping[int, LogBounds]) -> Iterator[list[bytes]]:
        self._consumer.assign(
            [TopicPartition(self._topic, number, each.start) for number, each in ranges.items()]
        )
        missing = sum(each.held for each in ranges.values())
        deadline = time.monotonic() + DEADLINE_SECONDS
        values: list[bytes] = []
        size = 0
        while missing and time.monotonic() < deadline:
            for message in self._consumer.consume(_MESSAGES, timeout=0.1):
                value = message.value()
                if message.error() is not None or value is None:
                    raise Unavailable(f"the broker answered {message.error()}")
                values.append(value)
                size += len(value)
                missing -= 1
            if size >= BATCH_BYTES:
                yield values
                values, size = [], 0
        if values:
            yield values

    def _in_bulk(self, values: list[bytes]) -> pa.Table:
        lines = b"\n".join(values)
        options = arrow_json.ParseOptions(
            explicit_schema=self._schema, unexpected_field_behavior="ignore"
        )
        return arrow_json.read_json(BytesIO(lines), _whole(lines), options)

    def _by_rows(self, values: list[bytes]) -> pa.Table:
        return pa.Table.from_pylist([json.loads(value) for value in values], self._row_schema)

    @property
    def _row_schema(self) -> pa.Schema:
        """``pyarrow.json`` finds moments by itself; a row has their text."""
        return pa.schema(
            [
                pa.field(field.name, pa.string()) if pa.types.is_timestamp(field.type) else field
                for field in self._schema
            ]
        )


def _written(batches: Iterable[list[bytes]], parse: Parse, file: Path) -> tuple[float, int]:
    """CPU-seconds of this process, rows."""
    started = time.process_time()
    writer: pq.ParquetWriter | None = None
    rows = 0
    for values in batches:
        table = parse(values).append_column("_payload", pa.array(values, pa.large_binary()))
        writer = writer or pq.ParquetWriter(
            file, table.schema, compression="zstd", compression_level=ZSTD_LEVEL
        )
        writer.write_table(table)
        rows += table.num_rows
    if writer is not None:
        writer.close()
    return time.process_time() - started, rows


def _batches_of(values: Sequence[bytes]) -> Iterator[list[bytes]]:
    rows = max(1, BATCH_BYTES * len(values) // sum(map(len, values)))
    for first in range(0, len(values), rows):
        yield list(values[first : first + rows])


def _schema(spec: TableSpec, sample: Sequence[bytes]) -> pa.Schema:
    lines = b"\n".join(sample)
    found = arrow_json.read_json(BytesIO(lines), _whole(lines)).schema
    wanted = {column.path[0] for column in spec.payload_columns}
    return pa.schema([field for field in found if field.name in wanted])


def _whole(lines: bytes) -> arrow_json.ReadOptions:
    """One block: a block may not show the type of a field that is mostly null."""
    return arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1)
