"""CPU cost of turning records into Arrow rows, beside the readers it could have been built on.

The records are the demonstration's Shopify order webhooks. Peers do less: neither fills system
columns from headers nor keeps the payload, and one odd record stops ``pyarrow.json``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.json as arrow_json

from services.stream_writer.parsing.rows import parse
from services.stream_writer.record_batches.bulk import decode
from services.stream_writer.record_batches.record_set import record_set
from shared.tables.registry import TABLES
from shared.tables.spec import Type
from tests.bench import orders
from tests.bench.report import Measure, measure
from tests.support.record_batches import batch
from tests.support.records import FetchedRecord

ORDERS = TABLES["raw.shopify_orders"]

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RECORDS = 1000
"""Of one batch, about what one fetch of a busy partition brings."""

QUICK_RECORDS = 200

ONE_IN = 100
"""Of so many records one is odd: the design's limit for 1 % is 1.5 times the clean cost."""

_BODIES = 8
"""Batches a measurement: long enough for the clock of CPU time."""

Work = Callable[[], object]


def drifted(values: Sequence[bytes]) -> list[bytes]:
    """One in a hundred with a price that is none."""
    return _each(values, lambda value: value.replace(b'"total_price":"', b'"total_price":"x', 1))


def retyped(values: Sequence[bytes]) -> list[bytes]:
    """One in a hundred with a list where an integer belongs."""
    return _each(values, lambda value: value.replace(b'"order_number":', b'"order_number":[],"x":'))


def broken(values: Sequence[bytes]) -> list[bytes]:
    """One in a hundred cut short."""
    return _each(values, lambda value: value[:-1])


def _each(values: Sequence[bytes], change: Callable[[bytes], bytes]) -> list[bytes]:
    changed = [change(value) if at % ONE_IN == 0 else value for at, value in enumerate(values)]
    if sum(new != old for new, old in zip(changed, values, strict=True)) < len(values) // ONE_IN:
        raise ValueError("the change did not change the records it should")
    return changed


def by_rows(values: Sequence[bytes]) -> pa.Table:
    """Peer: ``orjson`` record by record, the same payload columns uncast."""
    columns: dict[str, list[Any]] = {column.name: [] for column in ORDERS.payload_columns}
    for value in values:
        order = orjson.loads(value)
        for column in ORDERS.payload_columns:
            found = order
            for key in column.path:
                found = found.get(key) if isinstance(found, dict) else None
            if column.type is Type.JSON and found is not None:
                found = orjson.dumps(found).decode()
            columns[column.name].append(found)
    return pa.table(columns)


def arrow_reader(values: Sequence[bytes]) -> Work:
    """Peer: ``pyarrow.json`` with an explicit schema, one thread, from lines ready in memory."""
    lines = b"\n".join(values)
    schema = arrow_json.read_json(BytesIO(lines), _read(lines)).schema
    options = arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    return lambda: arrow_json.read_json(BytesIO(lines), _read(lines), options)


def _read(lines: bytes) -> arrow_json.ReadOptions:
    return arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1)


def ours(records: Sequence[FetchedRecord]) -> Work:
    """What is measured: from the bytes that a fetch brings on."""
    fetched = record_set(0, batch(records, 0), 0)
    if fetched is None:
        raise ValueError("the record batch is of a format that is not read in bulk")
    return lambda: parse(ORDERS, "shopify.orders", decode([fetched]), NOW)


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Megabytes (10^6) of values per CPU-second; in every round everything takes its turn."""
    count = QUICK_RECORDS if quick else RECORDS
    faithful = orders.faithful(count)
    thin = orders.thin(faithful)
    size = sum(map(len, faithful)) // count
    thin_size = sum(map(len, thin)) // count
    clean, clean_thin = "parse", "parse, thin"
    cases: dict[str, tuple[Sequence[bytes], Work]] = {
        clean: (faithful, ours(orders.records(faithful))),
        "pyarrow.json": (faithful, arrow_reader(faithful)),
        "orjson by rows": (faithful, lambda: by_rows(faithful)),
        clean_thin: (thin, ours(orders.records(thin))),
        "pyarrow.json, thin": (thin, arrow_reader(thin)),
        "orjson by rows, thin": (thin, lambda: by_rows(thin)),
    }
    for change in (drifted, retyped, broken):
        odd = change(thin)
        cases[f"parse, thin, 1 % {change.__name__}"] = (odd, ours(orders.records(odd)))
    speeds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (values, work) in cases.items():
            speeds[name].append(_megabytes_per_cpu_second(values, work))
    comparisons = [
        (clean, "pyarrow.json", size),
        (clean, "orjson by rows", size),
        (clean_thin, "pyarrow.json, thin", thin_size),
        (clean_thin, "orjson by rows, thin", thin_size),
        *((name, clean_thin, thin_size) for name in cases if "%" in name),
    ]
    return [
        measure(
            f"{name}, {bytes_} bytes an order, beside {peer}",
            speeds[name],
            "MB/CPU-s",
            peer=peer,
            peer_values=speeds[peer],
        )
        for name, peer, bytes_ in comparisons
    ]


def _megabytes_per_cpu_second(values: Sequence[bytes], work: Work) -> float:
    work()
    started = time.process_time()
    for _ in range(_BODIES):
        work()
    return _BODIES * sum(map(len, values)) / 1e6 / (time.process_time() - started)
