"""Record batches decoded in bulk equal what aiokafka makes of them, record by record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from services.stream_writer.record_batches import bulk
from services.stream_writer.record_batches.record_columns import RecordColumns, record_columns
from services.stream_writer.record_batches.record_set import RecordSet, record_set
from tests.support.record_batches import batch
from tests.support.records import HEADERS, FetchedRecord

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

_NAMES = st.sampled_from(["ce_id", "delivery_id", "ce_", "", "x", "ü", "traceparent", "n" * 70])
_TEXTS = st.one_of(st.none(), st.binary(max_size=5), st.binary(min_size=60, max_size=200))
_ODD_HEADERS = st.lists(st.tuples(_NAMES, _TEXTS), max_size=4).map(tuple)
_USUAL_HEADERS = st.sampled_from([HEADERS, HEADERS[:-1], HEADERS[::-1], ()])
_TIMES = st.sampled_from([0, 1, 1_767_323_046_000, 1_767_323_046_001, 1_767_323_146_000, 2**62])

_RECORDS = st.lists(
    st.builds(
        FetchedRecord,
        value=_TEXTS,
        timestamp=_TIMES,
        key=_TEXTS,
        headers=st.one_of(_USUAL_HEADERS, _USUAL_HEADERS, _ODD_HEADERS),
    ),
    min_size=1,
    max_size=12,
)


@st.composite
def fetches(draw: st.DrawFn) -> tuple[bytes, int]:
    """What a fetch brought, and from which offset of its first batch on.

    With gaps, marks of transactions, codecs, and a last batch that the fetch limit has cut.
    """
    start = offset = draw(st.integers(0, 2**40))
    data = b""
    for _ in range(draw(st.integers(0, 3))):
        base = offset
        records: list[FetchedRecord] = []
        for record in draw(_RECORDS):
            offset += draw(st.sampled_from([1, 1, 1, 1, 2, 100])) if records else 0
            records.append(
                FetchedRecord(record.value, offset, 0, record.timestamp, record.key, record.headers)
            )
        last = offset - base + draw(st.sampled_from([0, 0, 3]))
        encoded = batch(
            records,
            base,
            codec=draw(st.sampled_from([0, 0, 0, *CODECS.values()])),
            append_time=draw(st.sampled_from([None, None, 1_767_323_046_005])),
            control=draw(st.sampled_from([False, False, False, False, True])),
            last_delta=last,
        )
        if not data:
            start = draw(st.integers(base, base + last))
        data += encoded
        offset = base + last + 1
    cut = draw(st.integers(0, 80))
    return data + batch([FetchedRecord(b"x", offset)], offset)[:cut], start


def of_the_client(data: bytes, start: int) -> tuple[list[Any], int]:
    tp = TopicPartition("t", 3)
    source = PartitionRecords(
        tp, MemoryRecords(data), [], start, None, None, True, READ_UNCOMMITTED
    )
    return list(source), source.next_fetch_offset


def understood(data: bytes, start: int) -> RecordSet:
    found = record_set(3, data, start)
    assert found is not None
    return found


def assert_same(columns: RecordColumns, records: Sequence[Any]) -> None:
    assert len(columns) == len(records)
    assert columns.partition.to_pylist() == [record.partition for record in records]
    assert columns.offset.to_pylist() == [record.offset for record in records]
    assert columns.timestamp.to_pylist() == [record.timestamp for record in records]
    assert columns.key.to_pylist() == [record.key for record in records]
    assert columns.value.to_pylist() == [record.value for record in records]
    named = [dict(record.headers) for record in records]
    for name in {name for each in named for name in each} | {"no such header"}:
        assert columns.header(name).to_pylist() == [each.get(name) for each in named]
    names: list[tuple[str, ...]] = [()] * len(records)
    for group in columns.alike:
        for row in group.rows.to_pylist():
            names[row] = group.names
    assert names == [tuple(each) for each in named]
    for column in (columns.key, columns.value, columns.header("ce_id")):
        column.validate(full=True)


@pytest.fixture(autouse=True)
def in_bulk_however_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "FEW", 1)


hostile = settings(deadline=None)


@hostile
@given(st.lists(fetches(), min_size=1, max_size=3))
def test_bulk_equals_the_client(found: list[tuple[bytes, int]]) -> None:
    sets = [understood(data, start) for data, start in found]
    records = [record for data, start in found for record in of_the_client(data, start)[0]]
    assert_same(bulk.decode(sets), records)


@hostile
@given(fetches())
def test_a_set_equals_the_client(fetch: tuple[bytes, int]) -> None:
    found = understood(*fetch)
    records, end = of_the_client(*fetch)
    assert found.end == end
    assert len(found) == len(records)
    plain = [(r.partition, r.offset, r.timestamp, r.key, r.value, r.headers) for r in records]
    for one_by_one in (list(found), [found[at] for at in range(len(found))], found[:]):
        assert plain == [
            (r.partition, r.offset, r.timestamp, r.key, r.value, r.headers) for r in one_by_one
        ]
    if records:
        assert found[-1].offset == records[-1].offset


@hostile
@given(_RECORDS)
def test_columns_of_objects_are_the_same(records: list[FetchedRecord]) -> None:
    assert_same(record_columns(records), records)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_many_records_of_two_writers(codec: int) -> None:
    traced = (*HEADERS, ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
    records = [
        FetchedRecord(b"v" * (at % 300), at, headers=traced if at % 7 == 3 else HEADERS)
        for at in range(2000)
    ]
    data = batch(records[:1500], 0, codec=codec) + batch(records[1500:], 1500)
    columns = bulk.decode([understood(data, 10)])
    assert_same(columns, of_the_client(data, 10)[0])
    assert len(columns.alike) == 2


def test_headers_that_are_ever_different_are_read_all_the_same() -> None:
    records = [FetchedRecord(b"{}", at, headers=((f"name-{at}", b"%d" % at),)) for at in range(200)]
    data = batch(records, 0)
    assert_same(bulk.decode([understood(data, 0)]), of_the_client(data, 0)[0])


def test_no_records_are_no_rows() -> None:
    columns = bulk.decode([understood(b"", 5)])
    assert len(columns) == 0
    assert columns.value.type == pa.large_binary()
    assert columns.header("ce_id").to_pylist() == []
